package similarity

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// scaler makes vectors comparable.
type scaler struct {
	scale    Scale
	min, max []float64
}

// newScaler fits a scaler on the vectors of a reference.
func newScaler(scale Scale, vectors [][]float64) scaler {
	s := scaler{scale: scale}
	for _, v := range vectors {
		v = s.plain(v)
		if s.min == nil {
			s.min, s.max = slices.Clone(v), slices.Clone(v)
		}
		for i, x := range v {
			s.min[i], s.max[i] = min(s.min[i], x), max(s.max[i], x)
		}
	}
	return s
}

// plain gives a copy of a vector before it is scaled.
func (s *scaler) plain(v []float64) []float64 {
	plain := make([]float64, len(v))
	for i, x := range v {
		if x > 0 && !math.IsInf(x, 1) { // not for NaN
			plain[i] = x
		}
		if s.scale == LogMinMax {
			plain[i] = math.Log1p(plain[i])
		}
	}
	return plain
}

// apply gives the scaled vector. What lies outside of the reference's bounds is put on them.
func (s *scaler) apply(v []float64) []float64 {
	scaled := s.plain(v)
	if s.scale == Raw {
		return scaled
	}
	for i := range scaled {
		switch span := s.max[i] - s.min[i]; {
		case span == 0:
			scaled[i] = 0
		default:
			scaled[i] = min(max((scaled[i]-s.min[i])/span, 0), 1)
		}
	}
	return scaled
}

// distance is the cosine dissimilarity of two vectors after scaling: 1 - cos, in [0, 1] as no
// number is negative; 0 for equal ones, 1 when just one is zero.
func (s *scaler) distance(a, b []float64) float64 {
	return cosine(s.apply(a), s.apply(b))
}

func cosine(a, b []float64) float64 {
	if slices.Equal(a, b) {
		return 0
	}
	// The largest number is divided out first: squares of rates would lose the small ones.
	shrink := func(v []float64) float64 {
		if top := floats.Max(v); top > 0 {
			floats.Scale(1/top, v)
		}
		return floats.Norm(v, 2)
	}
	a, b = slices.Clone(a), slices.Clone(b)
	normA, normB := shrink(a), shrink(b)
	if normA == 0 || normB == 0 {
		return 1
	}
	// 1 - cos of unit vectors is half the square of their distance, which keeps its digits when they are close.
	floats.Scale(1/normA, a)
	floats.Scale(1/normB, b)
	d := floats.Distance(a, b, 2)
	return min(d*d/2, 1)
}
