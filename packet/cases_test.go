package packet

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestDecodeBetween reads through the headers that can stand between the link and IP, and around it in tunnels, to
// one inner datagram.
func TestDecodeBetween(t *testing.T) {
	inner := ip4(17, 12)
	outer := func(protocol, size int) string { return macs + "0800" + ip4(protocol, size) }
	inside := "0800" + inner + udp
	for _, c := range []struct {
		name    string
		link    LinkType
		tunnels bool
		parts   []string
	}{
		{"VN-Tag", 1, false, []string{macs, "8926 00010002", inside}},
		{"E-Tag", 1, false, []string{macs, "893f 000000010000", inside}},
		{"NSH", 1, false, []string{macs, "894f 0fc2 0201 00000aff", inner, udp}},
		{"NSH with metadata and Ethernet", 1, false, []string{macs, "894f 0fc6 0103 00000aff 00000000 00000000 00000000 00000000", macs, inside}},
		{"PBB", 1, false, []string{macs, "88e7 00000001", macs, inside}},
		{"MACsec, integrity only", 1, false, []string{macs, "88e5 2000 00000001 0200000000010001", inside, strings.Repeat("ff", 16)}},
		{"MACsec without SCI", 1, false, []string{macs, "88e5 0000 00000001", inside, strings.Repeat("ff", 16)}},
		{"Cisco metadata", 1, false, []string{macs, "8909 0101 00010007", inside}},
		{"0x9200", 1, false, []string{macs, "9200 0005", inside}},
		{"Ethernet over MPLS with control word", 1, false, []string{macs, "8847 00010140 00000000", macs, inside}},
		{"Ethernet over MPLS without", 1, false, []string{macs, "8847 00010140", macs, inside}},
		{"radiotap", LinkRadiotap, false, []string{"0000 0800 00000000", "0802 0000", strings.Repeat("00", 20), "aaaa03000000", inside}},
		{"radiotap with FCS", LinkRadiotap, false, []string{"0000 0900 02000000 10", "0802 0000", strings.Repeat("00", 20), "aaaa03000000", inside, "01020304"}},
		{"802.11 QoS, four addresses", LinkWLAN, false, []string{"8803 0000", strings.Repeat("00", 28), "aaaa03000000", inside}},
		{"NFLOG", LinkNFLOG, false, []string{"02000000", "0800 0100 00000000", "2400 0900", inner, udp}},
		{"NFLOG, big endian", LinkNFLOG, false, []string{"02000000", "0008 0001 00000000", "0024 0009", inner, udp}},
		{"ERSPAN II", 1, true, []string{outer(47, 58+4), "100088be 00000001", "1001000100000000", macs, inside}},
		{"ERSPAN III", 1, true, []string{outer(47, 62+4), "100022eb 00000001", "200100010000000000000000", macs, inside}},
		{"ERSPAN III with subheader", 1, true, []string{outer(47, 70+4), "100022eb 00000001", "200100010000000000000001 0000000000000000", macs, inside}},
		{"VXLAN", 1, true, []string{outer(17, 62), "c35012b5003e0000", "0800000000000100", macs, inside}},
		{"GENEVE with options", 1, true, []string{outer(17, 66), "c35017c100420000", "0100655800000100 00000000", macs, inside}},
		{"GTP-U", 1, true, []string{outer(17, 48), "0868086800300000", "30ff002000000001", inner, udp}},
		{"GTP-U with extension", 1, true, []string{outer(17, 56), "0868086800380000", "34ff002800000001 00000085 01100900", inner, udp}},
		{"MPLS in IP", 1, true, []string{outer(137, 36), "00010140", inner, udp}},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := parts(t, c.parts...)
			f := Frame{Data: data, WireLen: len(data), LinkType: c.link}
			var h Headers
			Decoder{Tunnels: c.tunnels}.Decode(&f, &h)
			if h.Source().String() != "10.0.0.1" || h.Protocol != 17 || h.SrcPort != 53 || h.Payload != 4 || h.Padding != 0 || h.unread || h.L4Offset < 14 {
				t.Errorf("decoded %s, unread %v", describe(&h), h.unread)
			}
			for n := range data { // no cut of it may panic
				f.Data = data[:n]
				Decoder{Tunnels: c.tunnels}.Decode(&f, &h)
			}
		})
	}
}

// TestUnread counts frames with headers that hide IP.
func TestUnread(t *testing.T) {
	for name, c := range map[string]struct {
		link LinkType
		data []string
		want string
	}{
		"encrypted MACsec": {1, []string{macs, "88e5 2c00 00000001 0200000000010001 deadbeef"}, "EtherType 0x88e5: the headers of 1 frames cannot be read"},
		"NSH of VXLAN":     {1, []string{macs, "894f 0fc2 0277 00000aff"}, "EtherType 0x894f: the headers of 1 frames cannot be read"},
		"MPLS of anything": {1, []string{macs, "8847 00010140 ffffffff"}, "EtherType 0x8847: the headers of 1 frames cannot be read"},
		"protected 802.11": {LinkWLAN, []string{"0842 0000", strings.Repeat("00", 30)}, "protected or divided IEEE 802.11 frames: the headers of 1 frames cannot be read"},
		"unknown link":     {147, []string{"00"}, "link type 147: the headers of 1 frames cannot be read"},
		"LLDP":             {1, []string{macs, "88cc 0000"}, ""},
	} {
		data := parts(t, c.data...)
		f := Frame{Data: data, WireLen: len(data), LinkType: c.link}
		var h Headers
		Decode(&f, &h)
		var u Unread
		u.Note(&f, &h)
		got := ""
		if err := u.Err(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestDCCP reads the ports of DCCP (RFC 4340).
func TestDCCP(t *testing.T) {
	data := parts(t, ip4(ProtocolDCCP, 20), "000b000c 04000000 00000000 00000000 ffffffff")
	f := Frame{Data: data, WireLen: len(data), LinkType: LinkRaw}
	var h Headers
	Decode(&f, &h)
	if h.SrcPort != 11 || h.DstPort != 12 || h.L4Length != 16 || h.Payload != 4 {
		t.Errorf("decoded %s", describe(&h))
	}
}

// TestNinthFlag shows the flags and reserved bits before CWR.
func TestNinthFlag(t *testing.T) {
	for bits, want := range map[byte]string{0: "S", 1: "SN", 0xf: "SNzyx"} {
		data := segment{src: 1, dst: 2, flags: SYN}.frame()
		data[14+20+12] |= bits
		f := Frame{Data: data, WireLen: len(data), LinkType: LinkEthernet}
		var h Headers
		Decode(&f, &h)
		if got := h.Flags.String(); got != want {
			t.Errorf("bits %x: %q, want %q", bits, got, want)
		}
	}
}

// analyses gives the analysis of each frame.
func analyses(frames ...[]byte) []Analysis {
	conversations := NewConversations(0)
	var all []Analysis
	for i, data := range frames {
		f := Frame{Number: uint64(i + 1), Time: int64(i) * 1e9, Data: data, WireLen: len(data), LinkType: LinkEthernet}
		var h Headers
		Decode(&f, &h)
		a, _ := conversations.Analyze(&f, &h)
		all = append(all, a)
	}
	return all
}

// TestSimultaneousOpen has the sender of the first SYN as client throughout (RFC 9293 figure 7).
func TestSimultaneousOpen(t *testing.T) {
	a := segment{src: 1, dst: 2, sport: 40, dport: 80, seq: 100, flags: SYN}
	b := segment{src: 2, dst: 1, sport: 80, dport: 40, seq: 300, flags: SYN}
	a2, b2 := a, b
	a2.flags, a2.ack = SYN|ACK, 301
	b2.flags, b2.ack = SYN|ACK, 101
	var clients []bool
	for _, one := range analyses(a.frame(), b.frame(), a2.frame(), b2.frame()) {
		clients = append(clients, one.FromClient)
	}
	if want := []bool{true, false, true, false}; !slices.Equal(clients, want) {
		t.Errorf("client %v, want %v", clients, want)
	}
}

// TestImpossibleDataOffset says nothing of a segment whose header cannot be, as Wireshark.
func TestImpossibleDataOffset(t *testing.T) {
	first := segment{src: 1, dst: 2, sport: 1, dport: 2, seq: 1, flags: SYN}
	second := first
	second.seq = 99
	for _, offset := range []byte{2, 10} {
		data := second.frame()
		data[14+20+12] = offset << 4
		if got := analyses(first.frame(), data)[1]; got.Classes != 0 || got.Seen != SeenEmpty || got.Stream != 1 {
			t.Errorf("offset %d: %+v", offset, got)
		}
	}
}

// TestGzipTrailer reads all frames of a compressed capture that something follows.
func TestGzipTrailer(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write(pcapFile(binary.LittleEndian, 0xa1b2c3d4, 2, 4, 100, 1, [4]uint32{1, 2, 4, 4}, [4]uint32{1, 3, 4, 4}))
	w.Close()
	empty := bytes.Clone(packed.Bytes())
	for name, c := range map[string]struct {
		trailer  []byte
		warnings int
	}{
		"nothing": {nil, 0},
		"zeros":   {make([]byte, 512), 1},
		"garbage": {[]byte("garbage"), 1},
	} {
		lines, warnings, err := read(bytes.NewReader(slices.Concat(empty, c.trailer)))
		if len(lines) != 2 || len(warnings) != c.warnings || err != io.EOF {
			t.Errorf("%s: %d frames, warnings %v, %v", name, len(lines), warnings, err)
		}
	}
	half := len(empty) / 2
	var damage *DamageError
	if _, _, err := read(bytes.NewReader(empty[:half])); err == io.EOF || !errors.As(err, &damage) && !errors.Is(err, ErrNotCapture) {
		t.Errorf("half of it: %v", err)
	}
}

// TestCommentIsText gives comments that are not UTF-8 as such.
func TestCommentIsText(t *testing.T) {
	o := binary.LittleEndian
	r, err := NewReader(bytes.NewReader(slices.Concat(section(o), interfaceBlock(o, 1, 0), enhanced(o, 0, 1, 1, "x", opt(o, optionComment, "caf\xe9")))))
	if err != nil {
		t.Fatal(err)
	}
	var f Frame
	if err := r.Next(&f); err != nil {
		t.Fatal(err)
	}
	if got := f.Comments(); len(got) != 1 || !utf8.ValidString(got[0]) || got[0] != "caf\uFFFD" {
		t.Errorf("comments %q", got)
	}
}

// TestClockBack warns once, with the number of steps back.
func TestClockBack(t *testing.T) {
	file := pcapFile(binary.LittleEndian, 0xa1b2c3d4, 2, 4, 100, 1, [4]uint32{3, 0, 4, 4}, [4]uint32{1, 0, 4, 4}, [4]uint32{2, 0, 4, 4}, [4]uint32{1, 0, 4, 4})
	_, warnings, err := read(bytes.NewReader(file))
	if len(warnings) != 1 || warnings[0].Text != "times go back 2 times, first at frame 2" || err != io.EOF {
		t.Errorf("%v, %v", warnings, err)
	}
}
