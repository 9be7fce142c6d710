package plot

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Lines is a figure of curves over common axes. Series differ in colour and dashes, so that they can be told
// apart in print without colour too.
type Lines struct {
	Title          string // none when empty
	XLabel, YLabel string // with units
	LogX, LogY     bool
	XNames         []string // of the values 0, 1, ... of x, where they are categories; nil: x is a number
	Series         []Series

	// Bottom and Top are the ends of the vertical axis, so that figures side by side have the same; both 0: they
	// follow from the values.
	Bottom, Top float64
}

// Series is one curve, or a cloud of dots.
type Series struct {
	Name string
	X, Y []float64
	Dots bool // dots without a line

	XTexts []string // what x is, for each point, where it is drawn a little beside that; nil: X

	Low, High []float64 // a band around the curve, for each of its points; nil: none
}

// Distribution is the share of values that are at most x, as steps: the empirical cumulative
// distribution function.
func Distribution(name string, values []float64) Series {
	s := Series{Name: name}
	sorted := slices.Sorted(slices.Values(values))
	var share float64
	for i, v := range sorted {
		if i+1 < len(sorted) && sorted[i+1] == v {
			continue
		}
		s.X = append(s.X, v, v)
		s.Y = append(s.Y, share, float64(i+1)/float64(len(sorted)))
		share = float64(i+1) / float64(len(sorted))
	}
	return s
}

// dashes of series, in turn.
var dashes = [][]float64{nil, {5, 2}, {1.5, 1.5}, {7, 2, 1.5, 2}, {3, 1.5}, {9, 3}, {5, 1.5, 1.5, 1.5, 1.5, 1.5}}

// Draw makes the figure. It fails when there is nothing to draw, or a value cannot stand on its axis.
func (l *Lines) Draw() (*Figure, error) {
	xAxis, xTicks, err := l.axis(func(s *Series) []float64 { return s.X }, l.LogX, "x", 6)
	if err != nil {
		return nil, err
	}
	if n := len(l.XNames); n > 0 {
		xAxis, xTicks = axis{low: -0.5, high: float64(n) - 0.5}, make([]tick, n)
		for i, name := range l.XNames {
			xTicks[i] = tick{value: float64(i), text: shortened(name, 1.3*columnWidth/float64(n)-4)}
		}
	}
	yAxis, yTicks, err := l.axis(func(s *Series) []float64 { return slices.Concat(s.Y, s.Low, s.High) }, l.LogY, "y", 5)
	if err != nil {
		return nil, err
	}
	if l.Top > l.Bottom {
		yAxis.low, yAxis.high, yTicks = l.Bottom, l.Top, linearTicks(l.Bottom, l.Top, 5)
	}
	f := &Figure{width: 1.4 * columnWidth, title: cmp.Or(l.Title, l.YLabel)}
	y := f.head(l.Title, l.legend()) + 8

	const tall = 150
	left := 4 + labelSize + 4 + widest(yTicks) + tickLong + 2
	xAxis.from, xAxis.to = left, f.width-12
	yAxis.from, yAxis.to = y+tall, y
	for _, t := range yTicks {
		if !t.minor {
			f.line(xAxis.from, yAxis.place(t.value), xAxis.to, yAxis.place(t.value), hair, faint)
		}
	}
	for i := range l.Series {
		l.Series[i].draw(f, &xAxis, &yAxis, i)
	}
	f.across(&xAxis, xTicks, y+tall)
	f.upright(&yAxis, yTicks, left)
	f.writeUp(4+labelSize, y+tall/2, middle, labelSize, l.YLabel)
	y += tall + tickLong + tickSize + labelSize + 4
	f.write((xAxis.from+xAxis.to)/2, y, middle, labelSize, l.XLabel)
	f.height = y + 6
	f.meaning = l.meaning()
	return f, nil
}

// meaning is what the figure's spots are.
func (l *Lines) meaning() meaning {
	columns, banded := []string{"series", l.XLabel, l.YLabel}, slices.ContainsFunc(l.Series, func(s Series) bool { return s.Low != nil })
	if banded {
		columns = append(columns, "low", "high")
	}
	return meaning{columns, func(at Spot) []string {
		s := &l.Series[at.Series]
		x := value(s.X[at.Index])
		if k := int(s.X[at.Index]); len(l.XNames) > 0 && float64(k) == s.X[at.Index] && k >= 0 && k < len(l.XNames) {
			x = l.XNames[k]
		}
		if s.XTexts != nil {
			x = s.XTexts[at.Index]
		}
		row := []string{s.Name, x, value(s.Y[at.Index])}
		switch {
		case s.Low != nil:
			row = append(row, value(s.Low[at.Index]), value(s.High[at.Index]))
		case banded:
			row = append(row, "", "")
		}
		return row
	}}
}

// shortened gives as much of a tick's text as has room.
func shortened(text string, room float64) string {
	text = bounded(text)
	letters := []rune(text)
	for n := len(letters); n > 1 && textWidth(tickSize, text) > room; n-- {
		text = string(letters[:n-1]) + "."
	}
	return text
}

// axis finds the ends of an axis and its ticks.
func (l *Lines) axis(values func(*Series) []float64, log bool, name string, n int) (axis, []tick, error) {
	low, high := math.Inf(1), math.Inf(-1)
	for i := range l.Series {
		s := &l.Series[i]
		if len(s.X) != len(s.Y) {
			return axis{}, nil, fmt.Errorf("draw lines: %s has %d values for x and %d for y", s.Name, len(s.X), len(s.Y))
		}
		if s.XTexts != nil && len(s.XTexts) != len(s.X) {
			return axis{}, nil, fmt.Errorf("draw lines: %s has %d values for x and %d texts", s.Name, len(s.X), len(s.XTexts))
		}
		if s.Low != nil && (len(s.Low) != len(s.X) || len(s.High) != len(s.X)) {
			return axis{}, nil, fmt.Errorf("draw lines: the band of %s has %d and %d values for %d points", s.Name, len(s.Low), len(s.High), len(s.X))
		}
		for _, v := range values(s) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return axis{}, nil, fmt.Errorf("draw lines: %s has the value %v for %s", s.Name, v, name)
			}
			if log && v <= 0 {
				return axis{}, nil, fmt.Errorf("draw lines: %s has the value %v for %s, which a logarithmic axis does not have", s.Name, v, name)
			}
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		return axis{}, nil, errors.New("draw lines: there are no values")
	}
	if low == high {
		low, high = low-max(math.Abs(low)/2, 0.5), high+max(math.Abs(high)/2, 0.5)
		if log {
			low, high = low/3, high*3
		}
	}
	if log {
		low, high = math.Pow10(int(math.Floor(math.Log10(low)+1e-9))), math.Pow10(int(math.Ceil(math.Log10(high)-1e-9)))
		return axis{low: low, high: high, log: true}, logTicks(low, high, n), nil
	}
	if low > 0 && low < high/3 {
		low = 0
	}
	gap, _ := roundGap((high - low) / float64(n))
	low, high = math.Floor(low/gap+1e-9)*gap, math.Ceil(high/gap-1e-9)*gap
	return axis{low: low, high: high}, linearTicks(low, high, n), nil
}

// legend is the names of the series.
func (l *Lines) legend() []entry {
	var entries []entry
	for i := range l.Series {
		s := &l.Series[i]
		if s.Name == "" {
			continue
		}
		entries = append(entries, entry{s.Name, func(f *Figure, x, y float64) {
			if s.Dots {
				var p path
				p.addCircle(x, y, 1.5)
				f.items = append(f.items, item{path: p, fill: strong[i%len(strong)]})
				return
			}
			f.line(x-legendMark/2, y, x+legendMark/2, y, 1.2, strong[i%len(strong)], dashes[i%len(dashes)]...)
		}})
	}
	return entries
}

// draw draws a series as number i of the figure.
func (s *Series) draw(f *Figure, x, y *axis, i int) {
	s.band(f, x, y, i)
	var p path
	for j := range s.X {
		at := point{x.place(s.X[j]), y.place(s.Y[j])}
		f.spots = append(f.spots, Spot{X: at.x, Y: at.y, Series: i, Index: j})
		switch {
		case s.Dots:
			p.addCircle(at.x, at.y, 1.5)
		case j == 0:
			p.move(at.x, at.y)
		default:
			p.line(at.x, at.y)
		}
	}
	one := item{path: p, stroke: strong[i%len(strong)], width: 1.2, dash: dashes[i%len(dashes)]}
	if s.Dots {
		one = item{path: p, fill: strong[i%len(strong)]}
	}
	f.items = append(f.items, one)
}

// band fills the band of a series as number i of the figure.
func (s *Series) band(f *Figure, x, y *axis, i int) {
	if len(s.Low) < 2 {
		return
	}
	var p path
	for j := range s.X {
		if j == 0 {
			p.move(x.place(s.X[j]), y.place(s.High[j]))
			continue
		}
		p.line(x.place(s.X[j]), y.place(s.High[j]))
	}
	for j := len(s.X) - 1; j >= 0; j-- {
		p.line(x.place(s.X[j]), y.place(s.Low[j]))
	}
	p.close()
	c := strong[i%len(strong)]
	c.A = 50
	f.items = append(f.items, item{path: p, fill: c})
}
