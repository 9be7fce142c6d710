package plot

import (
	"bufio"
	"errors"
	"fmt"
	"image/color"
	"io"
	"path/filepath"
	"strings"

	"detgen/internal/whole"
)

// Figure is a finished drawing. Draw methods make one.
type Figure struct {
	width, height float64
	title         string // for readers that do not see it
	items         []item
	panels        []Panel
	spots         []Spot
	meaning       meaning // of the spots
}

// item is a path that is filled, stroked or both, or a text.
type item struct {
	path   path
	fill   color.NRGBA // not filled when transparent
	stroke color.NRGBA // not stroked when transparent
	width  float64     // of the stroke
	dash   []float64   // lengths on and off; nil for a solid stroke

	text *label
}

// CheckName reports whether a figure can be written to a file of that name: *.svg or *.png.
func CheckName(path string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".svg", ".png":
		return nil
	}
	return fmt.Errorf("%s: a figure's name ends in .svg or .png", path)
}

// WriteFile writes the figure to a file, as SVG or PNG by its suffix. The file is complete or not there.
func (f *Figure) WriteFile(path string) error {
	if err := CheckName(path); err != nil {
		return err
	}
	write := f.WriteSVG
	if strings.ToLower(filepath.Ext(path)) == ".png" {
		write = f.WritePNG
	}
	file, err := whole.Create(path)
	if err != nil {
		return fmt.Errorf("write figure: %w", err)
	}
	buffered := bufio.NewWriter(file)
	if err := errors.Join(write(buffered), buffered.Flush()); err != nil {
		return fmt.Errorf("write figure %s: %w", path, errors.Join(err, file.Abort()))
	}
	if err := file.Commit(); err != nil {
		return fmt.Errorf("write figure: %w", err)
	}
	return nil
}

var (
	_ func(io.Writer) error = (*Figure)(nil).WriteSVG
	_ func(io.Writer) error = (*Figure)(nil).WritePNG
)

// fillRect fills a rectangle.
func (f *Figure) fillRect(x, y, w, h float64, c color.NRGBA) {
	f.items = append(f.items, item{path: rect(x, y, w, h), fill: c})
}

// line draws a straight line.
func (f *Figure) line(x0, y0, x1, y1, width float64, c color.NRGBA, dash ...float64) {
	var p path
	p.move(x0, y0)
	p.line(x1, y1)
	f.items = append(f.items, item{path: p, stroke: c, width: width, dash: dash})
}

// write places text; x, y is on its base line, at the start, middle or end of the text.
func (f *Figure) write(x, y float64, at anchor, size float64, s string) {
	f.items = append(f.items, item{text: &label{x: x, y: y, at: at, size: size, text: bounded(s)}, fill: ink})
}

// writeBold is write in bold letters.
func (f *Figure) writeBold(x, y float64, at anchor, size float64, s string) {
	f.items = append(f.items, item{text: &label{x: x, y: y, at: at, size: size, text: bounded(s), bold: true}, fill: ink})
}

// writeUp writes from below to above.
func (f *Figure) writeUp(x, y float64, at anchor, size float64, s string) {
	f.items = append(f.items, item{text: &label{x: x, y: y, at: at, size: size, text: bounded(s), up: true}, fill: ink})
}
