package packet

// Class is what the analysis of a conversation says about a TCP segment: the classes of
// Wireshark's "TCP Analysis" (release 4.0, User's Guide section 7.5), one bit each.
type Class uint16

// The classes. Retransmission, FastRetransmission, SpuriousRetransmission and OutOfOrder exclude each
// other, and are a guess from order and time; Seen is exact.
const (
	Retransmission         Class = 1 << iota // repeats sequence numbers, and none of the next three fits
	FastRetransmission                       // repeats what at least two duplicate acknowledgements asked for, within 20 ms
	SpuriousRetransmission                   // repeats what was acknowledged already
	OutOfOrder                               // comes after a later segment by less than the first round-trip time
	DuplicateAck                             // repeats the acknowledgement before it
	LostSegment                              // a segment before it was not captured
	AckLostSegment                           // acknowledges what was not captured
	KeepAlive                                // at most one byte, from just before the next sequence number
	KeepAliveAck
	ZeroWindow
	ZeroWindowProbe
	ZeroWindowProbeAck
	WindowUpdate // changes nothing but the window
	WindowFull   // goes up to the edge of the receiver's window
	ReusedPorts  // starts another connection between the same endpoints
)

// classNames are in the order of the bits, as Wireshark names its fields.
var classNames = [...]string{
	"retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order", "duplicate_ack", "lost_segment", "ack_lost_segment",
	"keep_alive", "keep_alive_ack", "zero_window", "zero_window_probe", "zero_window_probe_ack", "window_update", "window_full", "reused_ports",
}

// Classes lists all classes, in the order of their bits.
func Classes() []Class {
	all := make([]Class, len(classNames))
	for i := range all {
		all[i] = 1 << i
	}
	return all
}

// Name gives the name of a single class.
func (c Class) Name() string {
	for i, name := range classNames {
		if c == 1<<i {
			return name
		}
	}
	return ""
}

// Seen says, exactly, which of a segment's sequence numbers (its payload, and one each for SYN
// and FIN) were captured before in the same conversation and direction.
type Seen uint8

// How much of a segment was seen before.
const (
	SeenEmpty Seen = iota // the segment has no sequence numbers
	SeenNone
	SeenPart
	SeenAll
)

// String gives "", "none", "part" or "all".
func (s Seen) String() string { return [...]string{"", "none", "part", "all"}[s] }

// Handshake is how far the three-way handshake of a conversation was captured.
type Handshake uint8

// The steps.
const (
	HandshakeMissing  Handshake = iota // it started before the capture
	HandshakeSYN                       // a SYN
	HandshakeSYNACK                    // its SYN-ACK
	HandshakeComplete                  // the acknowledgement of that
)

// String gives "missing", "syn", "syn_ack" or "complete".
func (h Handshake) String() string {
	return [...]string{"missing", "syn", "syn_ack", "complete"}[h]
}

// Closing is how far the end of a conversation was captured.
type Closing uint8

// The steps.
const (
	ClosingOpen  Closing = iota
	ClosingHalf          // one side has sent a FIN
	ClosingBoth          // both sides have
	ClosingDone          // and both were acknowledged
	ClosingReset         // a RST
)

// String gives "open", "half", "both", "done" or "reset".
func (c Closing) String() string {
	return [...]string{"open", "half", "both", "done", "reset"}[c]
}

// Analysis is what the segments of a conversation so far say about one of them.
type Analysis struct {
	Stream     uint64 // number of the conversation in its capture, from 0, as Wireshark's tcp.stream
	Classes    Class
	Seen       Seen
	FromClient bool // sent by the side that sent the SYN; when none was captured, by the side that sent the first segment
	Handshake  Handshake
	Closing    Closing
	DupAck     uint32 // for DuplicateAck: its number in a row of them
	RTT        int64  // ns from the SYN to the acknowledgement that ends the handshake (Wireshark's initial_rtt), 0 when not known (yet)
	First      bool   // the conversation's first segment
	OwnSYN     bool   // a SYN with the initial sequence number that the conversation had already
}

// side is the state of one direction of a conversation. Where it follows Wireshark, 0 also
// stands for "not known".
type side struct {
	next       uint32 // highest sequence number seen, plus 1
	contiguous uint32 // the same for what was seen without a gap
	ack        uint32 // last
	nextTime   int64  // when next was last set, ns
	ackTime    int64  // of the last segment, ns
	window     uint32 // last, unscaled
	dupAcks    uint32
	base       uint32 // first sequence number
	last       Class  // of the last segment
	fin        uint32 // sequence number after the FIN
	scale      int8   // of the window, or unknownScale or noScale
	operations uint8  // of Multipath TCP, when it sent its last segment
	based      bool   // base is known
	scaleLater bool   // its last segments were SYNs, whose windows are not scaled
	finSent    bool
	finAcked   bool
	seen       sequence
}

const (
	unknownScale = -1
	noScale      = -2
)

// Conversation is the state of the TCP analysis between two endpoints (address and port). One object
// serves all connections that the endpoints have after one another. The rules are those
// of Wireshark 4.0's TCP dissector, with its defaults.
type Conversation struct {
	sides     [2]side
	synTime   int64 // of the latest SYN without ACK, ns; 0: none
	rtt       int64 // ns; 0: not known
	stream    uint64
	handshake Handshake
	closing   Closing
	client    uint8 // index of the client's side
	started   bool
	multipath bool  // Multipath TCP options were seen
	ops       uint8 // the subtypes of them
}

// TCP is what the analysis needs of a segment's headers.
type TCP struct {
	Seq, Ack   uint32
	Payload    uint32 // bytes, those that were not captured too
	Flags      TCPFlags
	Window     uint16 // unscaled
	Header     uint8  // bytes, as its data offset says
	impossible bool   // the header is shorter than one can be, or longer than the segment
	whole      bool   // the segment is no fragment, so that its length is known
	options    tcpOptions
}

// TCP gives the header of a TCP segment. It is not there, and ok is false, when the frame has none or it was cut before the
// end of the window.
func (h *Headers) TCP() (t TCP, ok bool) {
	if h.Protocol != ProtocolTCP || h.Fragment == LaterFragment || !h.tcp {
		return TCP{}, false
	}
	return TCP{
		Seq: h.Seq, Ack: h.Ack,
		Payload: uint32(h.Segment - h.L4Length),
		Flags:   h.Flags, Window: h.Window, Header: uint8(h.L4Length),
		impossible: h.L4Length < 20 || h.Segment < h.L4Length,
		whole:      h.Fragment == NotFragment,
		options:    h.options,
	}, true
}

// start begins a new connection.
func (c *Conversation) start(from int, numbers *Streams) {
	*c = Conversation{stream: numbers.next, client: uint8(from), started: true}
	numbers.next++
	for i := range c.sides {
		s := &c.sides[i]
		s.window = 1<<32 - 1
		s.scale = unknownScale
	}
}

// Streams numbers the conversations of a capture in the order of their first segments.
type Streams struct{ next uint64 }

// Analyze analyses a segment of that time (ns). from is 0 or 1: which of the two endpoints sent it; the choice of the
// numbers is the caller's, and both are 0 when the endpoints are the same. It fills a, whatever that held.
func (c *Conversation) Analyze(time int64, h *TCP, from int, numbers *Streams, a *Analysis) {
	*a = Analysis{}
	c.open(h, from, numbers, a)
	switch {
	case h.impossible: // nothing is said of the segment
		a.Classes = 0
	case h.whole:
		c.segment(time, h, from, a)
	}
	c.after(time, h, from)
	c.report(from, a)
}

// Quote takes in the header of a segment that an ICMP error quotes (Quoted), as Wireshark does: it
// can start a conversation, and a SYN and an ACK in it count for the round-trip time.
func (c *Conversation) Quote(time int64, quoted *TCP, from int, numbers *Streams) {
	var a Analysis
	c.open(quoted, from, numbers, &a)
	c.after(time, quoted, from)
}

// open finds out whether the segment starts a connection.
func (c *Conversation) open(h *TCP, from int, numbers *Streams, a *Analysis) {
	if !c.started {
		c.start(from, numbers)
		a.First = true
	}
	f := &c.sides[from]
	switch h.Flags & (SYN | ACK) {
	case SYN:
		switch {
		case !f.based:
		case f.base != h.Seq:
			c.start(from, numbers)
			a.First = true
			a.Classes |= ReusedPorts
		default:
			a.OwnSYN = true
			// A RST with the number of an acknowledgement may have put it too far.
			f.next = f.contiguous
		}
	case SYN | ACK:
		if f.based && f.base != h.Seq {
			f.base = h.Seq
			f.seen = sequence{}
			a.Classes |= ReusedPorts
		}
	}
}

// report adds what is known about the conversation.
func (c *Conversation) report(from int, a *Analysis) {
	a.Stream = c.stream
	a.FromClient = from == int(c.client)
	a.Handshake = c.handshake
	a.Closing = c.closing
	a.RTT = c.rtt
}

// after does what Wireshark does after the analysis of a segment's sequence numbers, also for
// segments of unknown length.
func (c *Conversation) after(time int64, h *TCP, from int) {
	if h.Header < 20 {
		return
	}
	s := &c.sides[from]
	switch h.Flags & (SYN | ACK) {
	case SYN:
		c.synTime = time
		s.scaleLater = true
	case SYN | ACK:
		s.scaleLater = true
	case ACK:
		if c.synTime != 0 && c.rtt == 0 {
			c.rtt = time - c.synTime
		}
		s.scaleLater = false
	}
	if h.Header > 20 || h.Flags&SYN != 0 {
		c.options(h, from)
	}
}

// before compares sequence numbers (RFC 9293 section 3.4).
func before(a, b uint32) bool { return int32(a-b) < 0 }
