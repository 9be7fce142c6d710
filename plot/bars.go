package plot

import (
	"cmp"
	"errors"
	"fmt"
	"math"
)

// Bars is a figure of counts by category: in each category a bar for each series.
type Bars struct {
	Title          string // none when empty
	XLabel, YLabel string
	Names          []string // of the categories
	Series         []BarSeries
}

// BarSeries has a value for each category, not below 0.
type BarSeries struct {
	Name   string
	Values []float64
}

// Draw makes the figure. It fails when there is nothing to draw, or a value is negative or no number.
func (b *Bars) Draw() (*Figure, error) {
	if len(b.Names) == 0 || len(b.Series) == 0 {
		return nil, errors.New("draw bars: there are no values")
	}
	high := 0.
	var legend []entry
	for i, s := range b.Series {
		if len(s.Values) != len(b.Names) {
			return nil, fmt.Errorf("draw bars: %s has %d values for %d categories", s.Name, len(s.Values), len(b.Names))
		}
		for _, v := range s.Values {
			if !(v >= 0) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("draw bars: %s has the value %v", s.Name, v)
			}
			high = max(high, v)
		}
		legend = append(legend, entry{s.Name, func(f *Figure, x, y float64) { f.fillRect(x-3, y-3, 6, 6, strong[i%len(strong)]) }})
	}
	gap, _ := roundGap(max(high, 1) / 5)
	high = math.Ceil(max(high, 1)/gap-1e-9) * gap
	f := &Figure{width: 1.4 * columnWidth, title: cmp.Or(b.Title, b.YLabel)}
	y := f.head(b.Title, legend) + 8
	const tall = 120
	ticks := linearTicks(0, high, 5)
	left := 4 + labelSize + 4 + widest(ticks) + tickLong + 2
	n := len(b.Names)
	xAxis := axis{low: -0.5, high: float64(n) - 0.5, from: left, to: f.width - 12}
	yAxis := axis{low: 0, high: high, from: y + tall, to: y}
	for _, t := range ticks {
		f.line(xAxis.from, yAxis.place(t.value), xAxis.to, yAxis.place(t.value), hair, faint)
	}
	slot := (xAxis.to - xAxis.from) / float64(n)
	wide := slot * 0.8 / float64(len(b.Series))
	for i, s := range b.Series {
		for k, v := range s.Values {
			x, top := xAxis.place(float64(k))-slot*0.4+float64(i)*wide, yAxis.place(v)
			if v > 0 {
				f.fillRect(x, top, wide, y+tall-top, strong[i%len(strong)])
			}
			f.spots = append(f.spots, Spot{X: x + wide/2, Y: (top + y + tall) / 2, Wide: wide, High: y + tall - top, Series: i, Index: k})
		}
	}
	every := (n + 11) / 12
	var names []tick
	for k := 0; k < n; k += every {
		names = append(names, tick{value: float64(k), text: shortened(b.Names[k], slot*float64(every)-3)})
	}
	f.across(&xAxis, names, y+tall)
	f.upright(&yAxis, ticks, left)
	f.writeUp(4+labelSize, y+tall/2, middle, labelSize, b.YLabel)
	y += tall + tickLong + tickSize + labelSize + 4
	f.write((xAxis.from+xAxis.to)/2, y, middle, labelSize, b.XLabel)
	f.height = y + 6
	f.meaning = meaning{[]string{b.XLabel, "series", b.YLabel}, func(s Spot) []string {
		return []string{b.Names[s.Index], b.Series[s.Series].Name, value(b.Series[s.Series].Values[s.Index])}
	}}
	return f, nil
}
