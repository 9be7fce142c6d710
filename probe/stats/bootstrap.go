package stats

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Clusters are items in groups that are drawn as a whole: connections of one run are not independent of each other.
type Clusters struct {
	of    []int // cluster of each item, from 0
	count int
}

// NewClusters numbers clusters by their names.
func NewClusters(names []string) *Clusters {
	c := &Clusters{of: make([]int, len(names))}
	number := map[string]int{}
	for i, name := range names {
		k, ok := number[name]
		if !ok {
			k = len(number)
			number[name] = k
		}
		c.of[i] = k
	}
	c.count = len(number)
	return c
}

// Count is how many there are.
func (c *Clusters) Count() int { return c.count }

// draw gives how often each cluster is in one bootstrap sample.
func (c *Clusters) draw(random *rand.Rand) []float64 {
	times := make([]float64, c.count)
	for range c.count {
		times[random.IntN(c.count)]++
	}
	return times
}

// Percentiles is the interval that holds the middle 95 % of values. NaN are left out; when there is nothing else it is unknown.
func Percentiles(values []float64, unknown Interval) Interval {
	v := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(v) == 0 {
		return unknown
	}
	slices.Sort(v)
	return Interval{Quantile(v, 0.025), Quantile(v, 0.975)}
}

// Quantile of sorted values, interpolated.
func Quantile(sorted []float64, share float64) float64 {
	place := share * float64(len(sorted)-1)
	below := int(place)
	if below >= len(sorted)-1 {
		return sorted[len(sorted)-1]
	}
	return sorted[below] + (place-float64(below))*(sorted[below+1]-sorted[below])
}

// AUC is the interval of the area under the curve by drawing clusters.
func (c *Clusters) AUC(scores []float64, attack []bool, draws int, random *rand.Rand) Interval {
	at := order(scores)
	areas := make([]float64, draws)
	for d := range areas {
		times := c.draw(random)
		var benign, attacks, sum float64
		for i := 0; i < len(at); {
			var b, a float64
			j := i
			for ; j < len(at) && scores[at[j]] == scores[at[i]]; j++ {
				if attack[at[j]] {
					a += times[c.of[at[j]]]
				} else {
					b += times[c.of[at[j]]]
				}
			}
			sum += a * (benign + b/2)
			benign, attacks = benign+b, attacks+a
			i = j
		}
		areas[d] = math.NaN()
		if benign*attacks > 0 {
			areas[d] = sum / (benign * attacks)
		}
	}
	return Percentiles(areas, Interval{0, 1})
}

// Correlations are the intervals of each column's correlation with y by drawing clusters.
func (c *Clusters) Correlations(columns [][]float64, y []float64, draws int, random *rand.Rand) []Interval {
	type sums struct{ n, y, yy float64 }
	type cross struct{ x, xx, xy float64 }
	my := mean(y)
	common := make([]sums, c.count)
	for i, k := range c.of {
		d := y[i] - my
		s := &common[k]
		s.n, s.y, s.yy = s.n+1, s.y+d, s.yy+d*d
	}
	per := make([][]cross, len(columns))
	for j, column := range columns {
		per[j] = make([]cross, c.count)
		mx := mean(column)
		for i, k := range c.of {
			x := column[i] - mx
			p := &per[j][k]
			p.x, p.xx, p.xy = p.x+x, p.xx+x*x, p.xy+x*(y[i]-my)
		}
	}
	values := make([][]float64, len(columns))
	for range draws {
		times := c.draw(random)
		var t sums
		for k, w := range times {
			t.n, t.y, t.yy = t.n+w*common[k].n, t.y+w*common[k].y, t.yy+w*common[k].yy
		}
		for j := range columns {
			var s cross
			for k, w := range times {
				if w > 0 {
					s.x, s.xx, s.xy = s.x+w*per[j][k].x, s.xx+w*per[j][k].xx, s.xy+w*per[j][k].xy
				}
			}
			xx, yy := s.xx-s.x*s.x/t.n, t.yy-t.y*t.y/t.n
			r := math.NaN()
			if xx > 1e-12 && yy > 1e-12 {
				r = ratio(s.xy-s.x*t.y/t.n, xx, yy)
			}
			values[j] = append(values[j], r)
		}
	}
	intervals := make([]Interval, len(columns))
	for j := range intervals {
		intervals[j] = Percentiles(values[j], Interval{-1, 1})
	}
	return intervals
}

// Mean is the interval of the mean of values by drawing clusters.
func (c *Clusters) Mean(values []float64, draws int, random *rand.Rand) Interval {
	n, sum := make([]float64, c.count), make([]float64, c.count)
	for i, k := range c.of {
		n[k]++
		sum[k] += values[i]
	}
	means := make([]float64, draws)
	for d := range means {
		var a, b float64
		for k, w := range c.draw(random) {
			a, b = a+w*sum[k], b+w*n[k]
		}
		means[d] = a / b
	}
	return Percentiles(means, Interval{math.Inf(-1), math.Inf(1)})
}
