package similarity

import (
	"math"
	"slices"
)

// The series of a sample that the Kolmogorov-Smirnov test compares: sizes of frames and gaps between them, of all packets, of
// those up and of those down (as in Clausen et al., DYNAMICS 2019).
const (
	seriesSize = iota
	seriesSizeUp
	seriesSizeDown
	seriesGap
	seriesGapUp
	seriesGapDown
	series // their number
)

// sorted is a series in ascending order.
type sorted []float64

// fillSeries makes the series. Gaps are in seconds, between successive packets of the series.
func (s *Sample) fillSeries() {
	var last [3]*Packet
	for i := range s.Packets {
		p := &s.Packets[i]
		way := 2
		if p.Up {
			way = 1
		}
		for _, w := range [...]int{0, way} {
			s.series[seriesSize+w] = append(s.series[seriesSize+w], float64(p.Size))
			if last[w] != nil {
				s.series[seriesGap+w] = append(s.series[seriesGap+w], (p.Time - last[w].Time).Seconds())
			}
			last[w] = p
		}
	}
	for i := range s.series {
		slices.Sort(s.series[i])
	}
}

// KS is a two-sample Kolmogorov-Smirnov test.
type KS struct {
	D float64 `json:"d"` // the largest distance of the two distribution functions, in [0, 1]
	P float64 `json:"p"` // probability of that distance or a larger one, if both are of one distribution
}

// test compares two series. The p-value is the asymptotic one with Stephens' correction for small samples (Stephens 1970); ties, which
// sizes have many of, make it too large rather than too small.
func test(a, b sorted) KS {
	switch {
	case len(a) == 0 && len(b) == 0:
		return KS{0, 1}
	case len(a) == 0 || len(b) == 0:
		return KS{1, 0}
	}
	d := largestGap(a, b)
	root := math.Sqrt(float64(len(a)) * float64(len(b)) / float64(len(a)+len(b)))
	return KS{d, kolmogorov((root + 0.12 + 0.11/root) * d)}
}

// largestGap is the largest distance of the distribution functions of two series. It counts in whole numbers, so that it is 0 for
// equal distributions of different lengths too (gonum's is not).
func largestGap(a, b sorted) float64 {
	largest, i, j := 0, 0, 0
	for i < len(a) && j < len(b) {
		x := min(a[i], b[j])
		for i < len(a) && a[i] == x {
			i++
		}
		for j < len(b) && b[j] == x {
			j++
		}
		difference := i*len(b) - j*len(a)
		largest = max(largest, difference, -difference)
	}
	return float64(largest) / float64(len(a)*len(b))
}

// kolmogorov is the probability that Kolmogorov's statistic is at least x.
func kolmogorov(x float64) float64 {
	if x < 0.2 {
		return 1 // to 13 digits; the series hardly converges there
	}
	sum, sign := 0.0, 1.0
	for j := 1.0; ; j++ {
		term := math.Exp(-2 * j * j * x * x)
		sum += sign * term
		if term < 1e-16 {
			return min(max(2*sum, 0), 1)
		}
		sign = -sign
	}
}
