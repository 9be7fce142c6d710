package truth

import (
	"fmt"
	"slices"

	"detgen/record"
)

// Score says how well a fate decided from the captures alone agrees with the links' log.
type Score struct{ Right, Wrong, Missed int }

// Precision and Recall are 1 when there was nothing to decide.
func (s Score) Precision() float64 { return ratio(s.Right, s.Right+s.Wrong) }
func (s Score) Recall() float64    { return ratio(s.Right, s.Right+s.Missed) }

func ratio(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

func (s Score) String() string {
	return fmt.Sprintf("%d right, %d wrong, %d missed", s.Right, s.Wrong, s.Missed)
}

// count scores one decision.
func (s *Score) count(decided, known bool) {
	switch {
	case decided && known:
		s.Right++
	case decided:
		s.Wrong++
	case known:
		s.Missed++
	}
}

// Agreement is the scores of all fates, and the misses in words. Frames that were sent several
// times with the same bytes are scored apart: which of them was lost or copied only their times
// suggest.
type Agreement struct {
	Frames, Equal                                                  int
	Pairs, Delivered, Lost, Corrupted, Bits, Duplicated, Overtaken Score
	EqualPairs                                                     Score
	EqualLost, EqualLostKnown                                      int // of equal frames: lost by the captures, and by the log
	Misses                                                         []string
}

func (a *Agreement) String() string {
	return fmt.Sprintf("%d frames (%d of them equal to others): pairs %v; delivered %v; lost %v; corrupted %v; bits %v; duplicated %v; overtaken %v; pairs of equal frames %v",
		a.Frames, a.Equal, a.Pairs, a.Delivered, a.Lost, a.Corrupted, a.Bits, a.Duplicated, a.Overtaken, a.EqualPairs)
}

// Add adds the scores of another run.
func (a *Agreement) Add(b *Agreement) {
	a.Frames, a.Equal = a.Frames+b.Frames, a.Equal+b.Equal
	for _, s := range []struct{ to, from *Score }{
		{&a.Pairs, &b.Pairs}, {&a.Delivered, &b.Delivered}, {&a.Lost, &b.Lost}, {&a.Corrupted, &b.Corrupted},
		{&a.Bits, &b.Bits}, {&a.Duplicated, &b.Duplicated}, {&a.Overtaken, &b.Overtaken}, {&a.EqualPairs, &b.EqualPairs},
	} {
		s.to.Right, s.to.Wrong, s.to.Missed = s.to.Right+s.from.Right, s.to.Wrong+s.from.Wrong, s.to.Missed+s.from.Missed
	}
}

// Agree decides the fates of a run twice, by the captures alone and by the links' log alone, and
// compares.
func Agree(dir string, rec *record.Record) (*Agreement, error) {
	t, err := load(dir, rec)
	if err != nil {
		return nil, err
	}
	log, err := t.readLog()
	if err != nil {
		return nil, err
	}
	if log == nil {
		return nil, fmt.Errorf("there is no log of the links")
	}
	known, err := t.joinLog(log)
	if err != nil {
		return nil, err
	}
	byCaptures, err := t.pair()
	if err != nil {
		return nil, err
	}
	byLog := newPairs(t)
	for r, i := range known.received() {
		e := &known.Events[i]
		*byLog.of(r) = known.origin(e)
		if bits := known.bits(e); len(bits) > 0 {
			byLog.damage[r] = bits
		}
	}
	count := map[uint64]int{}
	for _, c := range t.Captures {
		for j := range c.Frames {
			if c.Frames[j].Sent {
				count[c.prints[j].whole()]++
			}
		}
	}
	equal := func(r Ref) bool { return r.Some() && count[t.Captures[r.Capture()].prints[r.Index()].whole()] > 1 }
	a := &Agreement{}
	t.decide(byCaptures)
	a.EqualLost = t.lost(equal)
	t.decide(byLog)
	a.EqualLostKnown = t.lost(equal)
	for i, c := range t.Captures {
		for j := range c.Frames {
			r := NewRef(i, j)
			if c.Frames[j].Sent || !equal(*byLog.of(r)) {
				continue
			}
			// Scored here, and as the log has it from now on, so that the rest is not affected.
			a.EqualPairs.count(*byLog.of(r) == *byCaptures.of(r), true)
			*byCaptures.of(r) = *byLog.of(r)
		}
	}
	t.decide(byLog)
	truth := make([][]Frame, len(t.Captures))
	for i, c := range t.Captures {
		truth[i] = slices.Clone(c.Frames)
	}
	t.decide(byCaptures)
	for i, c := range t.Captures {
		for j := range c.Frames {
			r := NewRef(i, j)
			a.Frames++
			if f := &c.Frames[j]; f.Sent && equal(r) || !f.Sent && equal(*byLog.of(r)) {
				a.Equal++
				continue
			}
			a.compare(t, r, &c.Frames[j], &truth[i][j], byCaptures, byLog)
		}
	}
	return a, nil
}

// lost counts the lost ones of some frames.
func (t *Truth) lost(some func(Ref) bool) int {
	n := 0
	for i, c := range t.Captures {
		for j := range c.Frames {
			if f := &c.Frames[j]; f.Sent && f.Fate == Lost && some(NewRef(i, j)) {
				n++
			}
		}
	}
	return n
}

// bits are those that the links flipped in a frame, by its event on the last one.
func (g *joinedLog) bits(e *record.LinkEvent) []int32 {
	var list []int32
	for i := range g.Events {
		u := &g.Events[i]
		if u.Line == e.OriginLine && u.Frame == e.Origin && u.Marks&record.Corrupted != 0 && e.Sum == u.Sum^flipSum(u.Bit, u.Length) {
			list = append(list, int32(u.Bit))
			break
		}
	}
	if e.Marks&record.Corrupted != 0 {
		if len(list) == 1 && list[0] == int32(e.Bit) {
			return nil // flipped back
		}
		list = append(list, int32(e.Bit))
	}
	slices.Sort(list)
	return list
}

func (a *Agreement) compare(t *Truth, r Ref, decided, known *Frame, byCaptures, byLog *pairs) {
	miss := func(what string, d, k any) {
		if len(a.Misses) < 50 {
			a.Misses = append(a.Misses, fmt.Sprintf("%s frame %d: %s %v, the log says %v", t.Captures[r.Capture()].File, r.Index()+1, what, d, k))
		}
	}
	switch {
	case decided.Overtaken == known.Overtaken:
		a.Overtaken.count(decided.Overtaken > 0, known.Overtaken > 0)
	default:
		a.Overtaken.Missed++
		miss("overtaken by", decided.Overtaken, known.Overtaken)
	}
	if !decided.Sent {
		d, k := *byCaptures.of(r), *byLog.of(r)
		if d == k {
			a.Pairs.Right++
		} else {
			a.Pairs.Wrong++
			miss("pair", d, k)
		}
		x, y := byCaptures.damage[r], byLog.damage[r]
		a.Bits.count(x != nil && slices.Equal(x, y), y != nil)
		if !slices.Equal(x, y) {
			miss("damage", x, y)
		}
		return
	}
	a.Delivered.count(decided.Fate == Delivered, known.Fate == Delivered)
	a.Lost.count(decided.Fate == Lost, known.Fate == Lost)
	a.Corrupted.count(decided.Fate == Corrupted, known.Fate == Corrupted)
	a.Duplicated.count(decided.Copy > 1, known.Copy > 1)
	if decided.Fate != known.Fate || decided.Copy != known.Copy {
		miss("fate", fmt.Sprint(decided.Fate, " x", decided.Copy), fmt.Sprint(known.Fate, " x", known.Copy))
	}
}
