package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"slices"
	"strings"

	"detgen/seed"
)

// Kinds of generated content.
const (
	Bytes = "bytes" // incompressible
	Text  = "text"  // words and lines, as compressible as such
	JPEG  = "jpeg"  // a picture that programs can show: one grey pixel, with incompressible bytes behind it
	PNG   = "png"   // the same
)

// Kinds are all of them.
var Kinds = []string{Bytes, Text, JPEG, PNG}

// grey is a picture of one grey pixel, for each kind of picture.
var grey = map[string][]byte{
	// ITU-T T.81: a table of quantisation, the frame, Huffman tables of one code each (no difference; end of the
	// block), the scan with both codes.
	JPEG: slices.Concat(
		[]byte{0xff, 0xd8, 0xff, 0xdb, 0, 67, 0}, bytes.Repeat([]byte{1}, 64),
		[]byte{0xff, 0xc0, 0, 11, 8, 0, 1, 0, 1, 1, 1, 0x11, 0},
		[]byte{0xff, 0xc4, 0, 20, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		[]byte{0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		[]byte{0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x3f, 0xff, 0xd9}),
	// RFC 2083: the header, the pixel (zlib's stored block), the end.
	PNG: slices.Concat([]byte("\x89PNG\r\n\x1a\n"),
		pngChunk("IHDR", 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0),
		pngChunk("IDAT", 0x78, 0x01, 1, 2, 0, 0xfd, 0xff, 0, 0x80, 0, 0x82, 0, 0x81),
		pngChunk("IEND")),
}

// pngChunk is a chunk of a PNG file: length, name, data and CRC-32.
func pngChunk(name string, data ...byte) []byte {
	content := append([]byte(name), data...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	return binary.BigEndian.AppendUint32(append(chunk, content...), crc32.ChecksumIEEE(content))
}

// Content gives the content: the same seed, kind and size always give the same bytes. A picture that has less room than a
// pixel takes (141 bytes in JPEG, 70 in PNG) is incompressible bytes alone.
func (g *Generate) Content() (io.Reader, error) {
	source := seed.Source(g.Seed, "content")
	switch g.Kind {
	case Bytes:
		return io.LimitReader(source, g.Size), nil
	case Text:
		return io.LimitReader(&textReader{random: rand.New(source)}, g.Size), nil
	case JPEG, PNG:
		picture := grey[g.Kind]
		if g.Size < int64(len(picture)) {
			picture = nil
		}
		return io.LimitReader(io.MultiReader(bytes.NewReader(picture), source), g.Size), nil
	}
	return nil, fmt.Errorf("content of kind %q cannot be made; there are %s", g.Kind, strings.Join(Kinds, ", "))
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
