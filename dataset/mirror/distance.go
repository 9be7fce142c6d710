package mirror

import (
	"math"
	"slices"
)

// Distances of two samples of one quantity.
type Distances struct {
	KS          float64 `json:"ks"`          // Kolmogorov-Smirnov: the largest distance of the distribution functions, in [0, 1]
	JS          float64 `json:"js"`          // Jensen-Shannon distance (root of the divergence in bits) over 20 bins of equal share, in [0, 1]
	Wasserstein float64 `json:"wasserstein"` // earth mover's distance of log10(1+x), in decades
}

// bins is the number of bins of the Jensen-Shannon distance.
const bins = 20

// Distance compares two samples, which it sorts. Neither may be empty.
func Distance(a, b []float64) Distances {
	slices.Sort(a)
	slices.Sort(b)
	return Distances{KS: ks(a, b), JS: jensenShannon(a, b), Wasserstein: wasserstein(decades(a), decades(b))}
}

// decades gives sign(x) log10(1+|x|) of each value: sizes and times of flows span many decades.
func decades(v []float64) []float64 {
	logs := make([]float64, len(v))
	for i, x := range v {
		logs[i] = math.Copysign(math.Log10(1+math.Abs(x)), x)
	}
	return logs
}

// ks is the two-sample Kolmogorov-Smirnov statistic of sorted samples.
func ks(a, b []float64) float64 {
	most := 0.0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		x := min(a[i], b[j])
		for i < len(a) && a[i] == x {
			i++
		}
		for j < len(b) && b[j] == x {
			j++
		}
		most = max(most, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	return most
}

// wasserstein is the 1-Wasserstein distance of sorted samples: the area between their distribution functions.
func wasserstein(a, b []float64) float64 {
	sum, last := 0.0, min(a[0], b[0])
	for i, j := 0, 0; i < len(a) || j < len(b); {
		x := math.Inf(1)
		if i < len(a) {
			x = a[i]
		}
		if j < len(b) {
			x = min(x, b[j])
		}
		sum += (x - last) * math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b)))
		last = x
		for i < len(a) && a[i] == x {
			i++
		}
		for j < len(b) && b[j] == x {
			j++
		}
	}
	return sum
}

// jensenShannon is the Jensen-Shannon distance of two sorted samples over bins that each hold the same share of both
// together (Lin 1991; the root is a metric, Endres and Schindelin 2003). Values that are equal share a bin.
func jensenShannon(a, b []float64) float64 {
	all := slices.Concat(a, b)
	slices.Sort(all)
	var edges []float64 // each bin reaches up to its edge
	for k := 1; k <= bins; k++ {
		edge := all[max(k*len(all)/bins-1, 0)]
		if len(edges) == 0 || edge > edges[len(edges)-1] {
			edges = append(edges, edge)
		}
	}
	p, q := shares(a, edges), shares(b, edges)
	divergence := 0.0
	for i := range p {
		m := (p[i] + q[i]) / 2
		for _, x := range []float64{p[i], q[i]} {
			if x > 0 {
				divergence += x / 2 * math.Log2(x/m)
			}
		}
	}
	return math.Sqrt(max(divergence, 0))
}

func shares(v, edges []float64) []float64 {
	s := make([]float64, len(edges))
	k := 0
	for _, x := range v {
		for x > edges[k] {
			k++
		}
		s[k] += 1 / float64(len(v))
	}
	return s
}
