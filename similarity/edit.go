package similarity

// symbol is what a packet is for the edit distance: EtherType, protocol, direction, flags, payload.
type symbol uint64

func newSymbol(p Packet) symbol {
	s := symbol(p.EtherType)<<48 | symbol(p.Protocol)<<40 | symbol(p.Flags&0xff)<<32 | symbol(uint32(p.Payload))<<1
	if p.Up {
		s |= 1
	}
	return s
}

// editDistance is the smallest number of packets that have to be put in, taken out or replaced to make b of a
// (Levenshtein), divided by the length of the longer one: in [0, 1].
func editDistance(a, b []symbol) float64 {
	longer := max(len(a), len(b))
	if longer == 0 {
		return 0
	}
	return float64(edits(a, b)) / float64(longer)
}

// edits counts them. It looks at a band around the diagonal that is doubled until the result lies within (Ukkonen 1985): the
// work grows with the number of edits, not with the square of the length.
func edits(a, b []symbol) int {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	for band := len(b) - len(a) + 1; ; band *= 2 {
		if n := banded(a, b, band); n <= band || band > len(b) {
			return n
		}
	}
}

// banded gives the number of edits along paths that stay within band of the diagonal; a is not longer than b.
func banded(a, b []symbol, band int) int {
	never := len(a) + len(b) + 1
	before, now := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range before {
		before[j] = j
	}
	for i := 1; i <= len(a); i++ {
		low, high := max(1, i-band), min(len(b), i+band)
		now[low-1] = never
		if low == 1 {
			now[0] = i
		}
		for j := low; j <= high; j++ {
			cost := before[j-1]
			if a[i-1] != b[j-1] {
				cost++
			}
			if j < i+band { // the cell above is within the band
				cost = min(cost, before[j]+1)
			}
			now[j] = min(cost, now[j-1]+1)
		}
		before, now = now, before
	}
	return before[len(b)]
}
