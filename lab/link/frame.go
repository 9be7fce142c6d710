package link

// frame is one frame on its way, from its first byte (the destination address).
type frame struct {
	data []byte
}

// pool keeps frames for reuse. Not safe for several goroutines.
type pool struct {
	size int // bytes that a frame can hold
	free []*frame
}

// get gives a frame whose data has the pool's size and any content.
func (p *pool) get() *frame {
	if n := len(p.free); n > 0 {
		f := p.free[n-1]
		p.free = p.free[:n-1]
		f.data = f.data[:cap(f.data)]
		return f
	}
	return &frame{data: make([]byte, p.size)}
}

// put takes a frame back that nobody uses any more.
func (p *pool) put(f *frame) { p.free = append(p.free, f) }

// clone gives an equal frame.
func (p *pool) clone(f *frame) *frame {
	c := p.get()
	c.data = c.data[:copy(c.data, f.data)]
	return c
}
