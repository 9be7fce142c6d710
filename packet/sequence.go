package packet

import "slices"

// maxRanges bounds how many separate ranges are remembered for one direction.
const maxRanges = 64

// sequence is the set of sequence numbers that one side of a conversation has sent. Numbers are
// turned into positions from the first one on, which do not wrap: a number is taken to be at most 2 GiB
// from the highest position.
type sequence struct {
	origin  uint32 // sequence number of position 0
	started bool
	low     int64  // the highest range is low to high-1
	high    int64  // ...
	lower   []span // the others, ascending, none touching another
}

// span is the positions from low to high-1.
type span struct{ low, high int64 }

// add adds a segment's numbers and says how many of them were there. What a RST carries is not part
// of the stream.
func (q *sequence) add(seq uint32, flags TCPFlags, length uint32) Seen {
	n := int64(length)
	if flags&SYN != 0 {
		n++
	}
	if flags&FIN != 0 {
		n++
	}
	if n == 0 || flags&RST != 0 {
		return SeenEmpty
	}
	if !q.started {
		*q = sequence{origin: seq, started: true, high: n}
		return SeenNone
	}
	low := q.high + int64(int32(seq-q.origin-uint32(q.high)))
	if low == q.high {
		q.high += n
		return SeenNone
	}
	return q.insert(span{low, low + n})
}

// insert adds a range that does not just go on.
func (q *sequence) insert(s span) Seen {
	if s.low > q.high { // a gap
		q.lower = append(q.lower, span{q.low, q.high})
		q.low, q.high = s.low, s.high
		q.forget()
		return SeenNone
	}
	if s.low >= q.low && s.high <= q.high {
		return SeenAll
	}
	all := append(q.lower, span{q.low, q.high})
	var there int64
	first := slices.IndexFunc(all, func(r span) bool { return r.high >= s.low })
	last := first // after the ranges that s touches
	merged := s
	for last < len(all) && all[last].low <= s.high {
		there += max(0, min(all[last].high, s.high)-max(all[last].low, s.low))
		merged.low = min(merged.low, all[last].low)
		merged.high = max(merged.high, all[last].high)
		last++
	}
	all = slices.Replace(all, first, last, merged)
	q.low, q.high = all[len(all)-1].low, all[len(all)-1].high
	q.lower = all[:len(all)-1]
	q.forget()
	switch there {
	case 0:
		return SeenNone
	case s.high - s.low:
		return SeenAll
	}
	return SeenPart
}

// forget fills the lowest gap when there are too many: what comes there so late is
// most likely a repetition.
func (q *sequence) forget() {
	if len(q.lower) < maxRanges {
		return
	}
	q.lower[1].low = q.lower[0].low
	q.lower = slices.Delete(q.lower, 0, 1)
}
