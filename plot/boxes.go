package plot

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
)

// Boxes is a figure of box plots on a logarithmic scale: panels side by side, in each the groups, in each
// of them a box a series, as in Fig. 6 of the paper (panels: measures; groups: traffic types; series: engines).
// A box goes from the lower to the upper quartile with a line at the median, its whiskers to the
// outermost values within 1.5 times that distance, dots are values beyond them, and a diamond is the mean.
// Zeros, which a logarithmic scale does not have, stand on a line of their own below it.
type Boxes struct {
	Title  string // none when empty
	Label  string // of the values, with their unit
	Series []string
	Panels []BoxPanel

	Reference     float64 // value of a dashed line; none when 0
	ReferenceName string
}

// BoxPanel is the groups of one panel.
type BoxPanel struct {
	Name   string
	Groups []BoxGroup
}

// BoxGroup is the values of each series, in the order of Boxes.Series. A series may have none.
type BoxGroup struct {
	Name   string
	Values [][]float64
}

// Draw makes the figure. It fails when there is nothing to draw, or a value is negative or no number.
func (b *Boxes) Draw() (*Figure, error) {
	low, high, zeros, err := b.check()
	if err != nil {
		return nil, err
	}
	f := &Figure{width: pageWidth, title: cmp.Or(b.Title, b.Label)}
	y := f.head(b.Title, b.legend()) + labelSize + 12

	const tall, zeroRoom = 150, 14
	scale := axis{low: low, high: high, from: y + tall, to: y, log: true}
	ticks := logTicks(low, high, 7)
	bottom := y + tall
	zero := bottom
	if zeros {
		bottom += zeroRoom
		zero = bottom - 5
	}
	left := 4 + labelSize + 4 + max(widest(ticks), textWidth(tickSize, "0")) + tickLong + 2
	const gap = 12
	wide := (f.width - left - 4 - gap*float64(len(b.Panels)-1)) / float64(len(b.Panels))
	f.writeUp(4+labelSize, y+tall/2, middle, labelSize, b.Label)
	for i := range b.Panels {
		x := left + float64(i)*(wide+gap)
		for _, t := range ticks {
			if !t.minor {
				f.line(x, scale.place(t.value), x+wide, scale.place(t.value), hair, faint)
			}
		}
		if b.Reference != 0 {
			f.line(x, scale.place(b.Reference), x+wide, scale.place(b.Reference), 0.8, ink, 4, 2)
		}
		b.drawPanel(f, i, x, wide, &scale, zero, bottom)
		shown := ticks
		if i > 0 {
			shown = slices.Clone(ticks)
			for j := range shown {
				shown[j].text = ""
			}
		}
		f.upright(&scale, shown, x)
		if zeros {
			f.zeroTick(x, scale.from, zero, bottom, i == 0)
		}
		f.line(x, bottom, x+wide, bottom, hair, ink)
		f.writeBold(x+wide/2, y-5, middle, labelSize, b.Panels[i].Name)
	}
	f.height = bottom + tickLong + labelSize + 8
	f.meaning = b.meaning()
	return f, nil
}

// zeroTick draws the end of the scale, broken, and the line of zeros.
func (f *Figure) zeroTick(x, from, zero, bottom float64, named bool) {
	f.line(x, from+4, x, bottom, hair, ink)
	f.line(x-2.5, from+1.25, x+2.5, from-1.25, hair, ink)
	f.line(x-2.5, from+5.25, x+2.5, from+2.75, hair, ink)
	f.line(x-tickLong, zero, x, zero, hair, ink)
	if named {
		f.write(x-tickLong-2, zero+tickSize*0.35, end, tickSize, "0")
	}
}

// meaning is what the figure's boxes are.
func (b *Boxes) meaning() meaning {
	columns := []string{"panel", "group", "series", "values", "mean", "low", "lower quartile", "median", "upper quartile", "high"}
	return meaning{columns, func(at Spot) []string {
		group, j := &b.Panels[at.Series].Groups[at.Index/len(b.Series)], at.Index%len(b.Series)
		s := summarise(group.Values[j])
		return []string{b.Panels[at.Series].Name, group.Name, b.Series[j], fmt.Sprint(len(group.Values[j])), value(s.mean), value(s.low), value(s.quarter), value(s.median), value(s.threeQuarters), value(s.high)}
	}}
}

// check finds the ends of the scale, and whether there are zeros.
func (b *Boxes) check() (low, high float64, zeros bool, err error) {
	low, high = math.Inf(1), 0
	any := false
	for _, panel := range b.Panels {
		for _, group := range panel.Groups {
			if len(group.Values) != len(b.Series) {
				return 0, 0, false, fmt.Errorf("draw boxes: %s, %s has values for %d series of %d", panel.Name, group.Name, len(group.Values), len(b.Series))
			}
			for i, values := range group.Values {
				for _, v := range values {
					if !(v >= 0) || math.IsInf(v, 0) {
						return 0, 0, false, fmt.Errorf("draw boxes: %s, %s, %s has the value %v; a logarithmic scale needs numbers from 0 on", panel.Name, group.Name, b.Series[i], v)
					}
					any = true
					if v == 0 {
						zeros = true
						continue
					}
					low, high = min(low, v), max(high, v)
				}
			}
		}
	}
	if !any {
		return 0, 0, false, errors.New("draw boxes: there are no values")
	}
	if b.Reference > 0 {
		low, high = min(low, b.Reference), max(high, b.Reference)
	}
	if high == 0 { // zeros only
		low, high = 0.1, 1
	}
	low = math.Pow10(int(math.Floor(math.Log10(low))))
	high = math.Pow10(int(math.Ceil(math.Log10(high))))
	if high == low {
		high *= 10
	}
	return low, high, zeros, nil
}

// legend is the series and the reference.
func (b *Boxes) legend() []entry {
	var entries []entry
	for i, name := range b.Series {
		c := strong[i%len(strong)]
		entries = append(entries, entry{name, func(f *Figure, x, y float64) {
			f.items = append(f.items, item{path: rect(x-4, y-3, 8, 6), fill: tint(c, 0.45), stroke: c, width: 0.9})
		}})
	}
	if b.Reference > 0 {
		entries = append(entries, entry{b.ReferenceName, func(f *Figure, x, y float64) {
			f.line(x-legendMark/2, y, x+legendMark/2, y, 0.8, ink, 4, 2)
		}})
	}
	return entries
}

// drawPanel draws the boxes of a panel.
func (b *Boxes) drawPanel(f *Figure, index int, x, wide float64, scale *axis, zero, bottom float64) {
	place := func(v float64) float64 {
		if v == 0 {
			return zero
		}
		return scale.place(v)
	}
	panel := &b.Panels[index]
	groupWide := wide / float64(max(len(panel.Groups), 1))
	for i, group := range panel.Groups {
		centre := x + (float64(i)+0.5)*groupWide
		f.write(centre, bottom+tickLong+tickSize, middle, tickSize, group.Name)
		if i > 0 {
			f.line(x+float64(i)*groupWide, bottom, x+float64(i)*groupWide, bottom+tickLong, hair, ink)
		}
		slot := groupWide * 0.84 / float64(len(b.Series))
		for j, values := range group.Values {
			if len(values) == 0 {
				continue
			}
			at := centre + (float64(j)-float64(len(b.Series)-1)/2)*slot
			s, boxWide := summarise(values), min(slot*0.68, 16)
			f.box(s, at, boxWide, place, strong[j%len(strong)])
			top, low := place(s.high), place(s.low)
			f.spots = append(f.spots, Spot{X: at, Y: (top + low) / 2, Wide: boxWide, High: low - top, Series: index, Index: i*len(b.Series) + j})
		}
	}
}

// box draws one box.
func (f *Figure) box(s summary, x, wide float64, place func(float64) float64, c color.NRGBA) {
	var dots path
	for _, v := range s.beyond {
		dots.addCircle(x, place(v), 0.9)
	}
	if len(s.beyond) > 0 {
		f.items = append(f.items, item{path: dots, fill: c})
	}
	for _, whisker := range [][2]float64{{s.quarter, s.low}, {s.threeQuarters, s.high}} {
		if y0, y1 := place(whisker[0]), place(whisker[1]); y0 != y1 {
			f.line(x, y0, x, y1, 0.8, c)
			f.line(x-wide/4, y1, x+wide/4, y1, 0.8, c)
		}
	}
	top, bottom := place(s.threeQuarters), place(s.quarter)
	f.items = append(f.items, item{path: rect(x-wide/2, top, wide, bottom-top), fill: tint(c, 0.45), stroke: c, width: 0.9})
	f.line(x-wide/2, place(s.median), x+wide/2, place(s.median), 1.4, c)
	var mean path
	mean.addDiamond(x, place(s.mean), 2.1)
	f.items = append(f.items, item{path: mean, fill: rgb(0xffffff), stroke: ink, width: 0.6})
}

// summary is what a box shows.
type summary struct {
	low, quarter, median, threeQuarters, high, mean float64
	beyond                                          []float64
}

// summarise computes a box. Quartiles between two values are interpolated linearly.
func summarise(values []float64) summary {
	sorted := slices.Sorted(slices.Values(values))
	quantile := func(q float64) float64 {
		at := q * float64(len(sorted)-1)
		i := int(at)
		if i+1 == len(sorted) {
			return sorted[i]
		}
		return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
	}
	s := summary{quarter: quantile(0.25), median: quantile(0.5), threeQuarters: quantile(0.75)}
	reach := 1.5 * (s.threeQuarters - s.quarter)
	s.low, s.high = s.quarter, s.threeQuarters
	for _, v := range sorted {
		s.mean += v / float64(len(sorted))
		if v < s.quarter-reach || v > s.threeQuarters+reach {
			s.beyond = append(s.beyond, v)
			continue
		}
		s.low, s.high = min(s.low, v), max(s.high, v)
	}
	return s
}
