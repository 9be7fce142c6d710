package truth

import (
	"fmt"

	"detgen/record"
)

// LeastExplained is the share of explained frames (record.TruthSummary) below which labels are
// not to be trusted: Label then fails. The goal is 1.
const LeastExplained = 0.995

// Summary counts fates and says how much of the run is explained.
func (t *Truth) Summary() record.TruthSummary {
	s := record.TruthSummary{Connections: uint64(len(t.Connections)), Log: t.hasLog, Corrected: uint64(t.Corrected)}
	var explained, ip, attributed uint64
	can := newAbilities(t)
	for i, c := range t.Captures {
		for j := range c.Frames {
			f := &c.Frames[j]
			s.Frames++
			if can.explain(t, NewRef(i, j), f) {
				explained++
			}
			if f.IPVersion != 0 && f.Kind != Neighbour && f.Span != Setup {
				ip++
				if f.Activity >= 0 {
					attributed++
				}
			}
			if f.Sent {
				s.Sent++
				countSent(&s, f)
			} else if f.Fate == Unsent {
				s.Unsent++
			}
		}
	}
	s.Explained, s.Attributed = share(explained, s.Frames), share(attributed, ip)
	return s
}

func countSent(s *record.TruthSummary, f *Frame) {
	switch f.Fate {
	case Delivered:
		s.Delivered++
	case Lost:
		s.Lost++
	case Corrupted:
		s.Corrupted++
	case Partial:
		s.Partial++
	}
	if f.Copy > 1 {
		s.Duplicated++
	}
	if f.Overtaken > 0 {
		s.Overtaken++
	}
}

func share(part, whole uint64) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

// abilities are what the links of each capture's interface were asked to do, at any time of the
// run.
type abilities struct{ up, down []record.LinkEffects }

func newAbilities(t *Truth) *abilities {
	a := &abilities{}
	for _, c := range t.Captures {
		if c.IsTap() { // which has no link of its own
			a.up, a.down = append(a.up, record.LinkEffects{}), append(a.down, record.LinkEffects{})
			continue
		}
		for i := range t.Record.Run.Hosts {
			h := &t.Record.Run.Hosts[i]
			for _, n := range h.Interfaces {
				if h.Name == c.Host && n.Name == c.Interface {
					a.up = append(a.up, n.Up.Effects())
					a.down = append(a.down, n.Down.Effects())
				}
			}
		}
	}
	return a
}

// explain reports whether a frame is explained.
func (a *abilities) explain(t *Truth, r Ref, f *Frame) bool {
	if f.IPVersion != 0 && f.Kind != Neighbour && f.Connection < 0 {
		return false
	}
	if !f.Sent {
		if f.Kind == Neighbour && f.Span == Drain && !f.Peer.Some() {
			return true // kernels go on sending while the captures are closed, one after the other
		}
		return f.Peer.Some() && (!t.hasLog || f.UpQueue >= 0)
	}
	if f.Fate == Delivered && f.Copy <= 1 || f.Receivers == 0 {
		return true
	}
	if t.Record.Result.Systems && f.Activity < 0 {
		return true // systems go on sending when the captures are closed
	}
	if t.hasLog {
		return f.Fate == Delivered || f.Cause != 0
	}
	return a.any(t, r, func(l record.LinkEffects) bool {
		switch {
		case f.Fate == Delivered:
			return l.Duplicate
		case f.Fate == Corrupted:
			return l.Corrupt
		}
		return l.Lose || l.Corrupt // a damaged address is lost on the way
	})
}

// any reports whether one of the links that a sent frame passes can do something.
func (a *abilities) any(t *Truth, r Ref, can func(record.LinkEffects) bool) bool {
	if can(a.up[r.Capture()]) {
		return true
	}
	for c := range t.expected(r) {
		if can(a.down[c]) {
			return true
		}
	}
	return false
}

// check fails when too little is explained to trust the labels. Where offloads are on, frames
// are cut and joined on their way, so that is no failure there.
func (t *Truth) check(s *record.TruthSummary) error {
	for i := range t.Record.Run.Hosts {
		if t.Record.Run.Hosts[i].Transport.Offload {
			return nil
		}
	}
	if s.Explained < LeastExplained {
		return fmt.Errorf("only %.2f %% of the frames are explained (%d of %d were received but never sent), at least %.2f %% must be",
			100*s.Explained, s.Unsent, s.Frames, 100*LeastExplained)
	}
	return nil
}
