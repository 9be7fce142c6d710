package plot

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"
	"strings"

	"golang.org/x/image/font/sfnt"
)

// WriteSVG writes the figure as SVG 1.1. Letters are outlines; the title is there as text, and the values as metadata.
func (f *Figure) WriteSVG(w io.Writer) error { return f.writeSVG(w, f.writeValues) }

// WriteDrawing is WriteSVG without the values, for a page that has them.
func (f *Figure) WriteDrawing(w io.Writer) error {
	return f.writeSVG(w, func(io.Writer) error { return nil })
}

func (f *Figure) writeSVG(w io.Writer, values func(io.Writer) error) error {
	out := bufio.NewWriter(w)
	width, height := number(f.width), number(f.height)
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="%spt" height="%spt" viewBox="0 0 %s %s" role="img">`+"\n", width, height, width, height)
	fmt.Fprint(out, "<title>")
	if err := xml.EscapeText(out, []byte(bounded(f.title))); err != nil {
		return err
	}
	fmt.Fprintln(out, "</title>")
	if err := values(out); err != nil {
		return err
	}
	f.writeLetters(out)
	fmt.Fprintf(out, `<rect width="%s" height="%s" fill="#fff"/>`+"\n", width, height)
	for i := range f.items {
		it := &f.items[i]
		if it.text != nil {
			it.writeText(out)
			continue
		}
		fmt.Fprintf(out, `<path d="%s"%s`, pathData(&it.path), paint("fill", it.fill))
		if it.stroke.A > 0 {
			fmt.Fprintf(out, `%s stroke-width="%s" stroke-linejoin="round"`, paint("stroke", it.stroke), number(it.width))
		}
		if it.dash != nil {
			var list []string
			for _, d := range it.dash {
				list = append(list, number(d))
			}
			fmt.Fprintf(out, ` stroke-dasharray="%s"`, strings.Join(list, " "))
		}
		fmt.Fprintln(out, "/>")
	}
	fmt.Fprintln(out, "</svg>")
	return out.Flush()
}

// writeLetters defines each letter that the figure has, once.
func (f *Figure) writeLetters(out io.Writer) {
	type letter struct {
		bold  bool
		index sfnt.GlyphIndex
	}
	seen := map[letter]bool{}
	fmt.Fprintln(out, "<defs>")
	for i := range f.items {
		l := f.items[i].text
		if l == nil {
			continue
		}
		glyphs, _ := l.layout()
		for _, g := range glyphs {
			one := letter{l.bold, g.index}
			p := l.face().outline(g.index)
			if seen[one] || len(p.steps) == 0 {
				continue
			}
			seen[one] = true
			fmt.Fprintf(out, `<path id="%s" d="%s"/>`+"\n", letterName(l.bold, g.index), pathData(&p))
		}
	}
	fmt.Fprintln(out, "</defs>")
}

// letterName is a letter's identity in the file.
func letterName(bold bool, index sfnt.GlyphIndex) string {
	if bold {
		return "b" + strconv.Itoa(int(index))
	}
	return "r" + strconv.Itoa(int(index))
}

// writeText writes a text's letters, in the units of the font.
func (it *item) writeText(out io.Writer) {
	l := it.text
	glyphs, length := l.layout()
	scale := l.size / l.face().unit
	fmt.Fprintf(out, `<g transform="translate(%s %s)`, number(l.x), number(l.y))
	if l.up {
		fmt.Fprint(out, ` rotate(-90)`)
	}
	fmt.Fprintf(out, ` translate(%s 0) scale(%s)" aria-label="`, number(l.offset(length)), strconv.FormatFloat(scale, 'g', 6, 64))
	_ = xml.EscapeText(out, []byte(l.text)) // the buffer keeps the error
	fmt.Fprintf(out, `"%s>`, paint("fill", it.fill))
	for _, g := range glyphs {
		if p := l.face().outline(g.index); len(p.steps) > 0 {
			fmt.Fprintf(out, `<use xlink:href="#%s" x="%s"/>`, letterName(l.bold, g.index), number(g.at/scale))
		}
	}
	fmt.Fprintln(out, "</g>")
}

// paint is the attributes of a colour.
func paint(what string, c color.NRGBA) string {
	if c.A == 0 {
		return fmt.Sprintf(` %s="none"`, what)
	}
	s := fmt.Sprintf(` %s="%s"`, what, hex(c))
	if c.A < 255 {
		s += fmt.Sprintf(` %s-opacity="%s"`, what, number(float64(c.A)/255))
	}
	return s
}

// hex is a colour in SVG's notation, without its opacity.
func hex(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// pathData is a path in SVG's notation.
func pathData(p *path) string {
	var b strings.Builder
	for _, s := range p.steps {
		b.WriteByte(s.op)
		for i := range s.count() {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(number(s.points[i].x))
			b.WriteByte(' ')
			b.WriteString(number(s.points[i].y))
		}
	}
	return b.String()
}

// number is a length with at most two decimals.
func number(v float64) string {
	r := math.Round(v*100) / 100
	if r == 0 {
		return "0" // not -0
	}
	return strconv.FormatFloat(r, 'f', -1, 64)
}
