package stats

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// z95 is the quantile of the normal distribution for two-sided intervals of 95 %.
const z95 = 1.959963984540054

// Interval is a range that holds a quantity with 95 % confidence.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Has tells whether x is in the interval.
func (i Interval) Has(x float64) bool { return i.Low <= x && x <= i.High }

// order gives the indices of values in ascending order; equal ones stay in their order.
func order(values []float64) []int {
	at := make([]int, len(values))
	for i := range at {
		at[i] = i
	}
	slices.SortStableFunc(at, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	return at
}

// Ranks gives the rank of each value, from 1; equal values share the mean of their ranks. ties is the sum of t^3-t over
// the groups of t equal values, which corrections for ties need.
func Ranks(values []float64) (ranks []float64, ties float64) {
	at := order(values)
	ranks = make([]float64, len(values))
	for i := 0; i < len(at); {
		j := i
		for j < len(at) && values[at[j]] == values[at[i]] {
			j++
		}
		for _, k := range at[i:j] {
			ranks[k] = float64(i+j+1) / 2
		}
		t := float64(j - i)
		ties += t*t*t - t
		i = j
	}
	return ranks, ties
}

// chiSquareP is the probability of a chi-square value of x or more.
func chiSquareP(x, degrees float64) float64 {
	if degrees <= 0 || math.IsNaN(x) {
		return 1
	}
	return distuv.ChiSquared{K: degrees}.Survival(x)
}

// twoSided is the probability of a normal value at least as far from 0 as z.
func twoSided(z float64) float64 { return math.Erfc(math.Abs(z) / math.Sqrt2) }
