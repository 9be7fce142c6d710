package stats

import (
	"math"
	"slices"
)

// Paired is what differences of pairs say.
type Paired struct {
	N        int      `json:"n"`       // pairs
	Changed  int      `json:"changed"` // that differ
	Mean     float64  `json:"mean"`
	Shift    float64  `json:"shift"` // Hodges-Lehmann: median of all means of two differences
	Interval Interval `json:"interval"`
	P        float64  `json:"p"` // Wilcoxon's signed-rank test
}

// NewPaired tests differences of pairs. The shift's interval is that of the signed-rank test (Hollander and Wolfe 1999).
func NewPaired(differences []float64) Paired {
	p := Paired{N: len(differences), P: 1}
	if len(differences) == 0 {
		return p
	}
	_, p.P = SignedRank(differences)
	for _, d := range differences {
		if d != 0 {
			p.Changed++
		}
	}
	p.Mean = mean(differences)
	p.Shift, p.Interval = HodgesLehmann(differences)
	return p
}

// exactPairs is up to how many differences, all different and none zero, the exact distribution is taken.
const exactPairs = 50

// SignedRank is Wilcoxon's test that differences are symmetric about 0: the sum of the ranks of positive ones, and the
// two-sided p-value. Zeros are left out. It is exact for up to 50 differences without ties, else normal with the
// correction for ties and no continuity correction, as SciPy's.
func SignedRank(differences []float64) (positive, p float64) {
	var size []float64
	var sign []bool
	for _, d := range differences {
		if d != 0 {
			size, sign = append(size, math.Abs(d)), append(sign, d > 0)
		}
	}
	n := len(size)
	if n == 0 {
		return 0, 1
	}
	ranks, ties := Ranks(size)
	for i, r := range ranks {
		if sign[i] {
			positive += r
		}
	}
	whole := float64(n) * float64(n+1) / 2
	if n <= exactPairs && ties == 0 && n == len(differences) {
		return positive, min(1, 2*signedRankBelow(n, int(min(positive, whole-positive))))
	}
	m := float64(n)
	variance := m*(m+1)*(2*m+1)/24 - ties/48
	return positive, twoSided((positive - whole/2) / math.Sqrt(variance))
}

// signedRankBelow is the probability that the sum of the positive ranks of n differences is at most w.
func signedRankBelow(n, w int) float64 {
	ways := make([]float64, n*(n+1)/2+1)
	ways[0] = 1
	for r := 1; r <= n; r++ {
		for s := len(ways) - 1; s >= r; s-- {
			ways[s] += ways[s-r]
		}
	}
	sum := 0.0
	for s := 0; s <= w; s++ {
		sum += ways[s]
	}
	return sum / math.Pow(2, float64(n))
}

// mostWalsh is how many differences the means of two are made of; more are thinned evenly over their order.
const mostWalsh = 1500

// HodgesLehmann is the median of the means of all two differences (each with itself too), and its interval.
func HodgesLehmann(differences []float64) (shift float64, interval Interval) {
	d := slices.Sorted(slices.Values(differences))
	if len(d) > mostWalsh {
		thin := make([]float64, mostWalsh)
		for i := range thin {
			thin[i] = d[int((float64(i)+0.5)*float64(len(d))/mostWalsh)]
		}
		d = thin
	}
	n := len(d)
	means := make([]float64, 0, n*(n+1)/2)
	for i := range d {
		for j := i; j < n; j++ {
			means = append(means, (d[i]+d[j])/2)
		}
	}
	slices.Sort(means)
	shift = median(means)
	m := float64(n)
	// The interval narrows with all differences, thinned or not.
	scale := math.Sqrt(m / float64(len(differences)))
	c := m*(m+1)/4 - z95*scale*math.Sqrt(m*(m+1)*(2*m+1)/24)
	k := max(int(math.Round(c)), 1)
	if k > len(means)/2 {
		return shift, Interval{shift, shift}
	}
	return shift, Interval{means[k-1], means[len(means)-k]}
}

// median of sorted values.
func median(sorted []float64) float64 {
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// BenjaminiHochberg gives the q-value of each p-value: the false discovery rate at which it is found (1995).
func BenjaminiHochberg(p []float64) []float64 {
	at := order(p)
	q := make([]float64, len(p))
	least := 1.0
	for i := len(at) - 1; i >= 0; i-- {
		least = min(least, p[at[i]]*float64(len(p))/float64(i+1))
		q[at[i]] = least
	}
	return q
}
