package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Proportion is a share of k of n, with its interval.
type Proportion struct {
	K        int      `json:"k"`
	N        int      `json:"n"`
	Share    float64  `json:"share"`
	Interval Interval `json:"interval"`
	Method   string   `json:"method"` // wilson or clopper-pearson
}

// few is the number of events below which the exact interval is taken.
const few = 10

// NewProportion gives a share with Wilson's interval, or the exact one of Clopper and Pearson when there are fewer than
// ten of either kind.
func NewProportion(k, n int) Proportion {
	p := Proportion{K: k, N: n, Interval: Interval{0, 1}, Method: "clopper-pearson"}
	if n == 0 {
		return p
	}
	p.Share = float64(k) / float64(n)
	if min(k, n-k) < few {
		p.Interval = ClopperPearson(k, n)
		return p
	}
	p.Interval, p.Method = Wilson(k, n), "wilson"
	return p
}

// Wilson is the score interval of a share (Wilson 1927).
func Wilson(k, n int) Interval {
	if n == 0 {
		return Interval{0, 1}
	}
	p, m := float64(k)/float64(n), float64(n)
	middle := (p + z95*z95/(2*m)) / (1 + z95*z95/m)
	half := z95 / (1 + z95*z95/m) * math.Sqrt(p*(1-p)/m+z95*z95/(4*m*m))
	return Interval{max(middle-half, 0), min(middle+half, 1)}
}

// ClopperPearson is the exact interval of a share (Clopper and Pearson 1934).
func ClopperPearson(k, n int) Interval {
	i := Interval{0, 1}
	if k > 0 {
		i.Low = distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(0.025)
	}
	if k < n {
		i.High = distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(0.975)
	}
	return i
}

// Precision is the share of alerts that are right when attacks are a share base of all (Bayes).
func Precision(detection, falsePositive, base float64) float64 {
	right, wrong := detection*base, falsePositive*(1-base)
	if right+wrong == 0 {
		return 0
	}
	return right / (right + wrong)
}

// McNemar is the exact test of two classifiers on the same items: b items that only the first has right, c that only
// the second has (McNemar 1947; binomial, two-sided).
func McNemar(b, c int) (p float64) {
	n := b + c
	if n == 0 {
		return 1
	}
	half := distuv.Binomial{N: float64(n), P: 0.5}
	return min(1, 2*half.CDF(float64(min(b, c))))
}
