package packet

import "net/netip"

// Headers is what one frame's headers say. It holds no pointers into the frame and can be
// reused from frame to frame. Lengths are bytes.
type Headers struct {
	IPVersion uint8    // 4, 6, or 0 when there is no IP header
	Protocol  uint8    // the transport protocol's number (after IPv6 extension headers); valid when IPVersion is not 0
	Fragment  Fragment // of an IP datagram
	SrcIP     [16]byte // an IPv4 address is in the first 4 bytes, the others are 0; ARP's protocol addresses are here too
	DstIP     [16]byte
	SrcPort   uint16 // TCP, UDP, UDP-Lite, SCTP, DCCP; else 0
	DstPort   uint16
	EtherType uint16 // after VLAN tags
	VLAN      uint16 // the innermost VLAN identifier, 0 when untagged
	VLANs     uint8  // number of VLAN tags
	TTL       uint8  // or hop limit
	IPID      uint16 // IPv4 identification
	IPOffset  int    // of the IP header in the frame
	IPLength  int    // total length of the IP datagram by its header (wire bytes from the IP header when the header says 0: segmentation offload)
	L4Offset  int    // of the transport header in the frame, 0 when there is none
	L4Length  int    // length of the transport header (TCP data offset x 4, even if that is not possible; DCCP the same, UDP 8, SCTP 12, ICMP 8), 0 when unknown or cut
	Segment   int    // transport header and payload by the IP length, as far as they were on the wire
	Payload   int    // Segment without the transport header; Ethernet padding does not count
	Padding   int    // bytes on the wire after the IP datagram
	Seq, Ack  uint32 // TCP
	Window    uint16 // TCP, unscaled
	Flags     TCPFlags
	ICMPType  uint8
	ICMPCode  uint8
	ARPOpcode uint8 // 1 request, 2 reply; 0 when the frame is not ARP
	Truncated bool  // a header was cut by the capture length; fields after the cut are 0
	Malformed bool  // a length contradicts another (IP header below 20 bytes, TCP header longer than its segment, ...); fields after it are 0

	unread  bool  // there is a header between link and IP that is not read
	ipRead  uint8 // bytes of the IP header, without options, that could be read
	tcp     bool  // a TCP header is there at least up to its window
	options tcpOptions
}

// Source and Destination are the addresses in the form of the standard library; the zero
// Addr when the frame has no IP (or ARP) header, or that is cut or broken before the address.
func (h *Headers) Source() netip.Addr      { return h.address(&h.SrcIP, 16, 24) }
func (h *Headers) Destination() netip.Addr { return h.address(&h.DstIP, 20, 40) }

// address gives an address that ends at byte end4 or end6 of its header.
func (h *Headers) address(a *[16]byte, end4, end6 uint8) netip.Addr {
	switch {
	case h.IPVersion != 0 && !h.hasIP(end4, end6):
		return netip.Addr{}
	case h.IPVersion == 6:
		return netip.AddrFrom16(*a)
	case h.IPVersion == 4 || h.ARPOpcode != 0:
		return netip.AddrFrom4([4]byte(a[:4]))
	}
	return netip.Addr{}
}

// hasIP reports that the IP header was read up to byte end4 (IPv4) or end6 (IPv6).
func (h *Headers) hasIP(end4, end6 uint8) bool {
	return h.IPVersion == 4 && h.ipRead >= end4 || h.IPVersion == 6 && h.ipRead >= end6
}

// Fragment is a frame's place in a fragmented IP datagram.
type Fragment uint8

// The places.
const (
	NotFragment   Fragment = iota
	FirstFragment          // holds the transport header
	LaterFragment          // has no transport header
)

// TCPFlags are the flag bits of a TCP header, in header order (RFC 9293, RFC 3168, RFC 9768).
type TCPFlags uint16

// The flags.
const (
	FIN TCPFlags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
	AE // accurate ECN (RFC 9768), once NS
	Reserved3
	Reserved2
	Reserved1 // the first bit after the data offset
)

// Protocol numbers (IANA "Assigned Internet Protocol Numbers").
const (
	ProtocolICMP    = 1
	ProtocolIPv4    = 4 // IPv4 in IP
	ProtocolTCP     = 6
	ProtocolUDP     = 17
	ProtocolIPv6    = 41 // IPv6 in IP
	ProtocolDCCP    = 33
	ProtocolGRE     = 47
	ProtocolICMPv6  = 58
	ProtocolSCTP    = 132
	ProtocolUDPLite = 136
	ProtocolMPLS    = 137 // MPLS in IP
)

// EtherTypes (IEEE).
const (
	EtherTypeIPv4 = 0x0800
	EtherTypeARP  = 0x0806
	EtherTypeIPv6 = 0x86dd
)
