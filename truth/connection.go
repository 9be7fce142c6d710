package truth

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"

	"detgen/packet"
)

// Connection is a TCP connection, or for other protocols all that two endpoints exchange: UDP
// datagrams between two pairs of address and port, ICMP messages with one identifier, and for the
// rest all packets of a protocol between two addresses. An ICMP error belongs to the connection
// that it is about. ARP and other frames without an IP header belong to none, nor does IPv6's neighbour discovery.
type Connection struct {
	Protocol uint8 // IP protocol number
	Client   Endpoint
	Server   Endpoint
	Start    int64 // ns since the Unix epoch: its first frame was sent
	End      int64 // ... its last one
	Up       Count // sent by the client
	Down     Count // sent by the server

	Handshake packet.Handshake // as the client's host saw it
	Closing   packet.Closing

	Activity   int16  // index into the run's activities; -1: none
	Program    string // that opened it; "" when it is not known
	Span       Span   // in which its first frame was sent
	FirstPhase uint16 // indexes into Truth.Phases
	LastPhase  uint16

	first   Ref    // its first frame
	isn     uint32 // TCP: initial sequence number of the client
	syn     bool   // TCP: the client sent a SYN
	replied bool   // the server sent something

	accepted, established bool // TCP: the server sent a SYN-ACK, the client acknowledged it
}

// Endpoint is one side of a connection.
type Endpoint struct {
	Host    string // "" when the address is no host's
	Address netip.Addr
	Port    uint16 // TCP, UDP, UDP-Lite, SCTP; the identifier for ICMP; else 0
}

// Count is what one side of a connection sent, at its own host.
type Count struct {
	Packets   int64
	Bytes     int64 // payload of the transport protocol
	WireBytes int64 // whole frames
}

// connectionKey is the two endpoints in a fixed order.
type connectionKey struct {
	low, high         [16]byte
	lowPort, highPort uint16
	protocol, version uint8
}

// key gives the connection that a frame's headers name; ok is false when they name none.
func (f *Frame) key() (key connectionKey, ok bool) {
	if f.IPVersion == 0 || f.Fragment == packet.LaterFragment || f.Kind == Neighbour {
		return key, false
	}
	key = connectionKey{low: f.SrcIP, high: f.DstIP, lowPort: f.SrcPort, highPort: f.DstPort, protocol: f.Protocol, version: f.IPVersion}
	if f.Kind == ICMP {
		key.lowPort, key.highPort = f.identifier, f.identifier
	}
	if c := bytes.Compare(key.low[:], key.high[:]); c > 0 || c == 0 && key.lowPort > key.highPort {
		key.low, key.high, key.lowPort, key.highPort = key.high, key.low, key.highPort, key.lowPort
	}
	return key, true
}

// fragmentKey names a fragmented datagram.
type fragmentKey struct {
	source, destination [16]byte
	id                  uint16
	protocol            uint8
}

func (f *Frame) fragmentKey() fragmentKey {
	return fragmentKey{f.SrcIP, f.DstIP, f.IPID, f.Protocol}
}

// connect finds the connections and to which each frame belongs: in the order in which frames
// were sent, so that each packet is seen first where it comes from.
func (t *Truth) connect(order []Ref) {
	open := map[connectionKey]int32{}
	fragments := map[fragmentKey]int32{}
	for _, ref := range order {
		f := t.Frame(ref)
		c := t.Captures[ref.Capture()]
		if f.Hop.Some() && t.Frame(f.Hop).Peer.Some() {
			// What went on belongs to what had come, even when it is damaged.
			s := t.Frame(t.Frame(f.Hop).Peer)
			f.Connection, f.FromClient, f.Kind = s.Connection, s.FromClient, s.Kind
			if f.Connection >= 0 {
				t.Connections[f.Connection].End = max(t.Connections[f.Connection].End, f.Time)
			}
			continue
		}
		switch {
		case f.IPVersion == 0 || f.Kind == Neighbour:
		case f.Fragment == packet.LaterFragment:
			if i, ok := fragments[f.fragmentKey()]; ok {
				f.Connection = i
			}
		case f.Kind == Error:
			if i, ok := open[c.quoted[ref.Index()]]; ok {
				f.Connection = i
				f.FromClient = t.Connections[i].Client.Address == f.Source()
			}
		}
		if key, named := f.key(); named && f.Connection < 0 {
			i, ok := open[key]
			if !ok || t.Connections[i].ended(f) {
				i = t.open(ref)
				open[key] = i
			}
			f.Connection = i
			if f.Fragment == packet.FirstFragment {
				fragments[f.fragmentKey()] = i
			}
		}
		if f.Connection >= 0 {
			t.join(ref, f)
		}
	}
	t.receive(open, fragments)
}

// sent gives all sent frames, by time.
func (t *Truth) sent() []Ref {
	captures := make([]int, len(t.Captures))
	for i := range captures {
		captures[i] = i
	}
	return t.order(captures, true)
}

// order gives the sent, or the received, frames of captures, by time.
func (t *Truth) order(captures []int, sent bool) []Ref {
	var list []Ref
	for _, i := range captures {
		for j := range t.Captures[i].Frames {
			if t.Captures[i].Frames[j].Sent == sent {
				list = append(list, NewRef(i, j))
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Ref) int { return cmp.Compare(t.Frame(a).Time, t.Frame(b).Time) })
	return list
}

// open starts a connection with its first frame.
func (t *Truth) open(ref Ref) int32 {
	f := t.Frame(ref)
	c := Connection{
		Protocol: f.Protocol, Start: f.Time, Activity: -1, first: ref,
		Client: t.endpoint(f.Source(), f.SrcPort, f), Server: t.endpoint(f.Destination(), f.DstPort, f),
	}
	if f.Protocol == packet.ProtocolTCP {
		switch f.Flags & (packet.SYN | packet.ACK) {
		case packet.SYN:
			c.syn, c.isn = true, f.Seq
		case packet.SYN | packet.ACK:
			c.Client, c.Server = c.Server, c.Client
		}
	}
	t.Connections = append(t.Connections, c)
	return int32(len(t.Connections) - 1)
}

func (t *Truth) endpoint(a netip.Addr, port uint16, f *Frame) Endpoint {
	if f.Kind == ICMP {
		port = f.identifier
	}
	return Endpoint{Host: t.net.host(a), Address: a, Port: port}
}

// ended reports whether a frame between the endpoints of c starts another connection: it is a
// SYN with a new sequence number, and not the other half of a simultaneous open (RFC 9293, 3.5).
func (c *Connection) ended(f *Frame) bool {
	if f.Protocol != packet.ProtocolTCP || f.Flags&(packet.SYN|packet.ACK) != packet.SYN {
		return false
	}
	if f.Source() == c.Client.Address && f.SrcPort == c.Client.Port {
		return !c.syn || f.Seq != c.isn
	}
	return c.replied || !c.syn
}

// join counts a sent frame in its connection.
func (t *Truth) join(ref Ref, f *Frame) {
	c := &t.Connections[f.Connection]
	if f.Kind != Error {
		f.FromClient = f.Source() == c.Client.Address && (f.Fragment == packet.LaterFragment || f.SrcPort == c.Client.Port || f.Kind == ICMP)
	}
	c.End = max(c.End, f.Time)
	if f.Kind == Ack {
		f.Kind = c.kindOfAck(f)
	}
	if !f.FromClient {
		c.replied = true
		c.accepted = c.accepted || f.Flags&(packet.SYN|packet.ACK) == packet.SYN|packet.ACK
	}
	if !t.origin(ref, f) || f.Protocol != c.Protocol {
		return
	}
	n := &c.Down
	if f.FromClient {
		n = &c.Up
	}
	n.Packets++
	n.Bytes += int64(f.Payload)
	n.WireBytes += int64(f.Length)
}

// kindOfAck tells the acknowledgements that end the handshake, or that acknowledge a FIN, from the
// others.
func (c *Connection) kindOfAck(f *Frame) Kind {
	if f.FromClient && !c.established && c.accepted {
		c.established = true
		return Handshake
	}
	return Ack
}

// origin reports whether a sent frame comes from its capture's host, which does not just forward
// it. Where the source address is no host's, a host that does not forward made it.
func (t *Truth) origin(ref Ref, f *Frame) bool {
	host := t.net.stations[t.Captures[ref.Capture()].station].host
	if h, ok := t.net.byAddress[f.Source()]; ok {
		return h == host
	}
	return !t.net.forwards[host]
}

// receive gives received frames to the connections of the frames that were sent, and those that
// nobody sent by what their headers say.
func (t *Truth) receive(open map[connectionKey]int32, fragments map[fragmentKey]int32) {
	for _, c := range t.Captures {
		for j := range c.Frames {
			f := &c.Frames[j]
			if f.Sent {
				continue
			}
			if f.Peer.Some() {
				s := t.Frame(f.Peer)
				f.Connection, f.FromClient, f.Kind = s.Connection, s.FromClient, s.Kind
				continue
			}
			if f.IPVersion == 0 || f.Kind == Neighbour {
				continue
			}
			i, ok := int32(-1), false
			switch {
			case f.Fragment == packet.LaterFragment:
				i, ok = fragments[f.fragmentKey()]
			case f.Kind == Error:
				i, ok = open[c.quoted[j]]
			}
			if !ok {
				key, named := f.key()
				i, ok = open[key]
				ok = ok && named
			}
			if ok {
				f.Connection = i
				f.FromClient = f.Source() == t.Connections[i].Client.Address && f.SrcPort == t.Connections[i].Client.Port
			}
		}
	}
}

// progress notes how far the connections got, as seen where they came from.
func (t *Truth) progress() {
	for i, c := range t.Captures {
		for j := range c.Frames {
			f := &c.Frames[j]
			if !f.IsTCP() || f.Connection < 0 || f.Fate == Corrupted && !f.Sent {
				continue
			}
			if c := &t.Connections[f.Connection]; c.first.Capture() == i {
				c.Handshake, c.Closing = max(c.Handshake, f.handshake), f.closing
			}
		}
	}
}
