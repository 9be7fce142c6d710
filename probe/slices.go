package probe

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"detgen/internal/plain"
	"detgen/probe/stats"
)

// Slices are the parts of the dataset where the model errs most: conjunctions of up to three values of labels
// (SliceFinder: Chung et al., ICDE 2019).
type Slices struct {
	Tests int     `json:"tests"` // conjunctions that were looked at
	Least int     `json:"least"` // connections that a slice must have
	Worst []Slice `json:"worst"`
}

// Slice is a part of the dataset.
type Slice struct {
	Where   []string `json:"where"` // "LABEL=VALUE", all of them
	N       int      `json:"n"`
	Runs    int      `json:"runs"`
	Error   float64  `json:"error"`   // mean
	Rest    float64  `json:"rest"`    // mean error of all others
	Effect  float64  `json:"effect"`  // sqrt(2) (Error - Rest) / sqrt(sum of both variances)
	Q       float64  `json:"q"`       // false discovery rate over all tests (Welch's t)
	Command string   `json:"command"` // makes more of them; "" when no task of detgen is behind it
}

const (
	leastShare   = 0.01 // of all connections: what a slice must have
	leastInSlice = 8
	beam         = 60 // conjunctions of each length that are made longer
	mostSlices   = 10
	quantityBins = 4
	leastEffect  = 0.1
)

// literal is one value of a label, with the items that have it.
type literal struct {
	column, text string
	has          []uint64
}

// candidate is a conjunction of literals.
type candidate struct {
	literals  []int
	has       []uint64
	n         int
	mean, sum float64
	effect, p float64
}

// literals lists the values of all labels: of quantities with more than six values, the ranges between quartiles.
func literals(list []category) []literal {
	var out []literal
	for _, c := range list {
		text := c.values
		distinct := map[string]bool{}
		for _, v := range c.values {
			distinct[v] = true
		}
		if c.quantity && len(distinct) > 6 {
			text = binned(c.values, c.numbers)
		} else if len(distinct) > mostLevels {
			continue
		}
		at := map[string]int{}
		for i, v := range text {
			k, ok := at[v]
			if !ok {
				k = len(out)
				at[v] = k
				out = append(out, literal{c.column, v, make([]uint64, (len(text)+63)/64)})
			}
			out[k].has[i/64] |= 1 << (i % 64)
		}
	}
	return out
}

// binned names, for each number, the range between quartiles that it is in, by the texts at its ends.
func binned(texts []string, numbers []float64) []string {
	type cell struct {
		x    float64
		text string
	}
	sorted := make([]cell, len(texts))
	for i := range texts {
		sorted[i] = cell{numbers[i], texts[i]}
	}
	slices.SortFunc(sorted, func(a, b cell) int { return cmp.Compare(a.x, b.x) })
	var edges []cell
	for k := 1; k <= quantityBins; k++ {
		e := sorted[k*len(sorted)/quantityBins-1]
		if len(edges) == 0 || e.x > edges[len(edges)-1].x {
			edges = append(edges, e)
		}
	}
	out := make([]string, len(texts))
	for i, x := range numbers {
		k, _ := slices.BinarySearchFunc(edges, x, func(e cell, x float64) int { return cmp.Compare(e.x, x) })
		low := sorted[0].text
		if k > 0 {
			low = edges[k-1].text
		}
		out[i] = fmt.Sprintf("%s..%s", low, edges[k].text)
	}
	return out
}

// slices finds the worst ones.
func (s *Set) slices(list []category) *Slices {
	lits := literals(list)
	e := make([]float64, len(s.Items))
	whole, square := 0.0, 0.0
	for i := range s.Items {
		e[i] = s.Items[i].Error
		whole, square = whole+e[i], square+e[i]*e[i]
	}
	out := &Slices{Least: max(leastInSlice, int(math.Ceil(leastShare*float64(len(e)))))}
	judge := func(c *candidate) bool {
		c.n = 0
		for _, w := range c.has {
			c.n += bits.OnesCount64(w)
		}
		rest := len(e) - c.n
		if c.n < out.Least || rest < out.Least {
			return false
		}
		sum, sq := 0.0, 0.0
		for k, w := range c.has {
			for ; w != 0; w &= w - 1 {
				x := e[k*64+bits.TrailingZeros64(w)]
				sum, sq = sum+x, sq+x*x
			}
		}
		out.Tests++
		n, m := float64(c.n), float64(rest)
		c.sum, c.mean = sum, sum/n
		other := (whole - sum) / m
		va, vb := max(sq/n-c.mean*c.mean, 0), max((square-sq)/m-other*other, 0)
		if va+vb > 0 {
			c.effect = math.Sqrt2 * (c.mean - other) / math.Sqrt(va+vb)
			c.p = stats.WelchP(c.mean, va, c.n, other, vb, rest)
		} else {
			c.p = 1
		}
		return true
	}
	var found, front []*candidate
	for k := range lits {
		c := &candidate{literals: []int{k}, has: lits[k].has}
		if judge(c) {
			front = append(front, c)
		}
	}
	ps := []*candidate{}
	for depth := 1; ; depth++ {
		ps = append(ps, front...)
		slices.SortStableFunc(front, byEffect)
		for _, c := range front {
			if c.effect > 0 && depth < 4 {
				found = append(found, c)
			}
		}
		if depth == 3 {
			break
		}
		var next []*candidate
		for _, c := range front[:min(beam, len(front))] {
			if c.effect <= 0 {
				break
			}
			for k := range lits {
				if k <= c.literals[len(c.literals)-1] && depth > 1 || slices.ContainsFunc(c.literals, func(l int) bool { return lits[l].column == lits[k].column }) {
					continue
				}
				d := &candidate{literals: append(slices.Clone(c.literals), k), has: make([]uint64, len(c.has))}
				slices.Sort(d.literals)
				if slices.ContainsFunc(next, func(x *candidate) bool { return slices.Equal(x.literals, d.literals) }) {
					continue
				}
				for w := range d.has {
					d.has[w] = c.has[w] & lits[k].has[w]
				}
				// A longer conjunction says something new only when it is smaller and worse than the shorter one.
				if judge(d) && d.n < c.n && d.mean > c.mean*1.02 {
					next = append(next, d)
				}
			}
		}
		front = next
	}
	raw := make([]float64, len(ps))
	for i, c := range ps {
		raw[i] = c.p
	}
	q := map[*candidate]float64{}
	for i, v := range stats.BenjaminiHochberg(raw) {
		q[ps[i]] = v
	}
	slices.SortStableFunc(found, byEffect)
	var shown []*candidate
	for _, c := range found {
		if len(out.Worst) == mostSlices || c.effect < leastEffect {
			break
		}
		if n, _ := s.unitsOf(c); q[c] > 0.05 || covered(shown, c) || n < leastRuns {
			continue
		}
		shown = append(shown, c)
		out.Worst = append(out.Worst, s.slice(c, lits, q[c], whole))
	}
	return out
}

func byEffect(a, b *candidate) int {
	return cmp.Or(cmp.Compare(b.effect, a.effect), cmp.Compare(len(a.literals), len(b.literals)), slices.Compare(a.literals, b.literals))
}

// covered tells whether a slice that is shown already has nearly the same connections.
func covered(shown []*candidate, c *candidate) bool {
	return slices.ContainsFunc(shown, func(f *candidate) bool {
		both := 0
		for w := range c.has {
			both += bits.OnesCount64(c.has[w] & f.has[w])
		}
		return float64(both) > 0.9*float64(max(c.n, f.n))
	})
}

// unitsOf counts what a candidate's connections are drawn with, and the runs among them.
func (s *Set) unitsOf(c *candidate) (units, runs int) {
	part := &Set{Data: s.Data}
	for i := range s.Items {
		if c.has[i/64]&(1<<(i%64)) != 0 {
			part.Items = append(part.Items, s.Items[i])
		}
	}
	return part.units()
}

// slice describes a candidate.
func (s *Set) slice(c *candidate, lits []literal, q, whole float64) Slice {
	out := Slice{N: c.n, Error: c.mean, Rest: (whole - c.sum) / float64(len(s.Items)-c.n), Effect: c.effect, Q: q}
	for _, k := range c.literals {
		out.Where = append(out.Where, lits[k].column+"="+orNone(lits[k].text))
	}
	var members []int
	for i := range s.Items {
		if c.has[i/64]&(1<<(i%64)) != 0 {
			members = append(members, i)
		}
	}
	_, out.Runs = s.unitsOf(c)
	out.Command = s.more(c, lits, members)
	return out
}

// more gives the command that makes more connections like those of a slice: its most common task, with the slice's
// values; of a range, the value in the middle of the slice.
func (s *Set) more(c *candidate, lits []literal, members []int) string {
	activity := s.common(members, func(i int) string { return s.Items[i].Activity })
	if !strings.Contains(activity, "/") {
		return ""
	}
	command := "detgen run " + activity
	factors := s.factors()
	for _, k := range c.literals {
		column := lits[k].column
		if column == activityLabel {
			continue
		}
		v := s.common(members, func(i int) string {
			text, _ := s.Data.Value(s.Items[i].Connection, column)
			return text
		})
		switch {
		case v == "" || v == "none" && (column == "failure" || column == "caching"):
		case slices.Contains(factors, column) || column == "failure" || column == "caching":
			command += fmt.Sprintf(" -s %s", plain.Word(column+"="+v))
		case strings.HasSuffix(column, "_implementation"):
			command += fmt.Sprintf(" -s %s", plain.Word(strings.TrimSuffix(column, "_implementation")+".implementation="+v))
		}
	}
	return command + " -n 50"
}

// common gives the most common text of members; of equally common ones, the first in order.
func (s *Set) common(members []int, of func(int) string) string {
	count := map[string]int{}
	for _, i := range members {
		count[of(i)]++
	}
	best := ""
	for text, n := range count {
		if n > count[best] || n == count[best] && text < best {
			best = text
		}
	}
	return best
}
