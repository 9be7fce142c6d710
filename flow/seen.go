package flow

// segment is what makes two TCP segments the same for CICFixed.
type segment struct {
	sequence, ack uint32
	payload       int32
	window        int32
	reversed      bool
}

// segments is a set of the segments of a connection: open addressing in a power of two of places.
type segments struct {
	places []segment // payload is one more than that of the segment; 0: free
	used   int
}

// add puts a segment into the set and reports whether it was there.
func (s *segments) add(g segment) (again bool) {
	if (s.used+1)*4 > len(s.places)*3 {
		old := s.places
		s.places = make([]segment, max(8, 2*len(old)))
		for _, o := range old {
			if o.payload != 0 {
				s.put(o)
			}
		}
	}
	g.payload++
	if s.put(g) {
		s.used++
		return false
	}
	return true
}

// put reports whether the segment is new.
func (s *segments) put(g segment) bool {
	mask := uint64(len(s.places) - 1)
	h := uint64(g.sequence)<<32 | uint64(g.ack)
	h = fold(h^0x9e3779b97f4a7c15, uint64(g.payload)<<20^uint64(g.window)<<1^0xbf58476d1ce4e5b9)
	if g.reversed {
		h ^= 1
	}
	for i := h & mask; ; i = (i + 1) & mask {
		switch {
		case s.places[i].payload == 0:
			s.places[i] = g
			return true
		case s.places[i] == g:
			return false
		}
	}
}
