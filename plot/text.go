package plot

import (
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// anchor is which part of a text is at its place.
type anchor int

const (
	start anchor = iota
	middle
	end
)

// label is a text at its place.
type label struct {
	x, y float64
	at   anchor
	size float64
	text string
	bold bool
	up   bool // from below to above
}

// face is a font, read once.
type face struct {
	font *sfnt.Font
	unit float64 // of the font's own units in an em
}

var faces = sync.OnceValue(func() [2]face {
	var both [2]face
	for i, data := range [][]byte{goregular.TTF, gobold.TTF} {
		f, err := sfnt.Parse(data)
		if err != nil {
			panic("the Go font in this program is damaged: " + err.Error()) // it is part of the program
		}
		both[i] = face{f, float64(f.UnitsPerEm())}
	}
	return both
})

func (l *label) face() *face {
	both := faces()
	if l.bold {
		return &both[1]
	}
	return &both[0]
}

// glyph is a letter's place in a text, along its base line from the start.
type glyph struct {
	index sfnt.GlyphIndex
	at    float64
}

// layout places the letters of a text and measures its length.
func (l *label) layout() (glyphs []glyph, length float64) {
	var buf sfnt.Buffer
	f := l.face()
	ppem := fixed.I(int(f.unit))
	for _, r := range l.text {
		index, err := f.font.GlyphIndex(&buf, r) // 0, the font's box, for a letter that it lacks
		if err != nil {
			index = 0
		}
		glyphs = append(glyphs, glyph{index, length})
		advance, err := f.font.GlyphAdvance(&buf, index, ppem, font.HintingNone)
		if err != nil {
			continue
		}
		length += float64(advance) / 64 / f.unit * l.size
	}
	return glyphs, length
}

// offset is where the text starts, along its base line from its place.
func (l *label) offset(length float64) float64 {
	switch l.at {
	case middle:
		return -length / 2
	case end:
		return -length
	}
	return 0
}

// outline is a letter's shape in the font's own units, y downwards.
func (f *face) outline(index sfnt.GlyphIndex) path {
	var buf sfnt.Buffer
	segments, err := f.font.LoadGlyph(&buf, index, fixed.I(int(f.unit)), nil)
	if err != nil {
		return path{}
	}
	var p path
	for i, s := range segments {
		if s.Op == sfnt.SegmentOpMoveTo && i > 0 {
			p.close()
		}
		var t step
		t.op = "MLQC"[s.Op]
		for j := range t.count() {
			t.points[j] = point{float64(s.Args[j].X) / 64, float64(s.Args[j].Y) / 64}
		}
		p.steps = append(p.steps, t)
	}
	if len(segments) > 0 {
		p.close()
	}
	return p
}

// longestText is the most that is drawn of a text, bytes: no figure has room for more.
const longestText = 1000

// bounded gives the begin of a text that is longer.
func bounded(text string) string {
	if len(text) <= longestText {
		return text
	}
	return strings.ToValidUTF8(text[:longestText], "") + "..."
}

// textWidth is the length of a text.
func textWidth(size float64, s string) float64 {
	_, length := (&label{size: size, text: bounded(s)}).layout()
	return length
}
