package truth

import (
	"slices"

	"detgen/packet"
)

// Exact says of a TCP segment with sequence numbers what it really is: by all that its sender
// sent before it and by what of that arrived, where the analysis of one capture has to guess.
type Exact uint8

// The exact classes.
const (
	NoSequence Exact = iota // it has no sequence numbers, or is no TCP segment
	New                     // its sequence numbers were not sent before
	Partly                  // some of them were
	Needed                  // a retransmission: some of them had not arrived by any earlier segment
	Spurious                // a retransmission: all of them arrived by earlier segments, sooner or later
)

var exactNames = [...]string{"", "new", "partial", "retransmission", "spurious_retransmission"}

// String gives the name of the class as the tables have it.
func (e Exact) String() string { return exactNames[e] }

// classify finds the exact classes, first of segments where they come from, then of all that
// became of them.
func (t *Truth) classify(order []Ref) {
	type direction struct {
		connection int32
		fromClient bool
	}
	streams := map[direction]*ranges{}
	repeats := t.repeats()
	for _, ref := range order {
		f := t.Frame(ref)
		if !f.IsTCP() || f.Connection < 0 || f.Hop.Some() {
			continue
		}
		switch f.Seen {
		case packet.SeenEmpty:
			continue
		case packet.SeenNone:
			f.Exact = New
		case packet.SeenPart:
			f.Exact = Partly
		case packet.SeenAll:
			f.Exact = Needed
		}
		if !repeats[f.Connection] {
			continue
		}
		at := direction{f.Connection, f.FromClient}
		arrived := streams[at]
		if arrived == nil {
			arrived = &ranges{origin: f.Seq}
			streams[at] = arrived
		}
		low, high := arrived.position(f)
		if f.Seen == packet.SeenAll && arrived.holds(low, high) {
			f.Exact = Spurious
		}
		if t.reached(ref) {
			arrived.add(low, high)
		}
	}
	for _, c := range t.Captures {
		for j := range c.Frames {
			f := &c.Frames[j]
			for g := f; ; {
				switch {
				case !g.Sent && g.Peer.Some():
					g = t.Frame(g.Peer)
					continue
				case g.Sent && g.Hop.Some():
					g = t.Frame(g.Hop)
					continue
				}
				f.Exact = g.Exact
				break
			}
		}
	}
}

// repeats says which connections have segments that were not new.
func (t *Truth) repeats() []bool {
	list := make([]bool, len(t.Connections))
	for _, c := range t.Captures {
		for j := range c.Frames {
			if f := &c.Frames[j]; f.Sent && f.Connection >= 0 && f.Seen >= packet.SeenPart {
				list[f.Connection] = true
			}
		}
	}
	return list
}

// reached reports whether a sent frame got to the host that it is for, over all networks on its
// way, in a state in which that takes it.
func (t *Truth) reached(sent Ref) bool {
	destination, known := t.net.byAddress[t.Frame(sent).Destination()]
	for r := range t.Receptions(sent) {
		f := t.Frame(r)
		switch {
		case !t.usable(r):
		case known && t.net.stations[t.Captures[r.Capture()].station].host == destination:
			return true
		case f.Hop.Some() && t.reached(f.Hop):
			return true
		}
	}
	return false
}

// usable reports whether a host takes a received frame: no checksum covers the source MAC.
func (t *Truth) usable(r Ref) bool {
	for _, bit := range t.Damage(r) {
		if bit < 6*8 || bit >= 12*8 {
			return false
		}
	}
	return true
}

// ranges is a set of positions in a TCP stream. Positions count from the first sequence number
// that was sent, and do not wrap.
type ranges struct {
	origin uint32
	top    int64  // highest position so far
	list   []span // ascending, apart
}

type span struct{ low, high int64 } // low to high-1

// position gives the positions of a segment.
func (r *ranges) position(f *Frame) (low, high int64) {
	low = r.top + int64(int32(f.Seq-r.origin-uint32(r.top)))
	high = low + int64(f.Payload)
	if f.Flags&packet.SYN != 0 {
		high++
	}
	if f.Flags&packet.FIN != 0 {
		high++
	}
	r.top = max(r.top, high)
	return low, high
}

// holds reports whether all positions from low to high-1 are in the set.
func (r *ranges) holds(low, high int64) bool {
	i, _ := slices.BinarySearchFunc(r.list, low, func(s span, at int64) int {
		if s.high <= at {
			return -1
		}
		return 1
	})
	return i < len(r.list) && r.list[i].low <= low && high <= r.list[i].high
}

// add puts the positions from low to high-1 into the set.
func (r *ranges) add(low, high int64) {
	first, last := 0, len(r.list) // those that touch: first to last-1
	for first < last && r.list[last-1].low > high {
		last--
	}
	first = last
	for first > 0 && r.list[first-1].high >= low {
		first--
		low, high = min(low, r.list[first].low), max(high, r.list[first].high)
	}
	r.list = slices.Replace(r.list, first, last, span{low, high})
}

// Retransmissions are the segments that hosts sent again, needed or not, by time.
func (t *Truth) Retransmissions() []Ref {
	return slices.DeleteFunc(t.sent(), func(r Ref) bool {
		f := t.Frame(r)
		return f.Hop.Some() || f.Exact < Needed
	})
}
