package packet

// Headers is what one frame's headers say. It holds no pointers into the frame and can be
// reused from frame to frame. Lengths are bytes.
type Headers struct {
	IPVersion uint8    // 4, 6, or 0 when there is no IP header
	Protocol  uint8    // the transport protocol's number (after IPv6 extension headers); valid when IPVersion is not 0
	Fragment  Fragment // of an IP datagram
	SrcIP     [16]byte // an IPv4 address is in the first 4 bytes, the others are 0
	DstIP     [16]byte
	SrcPort   uint16 // TCP, UDP, SCTP; else 0
	DstPort   uint16
	EtherType uint16 // after VLAN tags
	VLAN      uint16 // the innermost VLAN identifier, 0 when untagged
	TTL       uint8  // or hop limit
	IPID      uint16 // IPv4 identification
	IPOffset  int    // of the IP header in the frame
	IPLength  int    // total length of the IP datagram by its header (wire bytes from the IP header when the header says 0: segmentation offload)
	L4Offset  int    // of the transport header in the frame
	L4Length  int    // length of the transport header (TCP data offset x 4, UDP 8, SCTP 12, ICMP 8), 0 when unknown or cut
	Payload   int    // transport payload by the IP length; Ethernet padding does not count
	Padding   int    // bytes on the wire after the IP datagram
	Seq, Ack  uint32 // TCP
	Window    uint16 // TCP, unscaled
	Flags     TCPFlags
	ICMPType  uint8
	ICMPCode  uint8
	Truncated bool // a header was cut by the capture length; fields after the cut are 0
}

// Fragment is a frame's place in a fragmented IP datagram.
type Fragment uint8

// The places.
const (
	NotFragment   Fragment = iota
	FirstFragment          // holds the transport header
	LaterFragment          // has no transport header
)

// TCPFlags are the flag bits of a TCP header, in header order (RFC 9293, RFC 3168).
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
)
