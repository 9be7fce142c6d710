package packet

import (
	"encoding/hex"

	"detgen/table"
)

// Columns are the columns that AppendRow fills: what the frame's headers and the TCP analysis say.
func Columns() []table.Column {
	columns := []table.Column{
		{Name: "capture", Kind: table.Text, Doc: "The capture file."},
		{Name: "number", Kind: table.Int, Doc: "Number of the frame in its capture, from 1; counted through captures that are read as one."},
		{Name: "time", Kind: table.Time, Unit: "ns", Doc: "When it was captured, since the Unix epoch."},
		{Name: "length", Kind: table.Int, Unit: "bytes", Doc: "Whole frame on the wire, without frame check sequence where the capture has none."},
		{Name: "captured", Kind: table.Int, Unit: "bytes", Doc: "How much of it is in the capture."},
		{Name: "link", Kind: table.Text, Doc: "Link type of the capture; where it is `link type N`, only the columns before this one are filled."},
		{Name: "src_mac", Kind: table.Text, Doc: "Ethernet source address; empty on other links."},
		{Name: "dst_mac", Kind: table.Text, Doc: "Ethernet destination address; empty on other links."},
		{Name: "vlans", Kind: table.Int, Doc: "Number of VLAN tags."},
		{Name: "vlan", Kind: table.Int, Optional: true, Doc: "Identifier of the innermost VLAN; empty without tags."},
		{Name: "ethertype", Kind: table.Int, Optional: true, Doc: "EtherType of what follows the link header and its tags (2048 IPv4, 34525 IPv6, 2054 ARP); empty when the link header does not say."},
		{Name: "src", Kind: table.Text, Doc: "Source address of IP (empty when the header is cut or broken before it), or the sender's protocol address of ARP."},
		{Name: "dst", Kind: table.Text, Doc: "Destination address of IP (the last stop of a source route), or the target's protocol address of ARP."},
		{Name: "protocol", Kind: table.Int, Optional: true, Doc: "IP protocol number, after extension headers (6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6, 132 SCTP)."},
		{Name: "src_port", Kind: table.Int, Optional: true, Doc: "Of TCP, UDP, UDP-Lite, SCTP and DCCP."},
		{Name: "dst_port", Kind: table.Int, Optional: true, Doc: "Of TCP, UDP, UDP-Lite, SCTP and DCCP."},
		{Name: "ttl", Kind: table.Int, Optional: true, Doc: "Time to live (IPv4) or hop limit (IPv6)."},
		{Name: "ip_id", Kind: table.Int, Optional: true, Doc: "Identification field of IPv4."},
		{Name: "ip_length", Kind: table.Int, Unit: "bytes", Optional: true, Doc: "Length of the IP datagram by its header; what was on the wire when the header says 0 (segmentation offload)."},
		{Name: "fragment", Kind: table.Text, Doc: "`first` (with the transport header) or `later`; empty when the datagram is whole."},
		{Name: "l4_header", Kind: table.Int, Unit: "bytes", Optional: true, Doc: "Length of the transport header."},
		{Name: "payload", Kind: table.Int, Unit: "bytes", Optional: true, Doc: "Transport payload by the IP length, without Ethernet padding."},
		{Name: "padding", Kind: table.Int, Unit: "bytes", Optional: true, Doc: "What follows the IP datagram in the frame."},
		{Name: "icmp_type", Kind: table.Int, Optional: true, Doc: "Of ICMP and ICMPv6."},
		{Name: "icmp_code", Kind: table.Int, Optional: true, Doc: "Of ICMP and ICMPv6."},
		{Name: "truncated", Kind: table.Bool, Doc: "A header is cut by the capture length; what follows the cut is empty or 0."},
		{Name: "malformed", Kind: table.Bool, Doc: "A length in a header contradicts another."},
		{Name: "flags", Kind: table.Text, Doc: "The TCP flags that are set, in the order of the header: `F`IN, `S`YN, `R`ST, `P`SH, `A`CK, `U`RG, `E`CE, `C`WR, `N` (AE, once NS), and `z`, `y`, `x` for the reserved bits."},
		{Name: "seq", Kind: table.Int, Optional: true, Doc: "TCP sequence number, as in the header."},
		{Name: "ack", Kind: table.Int, Optional: true, Doc: "TCP acknowledgement number, as in the header."},
		{Name: "window", Kind: table.Int, Unit: "bytes", Optional: true, Doc: "TCP window, as in the header: not scaled."},
		{Name: "tcp_stream", Kind: table.Int, Optional: true, Doc: "Number of the TCP connection in the capture, from 0 (Wireshark's `tcp.stream`)."},
		{Name: "tcp_sender", Kind: table.Text, Doc: "`client` (it sent the SYN; without one, it sent the first segment) or `server`."},
		{Name: "tcp_handshake", Kind: table.Text, Doc: "How far the handshake has come: `missing` (not captured), `syn`, `syn_ack`, `complete`."},
		{Name: "tcp_closing", Kind: table.Text, Doc: "How far the end has come: `open`, `half` (one FIN), `both` (FINs), `done` (both acknowledged), `reset`."},
		{Name: "tcp_rtt", Kind: table.Int, Unit: "ns", Optional: true, Doc: "From the SYN to the acknowledgement that ends the handshake, in each packet since then (`tcp.analysis.initial_rtt`)."},
		{Name: "tcp_seen", Kind: table.Text, Doc: "Exact: how much of the segment's sequence numbers (payload, SYN, FIN) was captured before in this direction: `none`, `part`, `all`; empty when it has none."},
		{Name: "tcp_duplicate_ack_number", Kind: table.Int, Optional: true, Doc: "For a duplicate acknowledgement: which one in a row it is (`tcp.analysis.duplicate_ack_num`)."},
	}
	for _, class := range Classes() {
		columns = append(columns, table.Column{Name: "tcp_" + class.Name(), Kind: table.Bool, Doc: classDocs[class]})
	}
	return append(columns, table.Column{Name: "comment", Kind: table.Text, Doc: "The comments that a pcapng file has on the packet, a line each."})
}

var classDocs = map[Class]string{
	Retransmission:         "Repeats sequence numbers, and is none of the three below. (Wireshark sets `tcp.analysis.retransmission` also on the next two.)",
	FastRetransmission:     "Repeats what at least two duplicate acknowledgements asked for, within 20 ms of the last.",
	SpuriousRetransmission: "Repeats payload that was acknowledged already.",
	OutOfOrder:             "Comes after a later segment, by less than the handshake's round-trip time (3 ms when that is not known).",
	DuplicateAck:           "Repeats the acknowledgement before it, with the same window and no payload.",
	LostSegment:            "A segment before it was not captured.",
	AckLostSegment:         "Acknowledges what was not captured.",
	KeepAlive:              "At most one byte, from just before the next sequence number.",
	KeepAliveAck:           "Answers a keep-alive.",
	ZeroWindow:             "Closes the window.",
	ZeroWindowProbe:        "One byte into a closed window.",
	ZeroWindowProbeAck:     "Answers such a probe.",
	WindowUpdate:           "Changes nothing but the window.",
	WindowFull:             "Fills the receiver's window.",
	ReusedPorts:            "Starts another connection between endpoints that had one.",
}

// AppendRow adds the cells of Columns for one frame: its headers (Decode), and its analysis when it is an
// analysed TCP segment, else nil. The caller adds the cells of its own columns and ends the row.
func AppendRow(b *table.Batch, capture string, f *Frame, h *Headers, a *Analysis) {
	b.Text(capture)
	b.Int(int64(f.Number))
	b.Time(f.Time)
	b.Int(int64(f.WireLen))
	b.Int(int64(len(f.Data)))
	b.Text(f.LinkType.String())
	appendLink(b, f, h)
	appendIP(b, h)
	b.Bool(h.Truncated)
	b.Bool(h.Malformed)
	appendTCP(b, h, a)
	comment := ""
	for i, text := range f.Comments() {
		if i > 0 {
			comment += "\n"
		}
		comment += text
	}
	b.Text(comment)
}

// optional adds a cell that is empty unless there.
func optional(b *table.Batch, there bool, v int64) {
	if there {
		b.Int(v)
	} else {
		b.Null()
	}
}

func appendLink(b *table.Batch, f *Frame, h *Headers) {
	if f.LinkType == LinkEthernet && len(f.Data) >= 14 {
		var text [17]byte
		b.TextBytes(appendMAC(text[:0], f.Data[6:12]))
		b.TextBytes(appendMAC(text[:0], f.Data[:6]))
	} else {
		b.Text("")
		b.Text("")
	}
	b.Int(int64(h.VLANs))
	optional(b, h.VLANs > 0, int64(h.VLAN))
	optional(b, h.EtherType != 0, int64(h.EtherType))
}

func appendMAC(text, mac []byte) []byte {
	for i := range mac {
		if i > 0 {
			text = append(text, ':')
		}
		text = hex.AppendEncode(text, mac[i:i+1])
	}
	return text
}

func appendIP(b *table.Batch, h *Headers) {
	ip := h.IPVersion != 0 && h.ipRead > 0
	b.Addr(h.Source())
	b.Addr(h.Destination())
	optional(b, h.hasIP(10, 7), int64(h.Protocol))
	ports := h.L4Offset > 0 && h.SrcPort|h.DstPort != 0 || h.L4Length > 0 && h.portProtocol()
	optional(b, ports, int64(h.SrcPort))
	optional(b, ports, int64(h.DstPort))
	optional(b, h.hasIP(9, 8), int64(h.TTL))
	optional(b, h.IPVersion == 4 && h.hasIP(6, 0), int64(h.IPID))
	optional(b, h.hasIP(4, 6), int64(h.IPLength))
	b.Text([...]string{"", "first", "later"}[h.Fragment])
	optional(b, h.L4Length > 0, int64(h.L4Length))
	optional(b, ip, int64(h.Payload))
	optional(b, ip, int64(h.Padding))
	icmp := h.L4Length > 0 && (h.Protocol == ProtocolICMP || h.Protocol == ProtocolICMPv6)
	optional(b, icmp, int64(h.ICMPType))
	optional(b, icmp, int64(h.ICMPCode))
}

// portProtocol reports whether the transport protocol has ports that are read.
func (h *Headers) portProtocol() bool {
	switch h.Protocol {
	case ProtocolTCP, ProtocolUDP, ProtocolUDPLite, ProtocolSCTP, ProtocolDCCP:
		return true
	}
	return false
}

// String gives the letters of the flags that are set, in the order of the header from FIN on.
func (f TCPFlags) String() string {
	var letters [12]byte
	text := letters[:0]
	for i, letter := range []byte("FSRPAUECNzyx") {
		if f&(1<<i) != 0 {
			text = append(text, letter)
		}
	}
	return string(text)
}

func appendTCP(b *table.Batch, h *Headers, a *Analysis) {
	if a == nil {
		b.Text("")
		for range 4 {
			b.Null()
		}
		for range 3 {
			b.Text("")
		}
		b.Null()
		b.Text("")
		b.Null()
		for range classNames {
			b.Bool(false)
		}
		return
	}
	b.Text(h.Flags.String())
	b.Int(int64(h.Seq))
	b.Int(int64(h.Ack))
	b.Int(int64(h.Window))
	b.Int(int64(a.Stream))
	if a.FromClient {
		b.Text("client")
	} else {
		b.Text("server")
	}
	b.Text(a.Handshake.String())
	b.Text(a.Closing.String())
	optional(b, a.RTT != 0, a.RTT)
	b.Text(a.Seen.String())
	optional(b, a.Classes&DuplicateAck != 0, int64(a.DupAck))
	for i := range classNames {
		b.Bool(a.Classes&(1<<i) != 0)
	}
}
