package truth

import (
	"net/netip"
	"sync"

	"detgen/packet"
	"detgen/record"
)

// Truth is what is known about the frames of one run.
type Truth struct {
	Record      *record.Record
	Captures    []*Capture // in the order of Record.Result.Captures
	Connections []Connection
	Phases      []string // names; index 0 is "", no phase
	Causes      []string // what the links' log says was done to frames; index 0 is "", nothing or not known

	// Corrected is how many pairs of frames the captures alone gave wrongly: the links' log
	// knew better. Without a log it is 0.
	Corrected int

	dir    string
	net    *network
	hasLog bool // the links kept a log

	implementations sync.Map // name of the programs, by activity and host
}

// Capture is one capture file, read.
type Capture struct {
	record.Capture
	Frames []Frame // in the order of the file

	station   int                   // index into network.stations
	prints    []fingerprint         // of the frames
	datagrams []uint64              // of the frames, when the host forwards
	sums      []uint32              // of the frames: CRC-32C, when the links have a log
	strange   []int                 // frames from the own MAC that the links' log does not have as sent
	damage    map[int][]int32       // of damaged frames, by index: the flipped bits
	quoted    map[int]connectionKey // of ICMP errors, by index of the frame: what they are about
}

// Ref names a frame: the index of its capture and its index there. The zero value is not a
// frame; see Some.
type Ref struct{ capture, frame int32 } // frame counts from 1

// NewRef gives the Ref of a frame by the indexes of its capture and in it.
func NewRef(capture, frame int) Ref { return Ref{int32(capture), int32(frame) + 1} }

// Some reports whether r is a frame at all.
func (r Ref) Some() bool { return r.frame != 0 }

// Capture is the index of the frame's capture.
func (r Ref) Capture() int { return int(r.capture) }

// Index is the index of the frame in its capture.
func (r Ref) Index() int { return int(r.frame) - 1 }

// Frame gives the frame that r names.
func (t *Truth) Frame(r Ref) *Frame { return &t.Captures[r.capture].Frames[r.frame-1] }

// Frame is a captured frame and the truth about it. What its headers say is as captured, so
// it may be damaged; everything else is not.
type Frame struct {
	Time    int64 // ns since the Unix epoch
	Length  int32 // on the wire, bytes
	Payload int32 // of the transport protocol, bytes

	SrcIP, DstIP     [16]byte // as packet.Headers
	SrcPort, DstPort uint16
	EtherType        uint16
	IPID             uint16
	Window           uint16
	Flags            packet.TCPFlags
	Seq, Ack         uint32
	IPVersion        uint8
	Protocol         uint8
	TTL              uint8
	Fragment         packet.Fragment

	Sent       bool   // by the host of the capture; false: received
	FromClient bool   // it goes from the connection's client to its server
	Connection int32  // index into Truth.Connections; -1: none
	Activity   int16  // index into the run's activities; -1: none
	Phase      uint16 // index into Truth.Phases
	Span       Span
	Kind       Kind

	Fate      Fate
	Peer      Ref    // of a received frame: the one that was sent; of a sent one: its first reception
	Hop       Ref    // at a host that forwards: of a received frame, the one that it was sent on as; of a sent one, that which was received
	Overtaken int32  // by how many later ones: frames that its sender sent after it and that the receiver got before it
	Copy      uint16 // of a received frame: which copy at this host it is, from 1; of a sent one: the most copies that a host got
	Receivers uint16 // of a sent frame: hosts that should get it
	Arrived   uint16 // of a sent frame: those of them that got an undamaged copy
	Cause     uint16 // index into Truth.Causes
	UpQueue   int32  // frames that the sender's link held when it came, by the links' log; -1: not known
	DownQueue int32  // the same for the receiver's link

	Classes packet.Class // of a TCP segment, as the analysis of its capture alone says (Wireshark's)
	Seen    packet.Seen  // how much of a TCP segment the capture has seen before

	to    int32 // station that it is addressed to, as captured; or everyone
	next  Ref   // of a received frame: the next reception of the same sent frame
	Exact Exact // what the segment really is

	identifier uint16           // of ICMP
	handshake  packet.Handshake // of the conversation in this capture until here
	closing    packet.Closing
}

// Source and Destination are the addresses in the frame; the zero Addr when it has none.
func (f *Frame) Source() netip.Addr      { return f.address(&f.SrcIP) }
func (f *Frame) Destination() netip.Addr { return f.address(&f.DstIP) }

func (f *Frame) address(a *[16]byte) netip.Addr {
	switch {
	case f.IPVersion == 6:
		return netip.AddrFrom16(*a)
	case f.IPVersion == 4 || f.EtherType == packet.EtherTypeARP:
		return netip.AddrFrom4([4]byte(a[:4]))
	}
	return netip.Addr{}
}

// Span is the part of a run in which a frame was sent.
type Span uint8

// The spans.
const (
	Setup  Span = iota // services start
	Warmup             // caches are filled
	Main               // the activities go on
	Drain              // connections end
)

var spanNames = [...]string{"setup", "warmup", "main", "drain"}

// String gives the name of the span as the tables have it.
func (s Span) String() string { return spanNames[s] }

// Kind is what a frame is for.
type Kind uint8

// The kinds. The first four are those of TCP segments.
const (
	Handshake Kind = iota // SYN, SYN-ACK and the acknowledgement of that
	Data                  // payload
	Ack                   // acknowledges, and nothing else
	Close                 // FIN or RST
	Datagram              // UDP
	ICMP                  // ICMP and ICMPv6 but errors and Neighbour
	Error                 // an ICMP or ICMPv6 error
	ARP
	Neighbour // what IPv6 has instead of ARP, and what tells switches of groups: ICMPv6, but of no connection
	Other
)

var kindNames = [...]string{"handshake", "data", "ack", "close", "datagram", "icmp", "error", "arp", "neighbour", "other"}

// String gives the name of the kind as the tables have it.
func (k Kind) String() string { return kindNames[k] }
