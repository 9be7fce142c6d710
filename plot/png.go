package plot

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"

	"golang.org/x/image/vector"
)

// dotsPerInch is the density of PNG files: what journals ask for in colour figures.
const dotsPerInch = 300

// WritePNG writes the figure as PNG, 300 dots an inch, with that density noted in the file.
func (f *Figure) WritePNG(w io.Writer) error {
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	return encoder.Encode(&densityWriter{to: w}, f.image())
}

// image draws the figure.
func (f *Figure) image() *image.RGBA {
	const scale = dotsPerInch / 72.
	size := image.Rect(0, 0, int(math.Ceil(f.width*scale)), int(math.Ceil(f.height*scale)))
	picture := image.NewRGBA(size)
	draw.Draw(picture, size, image.White, image.Point{}, draw.Src)
	c := canvas{picture: picture}
	for i := range f.items {
		it := &f.items[i]
		if l := it.text; l != nil {
			c.drawText(l, it.fill, scale)
			continue
		}
		toDots := func(p point) point { return point{p.x * scale, p.y * scale} }
		if it.fill.A > 0 {
			c.fill(&it.path, it.fill, toDots)
		}
		if it.stroke.A > 0 {
			outline := it.path.outline(it.width, it.dash)
			c.fill(&outline, it.stroke, toDots)
		}
	}
	return picture
}

// canvas is a picture that is being drawn.
type canvas struct {
	picture *image.RGBA
	raster  vector.Rasterizer
}

// drawText fills the letters of a text.
func (c *canvas) drawText(l *label, ink color.NRGBA, scale float64) {
	glyphs, length := l.layout()
	from := l.offset(length)
	size := l.size / l.face().unit
	for _, g := range glyphs {
		p := l.face().outline(g.index)
		c.fill(&p, ink, func(at point) point {
			x, y := from+g.at+at.x*size, at.y*size
			if l.up {
				x, y = y, -x
			}
			return point{(l.x + x) * scale, (l.y + y) * scale}
		})
	}
}

// fill fills a path whose points are at the dots that place says. Only the part of the picture around it is
// touched.
func (c *canvas) fill(p *path, ink color.NRGBA, place func(point) point) {
	low, high := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, s := range p.steps {
		for i := range s.count() {
			at := place(s.points[i])
			low = point{min(low.x, at.x), min(low.y, at.y)}
			high = point{max(high.x, at.x), max(high.y, at.y)}
		}
	}
	if low.x > high.x {
		return
	}
	box := image.Rect(int(math.Floor(low.x)), int(math.Floor(low.y)), int(math.Ceil(high.x))+1, int(math.Ceil(high.y))+1).Intersect(c.picture.Bounds())
	if box.Empty() {
		return
	}
	c.raster.Reset(box.Dx(), box.Dy())
	at := func(q point) (x, y float32) {
		q = place(q)
		return float32(q.x - float64(box.Min.X)), float32(q.y - float64(box.Min.Y))
	}
	for _, s := range p.steps {
		x, y := at(s.points[0])
		switch s.op {
		case 'M':
			c.raster.MoveTo(x, y)
		case 'L':
			c.raster.LineTo(x, y)
		case 'Q':
			x1, y1 := at(s.points[1])
			c.raster.QuadTo(x, y, x1, y1)
		case 'C':
			x1, y1 := at(s.points[1])
			x2, y2 := at(s.points[2])
			c.raster.CubeTo(x, y, x1, y1, x2, y2)
		case 'Z':
			c.raster.ClosePath()
		}
	}
	c.raster.Draw(c.picture, box, image.NewUniform(ink), image.Point{})
}
