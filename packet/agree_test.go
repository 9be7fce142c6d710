package packet

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// analysisFields are Wireshark's fields, in the order of the classes.
var analysisFields = []string{
	"tcp.analysis.retransmission", "tcp.analysis.fast_retransmission", "tcp.analysis.spurious_retransmission", "tcp.analysis.out_of_order",
	"tcp.analysis.duplicate_ack", "tcp.analysis.lost_segment", "tcp.analysis.ack_lost_segment", "tcp.analysis.keep_alive", "tcp.analysis.keep_alive_ack",
	"tcp.analysis.zero_window", "tcp.analysis.zero_window_probe", "tcp.analysis.zero_window_probe_ack", "tcp.analysis.window_update",
	"tcp.analysis.window_full", "tcp.analysis.reused_ports",
}

var headerFields = []string{
	"frame.time_epoch", "frame.len", "frame.cap_len", "frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
	"udp.srcport", "udp.dstport", "sctp.srcport", "sctp.dstport", "tcp.stream", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "tcp.window_size_value", "tcp.flags",
	"tcp.analysis.duplicate_ack_num", "tcp.analysis.initial_rtt",
}

// TestAgreesWithWireshark compares, frame by frame, what tshark and this package find in every capture at hand.
func TestAgreesWithWireshark(t *testing.T) {
	if testing.Short() {
		t.Skip("runs tshark on whole captures")
	}
	files := captures(t)
	if len(files) == 0 {
		t.Fatal("there is no capture")
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) { compare(t, path) })
	}
}

// compare compares one capture.
func compare(t *testing.T, path string) {
	rows := tshark(t, path, append(append([]string{}, headerFields...), analysisFields...)...)
	r, err := Open(path)
	if err != nil {
		if len(rows) > 0 || !errors.Is(err, ErrNotCapture) {
			t.Errorf("tshark reads %d frames: %v", len(rows), err)
		}
		return
	}
	defer r.Close()
	conversations := NewConversations(0)
	var f Frame
	var outer, h Headers
	wrong := 0
	for {
		err := r.Next(&f)
		var damage *DamageError
		if err == io.EOF || errors.As(err, &damage) {
			if int(f.Number) != len(rows) {
				t.Errorf("%d frames, tshark has %d (%v)", f.Number, len(rows), err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 && !f.LinkType.Known() {
			return // tshark opens no capture of a type that it does not know
		}
		if int(f.Number) > len(rows) {
			t.Errorf("frame %d is too many for tshark", f.Number)
			return
		}
		Decode(&f, &outer)
		Decoder{Tunnels: true}.Decode(&f, &h)
		a, ok := conversations.Analyze(&f, &h)
		if f.LinkType.Known() {
			if text := differences(rows[f.Number-1], &f, &outer, &h, &a, ok); text != "" {
				if wrong++; wrong <= 5 {
					t.Errorf("frame %d: %s\n\tprotocols %s\n\t%+v", f.Number, text, rows[f.Number-1][3], h)
				}
			}
		}
	}
}

// sameTime compares a time with what tshark prints. In damaged files the fraction can be more than a second; Wireshark's
// then overflows at 32 bits and may be negative, which it shows by a sign before the seconds. Times that 64 bits
// of ns do not reach are not compared.
func sameTime(text string, ns int64) bool {
	text, negative := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, _ := strconv.ParseInt(whole, 10, 64)
	rest, _ := strconv.ParseInt(fraction, 10, 64)
	if seconds > math.MaxInt64/1_000_000_000 {
		return true
	}
	if negative {
		return (ns-seconds*1e9+rest)%(1<<32) == 0 || (ns+seconds*1e9-rest)%(1<<32) == 0 || (ns+seconds*1e9+rest)%(1<<32) == 0
	}
	return (ns-seconds*1e9-rest)%(1<<32) == 0
}

// differences describes where tshark's fields of a frame differ from ours.
func differences(row []string, f *Frame, outer, h *Headers, a *Analysis, analysed bool) string {
	field := map[string]string{}
	for i, name := range append(append([]string{}, headerFields...), analysisFields...) {
		field[name] = row[i]
	}
	var found []string
	check := func(name, want string, got any) {
		if text := fmt.Sprint(got); text != want {
			found = append(found, fmt.Sprintf("%s %s, want %s", name, text, want))
		}
	}
	if !sameTime(field["frame.time_epoch"], f.Time) {
		check("time", field["frame.time_epoch"], fmt.Sprintf("%d.%09d", f.Time/1e9, f.Time%1e9))
	}
	check("wire length", field["frame.len"], f.WireLen)
	check("captured length", field["frame.cap_len"], len(f.Data))
	protocols := strings.Split(field["frame.protocols"], ":")
	first, inner := "", 0
	error := false // of ICMP, with a quote
	for _, p := range protocols {
		if p == "ip" || p == "ipv6" {
			if first == "" && field[p+".src"] != "" { // "ip" can stand for the wrong EtherType alone
				first = p
			}
			inner++
		}
		error = error || (p == "icmp" || p == "icmpv6") && inner > 0
	}
	if first != "" {
		src, _, _ := strings.Cut(field[first+".src"], ",")
		dst, _, _ := strings.Cut(field[first+".dst"], ",")
		check("source", src, text(outer.Source().IsValid(), outer.Source()))
		check("destination", dst, text(outer.Destination().IsValid(), outer.Destination()))
	}
	if error {
		return strings.Join(found, "; ")
	}
	transport := map[uint8]string{ProtocolTCP: "tcp", ProtocolUDP: "udp", ProtocolUDPLite: "udp", ProtocolSCTP: "sctp"}[h.Protocol]
	if h.Fragment == LaterFragment || h.IPVersion == 0 {
		transport = ""
	}
	for _, name := range []string{"tcp", "udp", "sctp"} {
		src, dst := field[name+".srcport"], field[name+".dstport"]
		if src == "" {
			if name == transport && h.L4Length > 0 {
				found = append(found, "no "+name+" wanted")
			}
			continue
		}
		check(name+" source port", src, h.SrcPort)
		if dst != "" {
			check(name+" destination port", dst, h.DstPort)
		}
	}
	if field["tcp.stream"] == "" {
		if analysed {
			found = append(found, "no TCP analysis wanted")
		}
		return strings.Join(found, "; ")
	}
	check("analysed", "true", analysed)
	check("stream", field["tcp.stream"], a.Stream)
	check("seq", field["tcp.seq_raw"], h.Seq)
	if h.Fragment == NotFragment && !h.Malformed {
		check("length", field["tcp.len"], h.Payload)
	}
	if h.L4Length >= 20 { // tshark stops at shorter ones
		check("ack", field["tcp.ack_raw"], h.Ack)
		check("window", field["tcp.window_size_value"], h.Window)
		check("flags", field["tcp.flags"][len(field["tcp.flags"])-2:], fmt.Sprintf("%02x", uint8(h.Flags)))
	}
	if h.Truncated || h.L4Length < 20 {
		return strings.Join(found, "; ") // tshark stops before it prints its analysis
	}
	for i, class := range Classes() {
		got := a.Classes&class != 0
		// Wireshark also marks the special kinds as retransmissions.
		if class == Retransmission {
			got = a.Classes&(Retransmission|FastRetransmission|SpuriousRetransmission) != 0
		}
		check(class.Name(), fmt.Sprint(field[analysisFields[i]] != ""), got)
	}
	if a.Classes&DuplicateAck != 0 {
		check("number of duplicate", field["tcp.analysis.duplicate_ack_num"], a.DupAck)
	}
	rtt := ""
	if a.RTT != 0 {
		rtt = fmt.Sprintf("%d.%09d", a.RTT/1e9, a.RTT%1e9)
		if a.RTT < 0 {
			rtt = fmt.Sprintf("-%d.%09d", -a.RTT/1e9, -a.RTT%1e9)
		}
	}
	if field["tcp.analysis.initial_rtt"] != "" {
		check("RTT", field["tcp.analysis.initial_rtt"], rtt)
	}
	return strings.Join(found, "; ")
}

func text(ok bool, v fmt.Stringer) string {
	if !ok {
		return ""
	}
	return v.String()
}
