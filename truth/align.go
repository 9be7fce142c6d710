package truth

import (
	"math"
)

// block is a stretch of equal sends and their receptions at one host that has nothing to do
// with those before and after it.
type block struct {
	sends      []int32 // indexes into segment.sends, by time
	receptions []reception
}

// split cuts equal sends and receptions into blocks between which nothing can be on its way.
func split(all []send, sends []int32, receptions []reception, longest int64) []block {
	var blocks []block
	var now block
	quiet := int64(math.MinInt64) // nothing of the block is on its way after that
	for len(sends) > 0 || len(receptions) > 0 {
		isSend := len(receptions) == 0 || len(sends) > 0 && all[sends[0]].time <= receptions[0].time
		if isSend {
			at := all[sends[0]].time
			if at > quiet && len(now.sends) > 0 {
				blocks = append(blocks, now)
				now = block{}
			}
			now.sends = append(now.sends, sends[0])
			quiet = max(quiet, at+longest)
			sends = sends[1:]
			continue
		}
		now.receptions = append(now.receptions, receptions[0])
		receptions = receptions[1:]
	}
	return append(blocks, now)
}

// maxCopies is how many receptions a send is believed to have at one host: twice two.
const maxCopies = 4

// maxCells bounds the work for one block.
const maxCells = 1 << 22

// align pairs the receptions of a block with its sends: in order, since equal frames cannot be
// told apart when they overtake each other, and so that losses, copies and delays are together
// most likely. Dynamic programming over (sends so far, receptions so far).
func (b *block) align(s *segment, h *history) {
	n, m := len(b.sends), len(b.receptions)
	if n == 0 || m == 0 {
		return
	}
	if n == 1 || n*m > maxCells {
		b.nearest(s, h)
		return
	}
	width := m + 1
	cost := make([]float64, (n+1)*width)
	taken := make([]uint8, (n+1)*width)
	for i := range cost {
		cost[i] = math.Inf(1)
	}
	cost[0] = 0
	for i := range n {
		at := s.sends[b.sends[i]].time
		for j := range width {
			base := cost[i*width+j]
			if math.IsInf(base, 1) {
				continue
			}
			here := base + h.lost
			for copies := 0; ; {
				if cell := (i+1)*width + j + copies; here < cost[cell] {
					cost[cell], taken[cell] = here, uint8(copies)
				}
				if copies == maxCopies || j+copies == m || b.receptions[j+copies].time < at {
					break
				}
				delay := h.unlikely(at, b.receptions[j+copies].time-at)
				if copies == 0 {
					here = base + h.kept + delay
				} else {
					here += h.copied + delay
				}
				copies++
			}
		}
	}
	j := m
	if math.IsInf(cost[n*width+m], 1) {
		b.nearest(s, h) // more copies than believed
		return
	}
	for i := n; i > 0; i-- {
		for range taken[i*width+j] {
			j--
			*s.pairs.of(b.receptions[j].ref) = s.sends[b.sends[i-1]].ref
		}
	}
}

// nearest pairs each reception with the send that has been on its way for nearest to the typical
// delay, and leaves the order.
func (b *block) nearest(s *segment, h *history) {
	i := 0
	for _, r := range b.receptions {
		distance := func(i int) int64 {
			d := r.time - s.sends[b.sends[i]].time - h.typical
			return max(d, -d)
		}
		for i+1 < len(b.sends) && s.sends[b.sends[i+1]].time <= r.time && distance(i+1) <= distance(i) {
			i++
		}
		*s.pairs.of(r.ref) = s.sends[b.sends[i]].ref
	}
}
