package truth

import (
	"cmp"
	"math"
	"slices"
)

// history is what the unambiguous pairs of a path tell about it.
type history struct {
	delays  []delay // by time of sending
	least   int64   // shortest delay, ns
	typical int64   // median delay, ns
	scale   float64 // typical distance of a delay from the one before it, ns
	longest int64   // no frame is taken to be on its way for longer, ns
	lost    float64 // cost of a lost frame: -log of its probability
	kept    float64 // cost of a delivered frame
	copied  float64 // cost of each copy beyond the first
}

type delay struct{ sent, took int64 }

// Time that every path is allowed, whatever was seen of it.
const (
	graceTime = 1e9  // ns, beyond the longest delay seen
	graceJump = 20e3 // ns, least scale
)

// learn collects the histories of the paths of the segment.
func (s *segment) learn() {
	type tally struct {
		delays          []delay
		arrived, copies int
	}
	sent := map[path]int{}
	tallies := map[path]*tally{}
	arrivedAt := map[int][]int32{} // by capture and index of a sent frame: the last receiver that got it, plus 1
	for _, i := range s.captures {
		arrivedAt[i] = make([]int32, len(s.t.Captures[i].Frames))
	}
	for _, to := range s.captures {
		for j, from := range s.pairs.sent[to] {
			if !from.Some() {
				continue
			}
			p := path{from.Capture(), to}
			y := tallies[p]
			if y == nil {
				y = &tally{}
				tallies[p] = y
			}
			last := &arrivedAt[from.Capture()][from.Index()]
			if *last == int32(to+1) {
				y.copies++
				continue
			}
			*last = int32(to + 1)
			y.arrived++
			at := s.t.Frame(from).Time
			y.delays = append(y.delays, delay{at, s.t.Captures[to].Frames[j].Time - at})
		}
	}
	for i := range s.contents {
		if c := &s.contents[i]; c.count == 1 {
			ref := s.sends[c.first].ref
			for to := range s.t.expected(ref) {
				sent[path{ref.Capture(), to}]++
			}
		}
	}
	for p, y := range tallies {
		h := &history{delays: y.delays}
		slices.SortFunc(h.delays, func(a, b delay) int { return cmp.Compare(a.sent, b.sent) })
		var took, jumps []int64
		every := 1 + len(h.delays)/samples
		h.least = h.delays[0].took
		for i, d := range h.delays {
			h.longest, h.least = max(h.longest, d.took), min(h.least, d.took)
			if i > 0 && i%every == 0 {
				jump := d.took - h.delays[i-1].took
				took, jumps = append(took, d.took), append(jumps, max(jump, -jump))
			}
		}
		h.longest += graceTime
		h.typical = h.delays[0].took
		h.scale = graceJump
		if n := len(jumps); n > 0 {
			slices.Sort(took)
			slices.Sort(jumps)
			h.typical = took[n/2]
			h.scale = max(h.scale, float64(jumps[n/2]))
		}
		total := float64(max(sent[p], y.arrived))
		loss := (total - float64(y.arrived) + 0.5) / (total + 1)
		h.lost, h.kept = -math.Log(loss), -math.Log(1-loss)
		h.copied = -math.Log((float64(y.copies) + 0.5) / (float64(y.arrived) + 1))
		s.paths[p] = h
	}
}

// history gives what is known about a path; about one that no frame has shown, little.
func (s *segment) history(p path) *history {
	h := s.paths[p]
	if h == nil {
		h = &history{scale: graceJump, longest: math.MaxInt64 / 4, lost: math.Log(2), kept: math.Log(2), copied: math.Log(100)}
		s.paths[p] = h
	}
	return h
}

// samples is how many delays are enough for a median.
const samples = 1 << 13

// neighbours is how many delays before and after are looked at.
const neighbours = 4

// unlikely is the cost of a delay: high when it is far from those of the frames that were sent
// around the same time. It grows slowly (as the logarithm of a Cauchy density), as overtaking and
// jitter make delays that have little to do with each other.
func (h *history) unlikely(sent, took int64) float64 {
	if len(h.delays) == 0 {
		return 0
	}
	at, _ := slices.BinarySearchFunc(h.delays, sent, func(d delay, t int64) int { return cmp.Compare(d.sent, t) })
	nearest := math.Inf(1)
	for _, d := range h.delays[max(0, at-neighbours):min(len(h.delays), at+neighbours)] {
		nearest = min(nearest, math.Abs(float64(took-d.took)))
	}
	cost := math.Log1p(nearest / h.scale * nearest / h.scale)
	if took < h.least {
		// A link holds frames longer than it should when the machine is busy, but never shorter.
		cost += tooShort * float64(h.least-took) / float64(h.least)
	}
	return cost
}

// tooShort is the cost of a delay of nothing where all others took some time.
const tooShort = 40
