package link

import (
	"math/rand/v2"

	"detgen/seed"
)

// streams are the sources of a line's random decisions, one for each cause. Every frame
// takes a fixed number of values from each, whatever becomes of it, so that the values for
// frame n depend on nothing but the seed and n. Copies made by duplication have a source of
// their own.
type streams struct {
	duplicate, loss, corrupt, reorder, delay, copies, intervention *rand.ChaCha8
}

// newStreams gives the streams of a line called name, "link/<host>/<interface>/<direction>".
func newStreams(s uint64, name string) streams {
	source := func(cause string) *rand.ChaCha8 { return seed.Source(s, name+"/"+cause) }
	return streams{
		duplicate:    source("duplicate"),
		loss:         source("loss"),
		corrupt:      source("corrupt"),
		reorder:      source("reorder"),
		delay:        source("delay"),
		copies:       source("copies"),
		intervention: source("intervention"),
	}
}

func draw(s *rand.ChaCha8) uint32 { return uint32(s.Uint64() >> 32) }

// draws are the values for one frame.
type draws struct {
	loss                [2]uint32
	corrupt, octet, bit uint32
	reorder, delay      uint32
}

// frame draws for a frame.
func (s *streams) frame() draws {
	return draws{
		loss:    [2]uint32{draw(s.loss), draw(s.loss)},
		corrupt: draw(s.corrupt), octet: draw(s.corrupt), bit: draw(s.corrupt),
		reorder: draw(s.reorder),
		delay:   draw(s.delay),
	}
}

// copy draws for the copy of a frame.
func (s *streams) copy() draws {
	c := s.copies
	return draws{
		loss:    [2]uint32{draw(c), draw(c)},
		corrupt: draw(c), octet: draw(c), bit: draw(c),
		reorder: draw(c),
		delay:   draw(c),
	}
}

// correlate mixes a value with the last one of its kind, as get_crandom in sch_netem.c does:
// rho is the last one's weight in 2^32.
func correlate(value uint32, last *uint32, rho uint32) uint32 {
	if rho == 0 {
		return value
	}
	weight := uint64(rho) + 1
	*last = uint32((uint64(value)*(1<<32-weight) + uint64(*last)*weight) >> 32)
	return *last
}

// below maps a value to 0 ... n-1.
func below(value uint32, n int) int { return int(uint64(value) * uint64(n) >> 32) }
