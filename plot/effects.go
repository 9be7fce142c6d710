package plot

import (
	"cmp"
	"errors"
	"fmt"
	"math"
)

// Effects is a figure of named quantities with their intervals, one under the other, on one axis: what has an effect,
// and how sure that is.
type Effects struct {
	Title  string // none when empty
	Label  string // of the axis
	Series []string
	Rows   []Effect
	Zero   float64 // where a line marks that there is no effect
}

// Effect is a row: for each series a value and an interval. A value that is NaN is not drawn.
type Effect struct {
	Name   string
	Values []EffectValue
	Strong bool // drawn filled: surely different from nothing
}

// EffectValue is a point with its interval.
type EffectValue struct{ Value, Low, High float64 }

const (
	effectRow     = 11
	effectMostRow = 60 // rows that fit
)

// Draw makes the figure. It fails when there is nothing to draw.
func (e *Effects) Draw() (*Figure, error) {
	if len(e.Rows) == 0 {
		return nil, errors.New("draw effects: there are no rows")
	}
	rows := e.Rows[:min(len(e.Rows), effectMostRow)]
	low, high, names := e.Zero, e.Zero, 0.
	for _, r := range rows {
		if len(r.Values) != len(e.Series) {
			return nil, fmt.Errorf("draw effects: %s has %d values for %d series", r.Name, len(r.Values), len(e.Series))
		}
		for _, v := range r.Values {
			for _, x := range []float64{v.Value, v.Low, v.High} {
				if !math.IsNaN(x) && !math.IsInf(x, 0) {
					low, high = min(low, x), max(high, x)
				}
			}
		}
		names = max(names, textWidth(tickSize, r.Name))
	}
	if low == high {
		low, high = low-0.5, high+0.5
	}
	gap, _ := roundGap((high - low) / 6)
	low, high = math.Floor(low/gap+1e-9)*gap, math.Ceil(high/gap-1e-9)*gap
	f := &Figure{width: pageWidth, title: cmp.Or(e.Title, e.Label)}
	var legend []entry
	if len(e.Series) > 1 {
		legend = e.legend()
	}
	y := f.head(e.Title, legend) + 6
	left := 4 + min(names, f.width*0.5) + 6
	x := axis{low: low, high: high, from: left, to: f.width - 12}
	high1 := max(effectRow, float64(len(e.Series))*6+4)
	bottom := y + float64(len(rows))*high1
	ticks := linearTicks(low, high, 6)
	for _, t := range ticks {
		f.line(x.place(t.value), y, x.place(t.value), bottom, hair, faint)
	}
	f.line(x.place(e.Zero), y, x.place(e.Zero), bottom, 0.8, grey)
	for i, r := range rows {
		top := y + float64(i)*high1
		f.write(left-4, top+high1/2+tickSize*0.35, end, tickSize, r.Name)
		for k, v := range r.Values {
			if math.IsNaN(v.Value) {
				continue
			}
			at, c := top+high1*(float64(k)+1)/float64(len(r.Values)+1), strong[k%len(strong)]
			if !math.IsNaN(v.Low) && !math.IsNaN(v.High) && !math.IsInf(v.Low, 0) && !math.IsInf(v.High, 0) {
				f.line(x.place(v.Low), at, x.place(v.High), at, 1, c)
			}
			f.spots = append(f.spots, Spot{X: x.place(v.Value), Y: at, Series: k, Index: i})
			var p path
			p.addCircle(x.place(v.Value), at, 2)
			dot := item{path: p, fill: rgb(0xffffff), stroke: c, width: 1}
			if r.Strong {
				dot.fill = c
			}
			f.items = append(f.items, dot)
		}
	}
	f.across(&x, ticks, bottom)
	bottom += tickLong + tickSize + labelSize + 4
	f.write((x.from+x.to)/2, bottom, middle, labelSize, e.Label)
	f.height = bottom + 6
	f.meaning = meaning{[]string{"name", "series", e.Label, "low", "high"}, func(s Spot) []string {
		v := e.Rows[s.Index].Values[s.Series]
		return []string{e.Rows[s.Index].Name, e.Series[s.Series], value(v.Value), value(v.Low), value(v.High)}
	}}
	return f, nil
}

func (e *Effects) legend() []entry {
	var list []entry
	for i, name := range e.Series {
		list = append(list, entry{name, func(f *Figure, x, y float64) {
			f.line(x-legendMark/2, y, x+legendMark/2, y, 1, strong[i%len(strong)])
			var p path
			p.addCircle(x, y, 2)
			f.items = append(f.items, item{path: p, fill: strong[i%len(strong)]})
		}})
	}
	return list
}
