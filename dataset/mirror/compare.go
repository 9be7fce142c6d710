package mirror

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"detgen/dataset/flowset"
	"detgen/internal/problem"
	"detgen/plot"
	"detgen/seed"
)

// Comparison tells how far a dataset is from a target, service by service. Only benign flows count.
type Comparison struct {
	Dataset  string       `json:"dataset"`
	Target   string       `json:"target"`
	Services []Difference `json:"services"` // by the target's flows; those that only one side has are here too
}

// Difference is that of one service.
type Difference struct {
	Service     string     `json:"service"`
	Dataset     int        `json:"dataset_flows"`
	Target      int        `json:"target_flows"`
	Features    []Feature  `json:"features,omitempty"` // greatest KS distance first; empty when one side has too few flows
	TwoSample   TwoSample  `json:"two_sample"`
	OutOfRange  float64    `json:"out_of_range"` // share of the dataset's flows with more or fewer bytes than any of the target's
	TargetRange [2]float64 `json:"target_bytes"` // least and most bytes of a flow of the target

	shown [len(quantityNames)][2][]float64 // values of both sides, for the figure
}

// Feature is the distance in one column.
type Feature struct {
	Column string `json:"column"`
	Distances
	DatasetMedian float64 `json:"dataset_median"`
	TargetMedian  float64 `json:"target_median"`
}

// TwoSample is a classifier two-sample test (Lopez-Paz and Oquab, ICLR 2017): nearest neighbours learn to tell half of
// the flows of both sides apart and are asked about the other half. 0.5: they cannot.
type TwoSample struct {
	Accuracy float64 `json:"accuracy"`
	P        float64 `json:"p"` // of that accuracy or a better one by chance
	Asked    int     `json:"asked"`
}

// Fewest is how many flows a side needs for a service to be compared.
const Fewest = 20

// CompareFiles compares the flows of files with those of a target's files, and draws the figure at path figure, if there is
// one. count is told how far the reading is.
func CompareFiles(ctx context.Context, dataset, target []string, figure string, sample int, runSeed uint64,
	count func(what string, done, all int)) (*Comparison, error) {
	if figure != "" {
		if err := plot.CheckName(figure); err != nil {
			return nil, problem.InRequest(err)
		}
	}
	ours, err := flowset.ReadAll(ctx, dataset, count)
	if err != nil {
		return nil, err
	}
	theirs, err := flowset.ReadAll(ctx, target, count)
	if err != nil {
		return nil, err
	}
	c := Compare(ours, theirs, sample, runSeed)
	if figure == "" {
		return c, nil
	}
	f, err := c.Figure()
	if err != nil {
		return nil, err
	}
	return c, f.WriteFile(figure)
}

// Compare compares a dataset with a target. sample bounds the flows of each side that the two-sample test uses.
func Compare(dataset, target *flowset.Set, sample int, runSeed uint64) *Comparison {
	c := &Comparison{Dataset: dataset.Name, Target: target.Name}
	ours, theirs := benignByService(dataset), benignByService(target)
	names := map[string]bool{}
	for n := range ours {
		names[n] = true
	}
	for n := range theirs {
		names[n] = true
	}
	quantities := [2]quantities{quantitiesOf(dataset), quantitiesOf(target)}
	oursBytes, theirsBytes := quantities[0].bytes, quantities[1].bytes
	for name := range names {
		d := Difference{Service: name, Dataset: len(ours[name]), Target: len(theirs[name])}
		if d.Dataset >= Fewest && d.Target >= Fewest {
			d.Features = features(dataset, target, ours[name], theirs[name])
			d.TwoSample = twoSample(dataset, target, ours[name], theirs[name], sample, seed.Stream(runSeed, "mirror/"+name))
		}
		if v := pick(theirsBytes, theirs[name]); len(v) > 0 {
			d.TargetRange = [2]float64{slices.Min(v), slices.Max(v)}
			out := 0
			for _, x := range pick(oursBytes, ours[name]) {
				if x < d.TargetRange[0] || x > d.TargetRange[1] {
					out++
				}
			}
			if d.Dataset > 0 {
				d.OutOfRange = float64(out) / float64(d.Dataset)
			}
		}
		for side, rows := range [2][]int{ours[name], theirs[name]} {
			for i, values := range [...][]float64{quantities[side].packets, quantities[side].bytes, quantities[side].seconds} {
				d.shown[i][side] = thin(pick(values, rows))
			}
		}
		c.Services = append(c.Services, d)
	}
	slices.SortFunc(c.Services, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(b.Target, a.Target), cmp.Compare(a.Service, b.Service))
	})
	return c
}

// benignByService gives the rows of benign flows of each service.
func benignByService(set *flowset.Set) map[string][]int {
	rows := map[string][]int{}
	for i := range set.Len() {
		if set.Label != nil && !flowset.Benign(set.Label[i]) {
			continue
		}
		name := ""
		if s, _ := set.ServiceOf(i); s != nil {
			name = s.Name
		}
		rows[name] = append(rows[name], i)
	}
	return rows
}

// features compares the columns that both have.
func features(a, b *flowset.Set, rowsA, rowsB []int) []Feature {
	var list []Feature
	for _, c := range a.Columns {
		x, y := pick(c.Values, rowsA), pick(b.Column(c.Name), rowsB)
		if len(x) == 0 || len(y) == 0 {
			continue
		}
		f := Feature{Column: c.Name, Distances: Distance(x, y)} // sorts both
		f.DatasetMedian, f.TargetMedian = quantile(x, 0.5), quantile(y, 0.5)
		list = append(list, f)
	}
	slices.SortStableFunc(list, func(a, b Feature) int { return cmp.Compare(b.KS, a.KS) })
	return list
}

// neighbours is how many nearest flows vote in the two-sample test.
const neighbours = 5

// twoSample asks nearest neighbours, on ranks of the columns that both have: ranks do not depend on units or tails.
func twoSample(a, b *flowset.Set, rowsA, rowsB []int, sample int, random *rand.Rand) TwoSample {
	n := min(len(rowsA), len(rowsB), sample)
	type flow struct {
		row int
		is  bool // of a
	}
	var flows []flow
	for _, side := range []struct {
		rows []int
		is   bool
	}{{rowsA, true}, {rowsB, false}} {
		rows := slices.Clone(side.rows)
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for _, r := range rows[:n] {
			flows = append(flows, flow{r, side.is})
		}
	}
	random.Shuffle(len(flows), func(i, j int) { flows[i], flows[j] = flows[j], flows[i] })
	points := make([][]float64, len(flows))
	for _, c := range a.Columns {
		other := b.Column(c.Name)
		if other == nil {
			continue
		}
		values := make([]float64, len(flows))
		for i, f := range flows {
			if f.is {
				values[i] = c.Values[f.row]
			} else {
				values[i] = other[f.row]
			}
		}
		for i, r := range ranks(values) {
			points[i] = append(points[i], r)
		}
	}
	half := len(flows) / 2
	right := 0
	for i := half; i < len(flows); i++ {
		if votes(points, i, half, func(j int) bool { return flows[j].is }) == flows[i].is {
			right++
		}
	}
	asked := len(flows) - half
	chance := distuv.Binomial{N: float64(asked), P: 0.5}
	return TwoSample{Accuracy: float64(right) / float64(asked), P: 1 - chance.CDF(float64(right)-1), Asked: asked}
}

// votes tells what most of the nearest of the first n points to point i are.
func votes(points [][]float64, i, n int, is func(int) bool) bool {
	type near struct {
		distance float64
		is       bool
	}
	list := make([]near, n)
	for j := range n {
		sum := 0.0
		for k, x := range points[j] {
			d := x - points[i][k]
			sum += d * d
		}
		list[j] = near{sum, is(j)}
	}
	slices.SortFunc(list, func(a, b near) int { return cmp.Compare(a.distance, b.distance) })
	count := 0
	for _, l := range list[:min(neighbours, n)] {
		if l.is {
			count++
		}
	}
	return 2*count > min(neighbours, n)
}

// ranks gives each value's mean rank, in [0, 1]. NaN ranks lowest.
func ranks(v []float64) []float64 {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(v[i], v[j]) })
	r := make([]float64, len(v))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && (v[order[j]] == v[order[i]] || math.IsNaN(v[order[j]]) && math.IsNaN(v[order[i]])) {
			j++
		}
		for _, k := range order[i:j] {
			r[k] = float64(i+j-1) / 2 / float64(max(len(v)-1, 1))
		}
		i = j
	}
	return r
}
