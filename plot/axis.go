package plot

import (
	"math"
	"strconv"
	"time"
)

// Sizes of letters and widths of lines, in points.
const (
	titleSize = 9
	labelSize = 8
	tickSize  = 7
	hair      = 0.5
	tickLong  = 3
)

// Widths of figures, in points: a column and the page's text width of journals with two columns.
const (
	columnWidth = 88 / 25.4 * 72
	pageWidth   = 180 / 25.4 * 72
)

// tick is a value that an axis names.
type tick struct {
	value float64
	text  string
	minor bool // without text
}

// axis maps values to a length on the page.
type axis struct {
	low, high float64 // values at its ends
	from, to  float64 // places of them
	log       bool
}

// place is where a value is.
func (a *axis) place(v float64) float64 {
	low, high := a.low, a.high
	if a.log {
		v, low, high = math.Log10(v), math.Log10(low), math.Log10(high)
	}
	if high == low {
		return (a.from + a.to) / 2
	}
	return a.from + (v-low)/(high-low)*(a.to-a.from)
}

// linearTicks are round values (1, 2 or 5 times a power of ten apart) from low to high, about n of them.
func linearTicks(low, high float64, n int) []tick {
	if !(high > low) {
		return []tick{{value: low, text: decimal(low, 6)}}
	}
	gap, digits := roundGap((high - low) / float64(max(n, 1)))
	var ticks []tick
	for i := math.Ceil(low/gap - 1e-9); i*gap <= high+gap*1e-9; i++ {
		v := i * gap
		ticks = append(ticks, tick{value: v, text: strconv.FormatFloat(v+0, 'f', digits, 64)})
	}
	return ticks
}

// roundGap is the smallest of 1, 2 and 5 times a power of ten that is not below gap, and the decimals
// that its multiples need.
func roundGap(gap float64) (round float64, digits int) {
	power := int(math.Floor(math.Log10(gap)))
	for ; ; power++ {
		for _, f := range []float64{1, 2, 5} {
			if r := f * math.Pow10(power); r >= gap*(1-1e-9) {
				return r, max(0, -power)
			}
		}
	}
}

// logTicks are the powers of ten from low to high, with minor ticks between where there is room for them.
func logTicks(low, high float64, n int) []tick {
	first, last := int(math.Ceil(math.Log10(low)-1e-9)), int(math.Floor(math.Log10(high)+1e-9))
	every := max(1, (last-first+n)/max(n, 1))
	var ticks []tick
	for power := first - 1; power <= last; power++ {
		if power >= first {
			t := tick{value: math.Pow10(power), minor: (power-first)%every != 0}
			if !t.minor {
				t.text = powerText(power)
			}
			ticks = append(ticks, t)
		}
		if every > 1 {
			continue
		}
		for f := 2.; f < 10; f++ {
			if v := f * math.Pow10(power); v >= low && v <= high {
				ticks = append(ticks, tick{value: v, minor: true})
			}
		}
	}
	return ticks
}

// powerText names a power of ten: as a number when it is short.
func powerText(power int) string {
	if power >= -4 && power <= 5 {
		return strconv.FormatFloat(math.Pow10(power), 'f', max(0, -power), 64)
	}
	return "1e" + strconv.Itoa(power)
}

// decimal is a number with at most so many significant digits.
func decimal(v float64, digits int) string {
	return strconv.FormatFloat(v, 'g', digits, 64)
}

// timeUnit is the unit that names a span of time with few digits.
func timeUnit(span time.Duration) (unit time.Duration, name string) {
	switch {
	case span <= 2*time.Microsecond:
		return time.Nanosecond, "ns"
	case span <= 2*time.Millisecond:
		return time.Microsecond, "µs"
	case span <= 2*time.Second:
		return time.Millisecond, "ms"
	case span <= 10*time.Minute:
		return time.Second, "s"
	case span <= 5*time.Hour:
		return time.Minute, "min"
	}
	return time.Hour, "h"
}

// across draws a horizontal axis's ticks below y, with their numbers.
func (f *Figure) across(a *axis, ticks []tick, y float64) {
	f.line(a.from, y, a.to, y, hair, ink)
	for _, t := range ticks {
		x, long := a.place(t.value), float64(tickLong)
		if t.minor {
			long /= 2
		}
		f.line(x, y, x, y+long, hair, ink)
		if t.text != "" {
			f.write(x, y+tickLong+tickSize, middle, tickSize, t.text)
		}
	}
}

// upright draws a vertical axis's ticks left of x, with their numbers; it returns the width of the widest.
func (f *Figure) upright(a *axis, ticks []tick, x float64) (width float64) {
	f.line(x, a.from, x, a.to, hair, ink)
	for _, t := range ticks {
		y, long := a.place(t.value), float64(tickLong)
		if t.minor {
			long /= 2
		}
		f.line(x-long, y, x, y, hair, ink)
		if t.text != "" {
			f.write(x-tickLong-2, y+tickSize*0.35, end, tickSize, t.text)
			width = max(width, textWidth(tickSize, t.text))
		}
	}
	return width
}

// widest is the width of the widest tick's text.
func widest(ticks []tick) (width float64) {
	for _, t := range ticks {
		width = max(width, textWidth(tickSize, t.text))
	}
	return width
}
