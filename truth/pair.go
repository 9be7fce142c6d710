package truth

import (
	"cmp"
	"slices"
)

// pairs says of each received frame which frame was sent, and in which bits the two differ.
type pairs struct {
	sent   [][]Ref         // by capture and index of the received frame; the zero Ref: not found
	damage map[Ref][]int32 // of received frames: flipped bits, as flipped lists them
}

func newPairs(t *Truth) *pairs {
	p := &pairs{damage: map[Ref][]int32{}}
	for _, c := range t.Captures {
		p.sent = append(p.sent, make([]Ref, len(c.Frames)))
	}
	return p
}

func (p *pairs) of(r Ref) *Ref { return &p.sent[r.Capture()][r.Index()] }

// segment is one broadcast domain while its frames are paired. Every frame that a station of
// it received was sent by another one of it.
type segment struct {
	t        *Truth
	pairs    *pairs
	captures []int // indexes into Truth.Captures
	sends    []send
	contents []content
	byPrint  map[uint64]int32 // fingerprint.whole -> index into contents
	paths    map[path]*history
}

// send is one frame that was sent in a segment.
type send struct {
	ref  Ref
	time int64
	next int32 // index of the next send with the same content; -1: none
}

// content is the sends with one fingerprint, in the order in which they were sent.
type content struct {
	first, last int32 // indexes into sends
	count       int32
	print       fingerprint
	length      int32
}

// reception is a received frame whose content is known.
type reception struct {
	ref  Ref
	time int64
}

// path is a way of frames, by the captures at its ends.
type path struct{ from, to int }

// pair pairs the frames by the captures alone.
func (t *Truth) pair() (*pairs, error) {
	p := newPairs(t)
	done := map[string]bool{}
	for _, c := range t.Captures {
		name := t.net.stations[c.station].segment
		if done[name] {
			continue
		}
		done[name] = true
		s := t.newSegment(name, p)
		open, damaged := s.equal()
		if len(open) > 0 || len(damaged) > 0 {
			s.learn()
		}
		if err := s.repair(damaged, open); err != nil {
			return nil, err
		}
		s.assign(open)
	}
	return p, nil
}

func (t *Truth) newSegment(name string, p *pairs) *segment {
	s := &segment{t: t, pairs: p, paths: map[path]*history{}}
	frames := 0
	for i, c := range t.Captures {
		if t.net.stations[c.station].segment == name {
			s.captures = append(s.captures, i)
			frames += len(c.Frames)
		}
	}
	s.byPrint = make(map[uint64]int32, frames/2)
	for _, i := range s.captures {
		c := t.Captures[i]
		for j := range c.Frames {
			if c.Frames[j].Sent {
				s.add(NewRef(i, j), c.Frames[j].Time, c.prints[j], c.Frames[j].Length)
			}
		}
	}
	return s
}

// add adds a frame that was sent.
func (s *segment) add(ref Ref, time int64, print fingerprint, length int32) {
	i := int32(len(s.sends))
	s.sends = append(s.sends, send{ref: ref, time: time, next: -1})
	k, ok := s.byPrint[print.whole()]
	if !ok {
		s.byPrint[print.whole()] = int32(len(s.contents))
		s.contents = append(s.contents, content{first: i, last: i, count: 1, print: print, length: length})
		return
	}
	c := &s.contents[k]
	s.sends[c.last].next = i
	c.last = i
	c.count++
}

// place is a content at a receiver.
type place struct {
	content int32
	capture int
}

// equal pairs the received frames that are equal to a single frame that was sent before. It
// gives those with several candidates, by content and receiver, and those without any.
func (s *segment) equal() (open map[place][]reception, damaged []reception) {
	open = map[place][]reception{}
	for _, i := range s.captures {
		c := s.t.Captures[i]
		for j := range c.Frames {
			f := &c.Frames[j]
			if f.Sent {
				continue
			}
			r := reception{NewRef(i, j), f.Time}
			k, ok := s.byPrint[c.prints[j].whole()]
			if !ok || s.sends[s.contents[k].first].time > f.Time {
				damaged = append(damaged, r)
				continue
			}
			s.take(k, r, open)
		}
	}
	return open, damaged
}

// take pairs a reception of a known content when that was sent only once, and else keeps it
// with those like it.
func (s *segment) take(k int32, r reception, open map[place][]reception) {
	if c := &s.contents[k]; c.count == 1 {
		*s.pairs.of(r.ref) = s.sends[c.first].ref
		return
	}
	at := place{k, r.ref.Capture()}
	open[at] = append(open[at], r)
}

// assign pairs the receptions of contents that were sent several times.
func (s *segment) assign(open map[place][]reception) {
	for at, list := range open {
		slices.SortStableFunc(list, func(a, b reception) int {
			if c := cmp.Compare(a.time, b.time); c != 0 {
				return c
			}
			return cmp.Compare(a.ref.Index(), b.ref.Index())
		})
		c := &s.contents[at.content]
		sends := make([]int32, 0, c.count)
		for i := c.first; i >= 0; i = s.sends[i].next {
			sends = append(sends, i)
		}
		h := s.history(path{s.sends[c.first].ref.Capture(), at.capture})
		for _, block := range split(s.sends, sends, list, h.longest) {
			block.align(s, h)
		}
	}
}
