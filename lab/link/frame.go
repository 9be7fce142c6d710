package link

import "detgen/record"

// frame is one frame on its way.
type frame struct {
	buffer     []byte            // a virtioHeader, then room for the frame
	data       []byte            // of the buffer: from the frame's first byte, the destination address
	event      *record.LinkEvent // what the log says of it, on the line that it is on
	origin     uint32            // its number on the up line that it came in by
	originLine uint16            // that line
	due        int64             // when it leaves its line; by the driver's clock
	order      uint64            // among frames with the same due time
	slot       int               // where the line's queue has it
	entered    int64             // when it came into a managed queue; by the driver's clock
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
		f.data = f.buffer[virtioHeaderSize:]
		return f
	}
	f := &frame{buffer: make([]byte, virtioHeaderSize+p.size)}
	f.data = f.buffer[virtioHeaderSize:]
	return f
}

// put takes a frame back that nobody uses any more.
func (p *pool) put(f *frame) {
	f.event = nil
	p.free = append(p.free, f)
}

// clone gives a frame with the same content and origin.
func (p *pool) clone(f *frame) *frame {
	c := p.get()
	n := copy(c.buffer, f.buffer[:virtioHeaderSize+len(f.data)])
	c.data = c.buffer[virtioHeaderSize:n]
	c.origin, c.originLine = f.origin, f.originLine
	return c
}
