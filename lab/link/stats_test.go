package link

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// frames is how many frames the statistical tests send through a line.
const frames = 100_000

// withinBinomial fails when a count of n is outside the 99 % interval of a binomial
// distribution with probability p. The streams are seeded, so a test does not fail by chance.
func withinBinomial(t *testing.T, what string, count, n int, p float64) {
	t.Helper()
	b := distuv.Binomial{N: float64(n), P: p}
	if k := float64(count); b.CDF(k) < 0.005 || 1-b.CDF(k-1) < 0.005 {
		t.Errorf("%s: %d of %d, expected share %v: outside the 99 %% interval", what, count, n, p)
	}
}

// within fails when got is not within a relative tolerance of want.
func within(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance*math.Abs(want) {
		t.Errorf("%s is %v, expected %v within %v %%", what, got, want, 100*tolerance)
	}
}

// kolmogorovSmirnov gives the greatest difference between the distribution of a sample and
// that of a reference sample, whose values are taken as exactly as likely as they are
// frequent.
func kolmogorovSmirnov(sample, reference []float64) float64 {
	slices.Sort(sample)
	slices.Sort(reference)
	greatest := 0.0
	i, j := 0, 0
	for i < len(sample) && j < len(reference) {
		x := min(sample[i], reference[j])
		for i < len(sample) && sample[i] == x {
			i++
		}
		for j < len(reference) && reference[j] == x {
			j++
		}
		d := math.Abs(float64(i)/float64(len(sample)) - float64(j)/float64(len(reference)))
		greatest = max(greatest, d)
	}
	return greatest
}

// criticalKS is the 99 % critical value of the Kolmogorov-Smirnov statistic of n values.
func criticalKS(n int) float64 { return 1.628 / math.Sqrt(float64(n)) }

// correlation gives Pearson's coefficient between each value and the next.
func correlation(v []float64) float64 {
	var mean, covariance, variance float64
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for i, x := range v {
		variance += (x - mean) * (x - mean)
		if i > 0 {
			covariance += (x - mean) * (v[i-1] - mean)
		}
	}
	return covariance / variance
}

// bursts gives the mean length of the runs of true, and of false.
func bursts(v []bool) (ofTrue, ofFalse float64) {
	var length, count [2]float64
	for i, x := range v {
		k := 0
		if x {
			k = 1
		}
		length[k]++
		if i == 0 || v[i-1] != x {
			count[k]++
		}
	}
	return length[1] / count[1], length[0] / count[0]
}

func countOf(v []bool) int {
	n := 0
	for _, x := range v {
		if x {
			n++
		}
	}
	return n
}
