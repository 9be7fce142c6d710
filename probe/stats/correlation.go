package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Pearson is the linear correlation; 0 when one list does not vary. With a list of zeros and ones it is the
// point-biserial correlation.
func Pearson(x, y []float64) float64 {
	mx, my := mean(x), mean(y)
	var xx, yy, xy float64
	for i := range x {
		a, b := x[i]-mx, y[i]-my
		xx, yy, xy = xx+a*a, yy+b*b, xy+a*b
	}
	return ratio(xy, xx, yy)
}

// ratio is xy/sqrt(xx yy) in [-1, 1]; 0 when a sum of squares is no more than rounding.
func ratio(xy, xx, yy float64) float64 {
	if xx <= 0 || yy <= 0 {
		return 0
	}
	return min(max(xy/math.Sqrt(xx)/math.Sqrt(yy), -1), 1)
}

// fisher is Fisher's z of a correlation, kept finite.
func fisher(r float64) float64 { return math.Atanh(min(max(r, -1+1e-12), 1-1e-12)) }

// Pooled is a correlation within strata: it tells "this activity is hard" from "this label hurts".
type Pooled struct {
	R        float64  `json:"r"`
	Interval Interval `json:"interval"`
	Strata   int      `json:"strata"` // those in which both vary and there are more than three pairs
	N        int      `json:"n"`      // pairs in them
	Q        float64  `json:"q"`      // heterogeneity: how much strata differ
	QP       float64  `json:"q_p"`    // probability of that Q or a larger one, if they do not
}

// Within pools the correlations within strata by Fisher's z, each with the weight n-3 (Hedges and Olkin 1985).
func Within(x, y []float64, stratum []int) Pooled {
	type pairs struct{ x, y []float64 }
	by := map[int]*pairs{}
	for i, s := range stratum {
		if by[s] == nil {
			by[s] = &pairs{}
		}
		by[s].x, by[s].y = append(by[s].x, x[i]), append(by[s].y, y[i])
	}
	var rs []float64
	var ns []int
	for _, p := range by {
		if len(p.x) > 3 && varies(p.x) && varies(p.y) {
			rs, ns = append(rs, Pearson(p.x, p.y)), append(ns, len(p.x))
		}
	}
	return PoolCorrelations(rs, ns)
}

func varies(v []float64) bool {
	for _, x := range v {
		if x != v[0] {
			return true
		}
	}
	return false
}

// PoolCorrelations pools correlations of n pairs each.
func PoolCorrelations(rs []float64, ns []int) Pooled {
	var weights, sum float64
	p := Pooled{Strata: len(rs), Interval: Interval{-1, 1}, QP: 1}
	for i, r := range rs {
		w := float64(ns[i] - 3)
		weights, sum = weights+w, sum+w*fisher(r)
		p.N += ns[i]
	}
	if weights <= 0 {
		return p
	}
	z := sum / weights
	for i, r := range rs {
		d := fisher(r) - z
		p.Q += float64(ns[i]-3) * d * d
	}
	half := z95 / math.Sqrt(weights)
	p.R, p.Interval = math.Tanh(z), Interval{math.Tanh(z - half), math.Tanh(z + half)}
	p.QP = chiSquareP(p.Q, float64(len(rs)-1))
	return p
}

// HedgesG is the difference of means, first less second, in pooled standard deviations, corrected for small samples
// (Hedges 1981).
func HedgesG(a, b []float64) float64 {
	n, m := float64(len(a)), float64(len(b))
	if n < 2 || m < 2 {
		return 0
	}
	pooled := math.Sqrt(((n-1)*covariance(a, a) + (m-1)*covariance(b, b)) / (n + m - 2))
	if pooled == 0 {
		return 0
	}
	return (mean(a) - mean(b)) / pooled * (1 - 3/(4*(n+m)-9))
}

// CliffsDelta is the probability that a value of a is larger than one of b, less that it is smaller (Cliff 1993).
func CliffsDelta(a, b []float64) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	auc, _, _ := placements(b, a)
	return 2*auc - 1
}

// PearsonP is the p-value of a correlation of n independent pairs (Student's t).
func PearsonP(r float64, n int) float64 {
	if n < 3 {
		return 1
	}
	if math.Abs(r) >= 1 {
		return 0
	}
	t := math.Abs(r) * math.Sqrt(float64(n-2)/(1-r*r))
	return 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 2)}.Survival(t)
}

// WelchP is the two-sided p-value of the difference of two means, from their means, variances (of the population) and
// sizes (Welch 1947).
func WelchP(meanA, varA float64, n int, meanB, varB float64, m int) float64 {
	if n < 2 || m < 2 {
		return 1
	}
	a, b := varA/float64(n-1), varB/float64(m-1)
	if a+b == 0 {
		if meanA == meanB {
			return 1
		}
		return 0
	}
	t := math.Abs(meanA-meanB) / math.Sqrt(a+b)
	degrees := (a + b) * (a + b) / (a*a/float64(n-1) + b*b/float64(m-1))
	return 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: degrees}.Survival(t)
}
