package audit

import (
	"math"

	"detgen/dataset/flowset"
)

// matrix holds flows as rows of numbers from 0 to 1.
type matrix struct {
	columns int
	values  []float32
}

func (m *matrix) row(i int) []float32 { return m.values[i*m.columns : (i+1)*m.columns] }

// scale brings each column of a set to [0, 1] by its smallest and largest finite value. What is no number counts as the
// smallest; infinities as the nearest end. Columns of one value are left out.
func scale(set *flowset.Set) *matrix {
	type bounds struct{ column, low, span float64 }
	var used []bounds
	for i, c := range set.Columns {
		low, high := math.Inf(1), math.Inf(-1)
		for _, x := range c.Values {
			if !math.IsNaN(x) && !math.IsInf(x, 0) {
				low, high = min(low, x), max(high, x)
			}
		}
		if high > low {
			used = append(used, bounds{float64(i), low, high - low})
		}
	}
	m := &matrix{columns: len(used), values: make([]float32, len(used)*set.Len())}
	for k, b := range used {
		for i, x := range set.Columns[int(b.column)].Values {
			if math.IsNaN(x) {
				continue
			}
			m.values[i*m.columns+k] = float32(min(max((x-b.low)/b.span, 0), 1))
		}
	}
	return m
}

// cosine is that of the angle between two rows: 1 for equal directions; two rows of zeros are alike, one is unlike any
// other.
func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab += x * y
		aa += x * x
		bb += y * y
	}
	switch {
	case aa == 0 && bb == 0:
		return 1
	case aa == 0 || bb == 0:
		return 0
	}
	return min(ab/math.Sqrt(aa*bb), 1)
}

// distance is the squared Euclidean one.
func distance(a, b []float32) float32 {
	var sum float32
	for i, x := range a {
		d := x - b[i]
		sum += d * d
	}
	return sum
}
