package truth

import (
	"iter"
	"slices"
)

// Fate is what became of a frame on its way, as the captures at both ends show it.
type Fate uint8

// The fates of sent frames.
const (
	Unknown   Fate = iota
	Delivered      // every host that should have it got it undamaged; of a received frame: it is undamaged
	Corrupted      // only damaged copies arrived; of a received frame: it is damaged
	Lost           // no copy arrived
	Partial        // a frame for several hosts: some of them got it undamaged
	Duplicate      // of a received frame: an undamaged copy that is not the host's first
	Unsent         // of a received frame: no host sent it
)

var fateNames = [...]string{"", "delivered", "corrupted", "lost", "partial", "duplicate", "unsent"}

// String gives the name of the fate as the tables have it.
func (f Fate) String() string { return fateNames[f] }

// expected gives the captures of the hosts that should get a sent frame.
func (t *Truth) expected(r Ref) iter.Seq[int] {
	from := t.Captures[r.Capture()].station
	to := t.Frame(r).to
	return func(yield func(int) bool) {
		if to != everyone {
			if c := t.net.stations[to].capture; int(to) != from && c >= 0 {
				yield(c)
			}
			return
		}
		for i := range t.net.stations {
			s := &t.net.stations[i]
			if i != from && !s.tap() && s.segment == t.net.stations[from].segment && s.capture >= 0 && !yield(s.capture) {
				return
			}
		}
	}
}

// decide turns pairs into fates.
func (t *Truth) decide(p *pairs) {
	for i, c := range t.Captures {
		c.damage = map[int][]int32{}
		for j := range c.Frames {
			f := &c.Frames[j]
			f.Peer, f.next, f.Copy, f.Overtaken = Ref{}, Ref{}, 0, 0
			if f.Sent {
				continue
			}
			f.Peer = p.sent[i][j]
			if bits := p.damage[NewRef(i, j)]; bits != nil {
				c.damage[j] = bits
			}
		}
	}
	t.chain()
	for i, c := range t.Captures {
		for j := range c.Frames {
			if f := &c.Frames[j]; f.Sent {
				t.decideSent(NewRef(i, j), f)
			}
		}
	}
	t.overtake()
}

// chain links the receptions of each sent frame, latest first in Peer and then by next, counts
// copies and decides the fate of the received frames. What a tap saw is no reception: it has its peer, and its peer does
// not know.
func (t *Truth) chain() {
	for i, c := range t.Captures {
		seen := map[Ref]uint16{} // at a tap: copies
		for j := range c.Frames {
			f := &c.Frames[j]
			switch {
			case f.Sent:
				continue
			case !f.Peer.Some():
				f.Fate = Unsent
				continue
			}
			if c.IsTap() {
				seen[f.Peer]++
				f.Copy = seen[f.Peer]
			} else {
				s := t.Frame(f.Peer)
				f.Copy = 1
				if s.Peer.Some() && s.Peer.Capture() == i {
					f.Copy = t.Frame(s.Peer).Copy + 1
				}
				f.next = s.Peer
				s.Peer = NewRef(i, j)
			}
			switch {
			case c.damage[j] != nil:
				f.Fate = Corrupted
			case f.Copy > 1:
				f.Fate = Duplicate
			default:
				f.Fate = Delivered
			}
		}
	}
}

// Receptions gives the received frames that a sent frame became, in no particular order.
func (t *Truth) Receptions(sent Ref) iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		for r := t.Frame(sent).Peer; r.Some(); r = t.Frame(r).next {
			if !yield(r) {
				return
			}
		}
	}
}

// Delay gives the one-way delay of a frame in ns: of a received frame since it was sent, of a sent
// one until its first reception. ok is false when the other end is not there.
func (t *Truth) Delay(r Ref) (delay int64, ok bool) {
	f := t.Frame(r)
	if !f.Peer.Some() {
		return 0, false
	}
	delay = f.Time - t.Frame(f.Peer).Time
	if f.Sent {
		delay = -delay
	}
	return delay, true
}

// Damage lists the flipped bits of a received frame: 8 x octet + bit of the octet.
func (t *Truth) Damage(r Ref) []int32 { return t.Captures[r.Capture()].damage[r.Index()] }

// decideSent decides the fate of a sent frame and puts its first reception first.
func (t *Truth) decideSent(r Ref, f *Frame) {
	f.Fate, f.Receivers, f.Arrived = Lost, 0, 0
	expected := make([]int, 0, 8)
	for c := range t.expected(r) {
		expected = append(expected, c)
	}
	f.Receivers = uint16(len(expected))
	if !f.Peer.Some() {
		return
	}
	f.Fate = Corrupted
	first, firstExpected := Ref{}, false
	whole := 0 // the receiver of an undamaged copy that was counted last, plus 1
	for q := range t.Receptions(r) {
		g := t.Frame(q)
		f.Copy = max(f.Copy, g.Copy)
		due := slices.Contains(expected, q.Capture())
		if due && g.Fate != Corrupted && whole != q.Capture()+1 {
			whole = q.Capture() + 1
			f.Arrived++
		}
		if !first.Some() || due && !firstExpected || due == firstExpected && g.Time <= t.Frame(first).Time {
			first, firstExpected = q, due
		}
	}
	t.front(r, f, first)
	switch {
	case f.Arrived == f.Receivers && f.Receivers > 0:
		f.Fate = Delivered
	case f.Arrived > 0:
		f.Fate = Partial
	}
}

// front moves a reception to the front of the chain of a sent frame.
func (t *Truth) front(r Ref, f *Frame, first Ref) {
	if f.Peer == first {
		return
	}
	for q := range t.Receptions(r) {
		if g := t.Frame(q); g.next == first {
			g.next = t.Frame(first).next
			t.Frame(first).next = f.Peer
			f.Peer = first
			return
		}
	}
}

// overtake counts, for each received frame, the frames of the same sender that were sent later
// and arrived before it.
func (t *Truth) overtake() {
	arrived := make([]tree, len(t.Captures)) // by sender: its frames that came so far, by index
	latest := make([]int, len(t.Captures))
	for _, c := range t.Captures {
		for i := range arrived {
			arrived[i] = arrived[i][:0]
			latest[i] = -1
		}
		for j := range c.Frames {
			f := &c.Frames[j]
			if f.Sent || !f.Peer.Some() {
				continue
			}
			from, at := f.Peer.Capture(), f.Peer.Index()
			if len(arrived[from]) == 0 {
				arrived[from] = newTree(arrived[from], len(t.Captures[from].Frames))
			}
			if at < latest[from] {
				f.Overtaken = int32(arrived[from].above(at))
			}
			latest[from] = max(latest[from], at)
			if f.Copy == 1 {
				arrived[from].add(at)
			}
		}
	}
	for _, c := range t.Captures {
		for j := range c.Frames {
			if f := &c.Frames[j]; f.Sent && f.Peer.Some() {
				f.Overtaken = t.Frame(f.Peer).Overtaken
			}
		}
	}
}

// tree counts indexes: a Fenwick tree. Its last element is how many there are.
type tree []int32

func newTree(reuse tree, n int) tree {
	t := append(reuse[:0], make(tree, n+2)...)
	return t
}

// add counts index i.
func (t tree) add(i int) {
	n := len(t) - 2
	for k := i + 1; k <= n; k += k & -k {
		t[k]++
	}
	t[n+1]++
}

// above is how many of the counted are above i.
func (t tree) above(i int) int {
	below := int32(0)
	for k := i + 1; k > 0; k -= k & -k {
		below += t[k]
	}
	return int(t[len(t)-1] - below)
}
