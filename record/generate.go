package record

import (
	"fmt"
	"io"
	"math/rand/v2"

	"detgen/seed"
)

// Kinds of generated content.
const (
	Bytes = "bytes" // incompressible
	Text  = "text"  // words and lines, as compressible as such
)

// Content gives the content: the same seed, kind and size always give the same bytes.
func (g *Generate) Content() (io.Reader, error) {
	source := seed.Source(g.Seed, "content")
	switch g.Kind {
	case Bytes:
		return io.LimitReader(source, g.Size), nil
	case Text:
		return io.LimitReader(&textReader{random: rand.New(source)}, g.Size), nil
	}
	return nil, fmt.Errorf("content of kind %q cannot be made; there are %s and %s", g.Kind, Bytes, Text)
}

// textReader makes endless text: words of 1 to 12 letters, lines of 5 to 14 words.
type textReader struct {
	random *rand.Rand
	line   []byte
}

func (t *textReader) Read(p []byte) (int, error) {
	if len(t.line) == 0 {
		t.line = t.line[:0]
		for range 5 + t.random.IntN(10) {
			for range 1 + t.random.IntN(12) {
				t.line = append(t.line, byte('a'+t.random.IntN(26)))
			}
			t.line = append(t.line, ' ')
		}
		t.line[len(t.line)-1] = '\n'
	}
	n := copy(p, t.line)
	t.line = t.line[n:]
	return n, nil
}
