package packet

import (
	"bufio"
	"io"

	"github.com/klauspost/compress/gzip"
)

// members reads the members of a gzip file (RFC 1952 section 2.2). What follows the last one and is no member
// (zeros of a tape block, garbage) is left alone with a warning, as gzip(1) does.
type members struct {
	gzip *gzip.Reader
	src  *bufio.Reader
	warn func(kind, format string, args ...any)
	done bool
}

func (m *members) Read(p []byte) (int, error) {
	for !m.done {
		n, err := m.gzip.Read(p)
		if n > 0 && err == io.EOF {
			return n, nil
		}
		if n > 0 || err != io.EOF {
			return n, err
		}
		next, err := m.src.Peek(2)
		if err != nil && err != io.EOF {
			return 0, err
		}
		if len(next) < 2 || next[0] != 0x1f || next[1] != 0x8b {
			m.done = true
			if len(next) > 0 {
				m.warn("gzip", "what follows the compressed data is no gzip member, and was left out")
			}
			break
		}
		if err := m.gzip.Reset(m.src); err != nil {
			return 0, err
		}
		m.gzip.Multistream(false)
	}
	return 0, io.EOF
}
