package flow

import "math"

// moments are the mean and the sum of squared deviations of values that come one by one (Welford's
// method). The operations and their order are those of the statistics library under
// CICFlowMeter (Apache Commons Math 3: FirstMoment, SecondMoment), so that the results are the same to the last
// bit. The number of values is the caller's to keep.
type moments struct{ mean, m2 float64 }

// add takes in the n-th value.
func (m *moments) add(v float64, n uint64) {
	d := v - m.mean
	step := d / float64(n)
	m.mean += step
	// The conversion keeps compilers from fusing the multiplication with the addition.
	m.m2 += float64(float64(n-1) * d * step)
}

// variance of n values, with n-1 degrees of freedom; 0 for a single value, NaN for none.
func (m *moments) variance(n uint64) float64 {
	switch n {
	case 0:
		return math.NaN()
	case 1:
		return 0
	}
	return m.m2 / float64(n-1)
}

func (m *moments) std(n uint64) float64 { return math.Sqrt(m.variance(n)) }

// extremes are statistics of whole numbers, with the least and the greatest of them.
type extremes[T int32 | int64] struct {
	moments
	min, max T
}

type (
	sizes = extremes[int32] // statistics of numbers of bytes
	times = extremes[int64] // statistics of durations, in ticks
)

// add takes in the n-th number.
func (s *extremes[T]) add(v T, n uint64) {
	if n == 1 {
		s.min, s.max = v, v
	} else {
		s.min, s.max = min(s.min, v), max(s.max, v)
	}
	s.moments.add(float64(v), n)
}
