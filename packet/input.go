package packet

import (
	"io"
)

// A block is how much is asked of the source at once: big enough that the system call costs
// nothing per packet, small enough to stay in the processor's cache beside what is done with the packets. The first ones are smaller, for small files.
const (
	firstBlock = 64 << 10
	blockSize  = 256 << 10
)

// Buffer is memory that a Reader reads into (Reader.ReadInto). Its zero value is ready for use.
type Buffer struct{ bytes []byte }

// input hands out slices of a stream that it reads in big blocks.
type input struct {
	src    io.Reader
	buf    []byte
	buffer *Buffer // whose bytes buf is; nil: the input's own
	pos    int     // the next byte to hand out
	end    int     // the end of what was read
	offset int64   // of buf[0] in the stream
	err    error   // why the source gives no more: io.EOF or a failure
}

// peek returns at least n bytes of the stream from its current place without moving on; fewer
// only when the stream ends (or fails) before. The slice is valid until the next call.
func (in *input) peek(n int) []byte {
	if in.end-in.pos < n {
		in.fill(n)
	}
	return in.buf[in.pos:in.end]
}

// fill reads until n bytes are there or the source ends.
func (in *input) fill(n int) {
	if in.err != nil {
		return
	}
	if size := max(n, firstBlock, min(blockSize, 4*len(in.buf))); size > len(in.buf) {
		bigger := make([]byte, size)
		copy(bigger, in.buf[in.pos:in.end])
		in.buf = bigger
	} else {
		copy(in.buf, in.buf[in.pos:in.end])
	}
	in.offset += int64(in.pos)
	in.end -= in.pos
	in.pos = 0
	for empty := 0; in.end < n && in.err == nil; {
		got, err := in.src.Read(in.buf[in.end:])
		in.end += got
		in.err = err
		if empty++; got > 0 {
			empty = 0
		} else if empty == 100 {
			in.err = io.ErrNoProgress
		}
	}
}

// readInto makes b the buffer, with what was read and not handed out.
func (in *input) readInto(b *Buffer) {
	if in.buffer == b {
		return
	}
	left := in.buf[in.pos:in.end]
	if in.buffer != nil {
		in.buffer.bytes = in.buf
	}
	if len(b.bytes) < len(left) {
		b.bytes = make([]byte, max(blockSize, len(left)))
	}
	in.offset += int64(in.pos)
	in.pos, in.end = 0, copy(b.bytes, left)
	in.buffer, in.buf = b, b.bytes
}

// skip moves on by n bytes and says how many of them the stream did not have.
func (in *input) skip(n int) (missing int) {
	for n > 0 {
		there := len(in.peek(1))
		if there == 0 {
			return n
		}
		step := min(n, there)
		in.pos += step
		n -= step
	}
	return 0
}

// at is the place in the stream of the next byte.
func (in *input) at() int64 { return in.offset + int64(in.pos) }
