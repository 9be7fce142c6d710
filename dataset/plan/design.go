package plan

import (
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/scenario"
	"detgen/seed"

	"go.yaml.in/yaml/v3"
)

// The designs.
const (
	Full       = "full"
	Fraction   = "fraction"
	Hypercube  = "latin-hypercube"
	Pairwise   = "pairwise"
	OneAtATime = "one-at-a-time"
)

// Levels are the values of a factor: a list; for a Latin hypercube also a law, whose quantiles are taken.
type Levels struct {
	// The values.
	Values []strictyaml.Text

	At problem.Position
}

// ReadNode reads a list of values.
func (l *Levels) ReadNode(d *strictyaml.Decoder, n *yaml.Node, field string) {
	l.At = d.At(n)
	if n.Kind != yaml.SequenceNode {
		d.Wrong(n, field, "a list of values")
		return
	}
	for _, c := range n.Content {
		var t strictyaml.Text
		t.ReadNode(d, c, field)
		l.Values = append(l.Values, t)
	}
}

// maxPoints bounds a design.
const maxPoints = 1_000_000

// Point is the settings of one point of a design, in the order of the factors' keys.
type Point []scenario.Setting

func (v *Design) check(ps *problem.List, field string, set scenario.Settings) {
	if len(v.Factors) == 0 {
		ps.Add(v.At, field+".factors", "", "there are none: name at least one key and its values")
		return
	}
	for key, l := range v.Factors {
		at := field + ".factors." + key
		if has(set, key) {
			ps.Add(l.At, at, "", "is in set too: leave one out")
		}
		if len(l.Values) == 0 {
			ps.Add(l.At, at, "", "has no values")
		}
		seen := map[string]bool{}
		for _, t := range l.Values {
			if seen[t.Text] {
				ps.Add(t.At, at, t.Text, "is listed twice")
			}
			seen[t.Text] = true
		}
		if v.Design == Fraction && len(l.Values) != 2 && len(l.Values) > 0 {
			ps.Add(l.At, at, "", "has %d values: a fraction takes factors of two", len(l.Values))
		}
	}
	switch v.Design {
	case Full, Pairwise, OneAtATime:
	case Hypercube:
		if v.Points < 1 || v.Points > maxPoints {
			ps.Add(v.At, field+".points", fmt.Sprint(v.Points), "must be from 1 to %d", maxPoints)
		}
	case Fraction:
		if v.Fraction < 2 || bits.OnesCount(uint(v.Fraction)) != 1 {
			ps.Add(v.At, field+".fraction", fmt.Sprint(v.Fraction), "must be 2, 4, 8, ...: the part of all combinations that is made")
		} else if k := len(v.Factors); bits.TrailingZeros(uint(v.Fraction)) >= k || k-bits.TrailingZeros(uint(v.Fraction)) < 2 || aliases(k, v.Fraction) == nil {
			ps.Add(v.At, field+".fraction", fmt.Sprint(v.Fraction), "%d factors have no fraction so small in which main effects can be told apart", k)
		}
	default:
		ps.Add(v.At, field+".design", v.Design, "must be full, fraction, latin-hypercube, pairwise or one-at-a-time")
	}
	if v.Points != 0 && v.Design != Hypercube {
		ps.Add(v.At, field+".points", fmt.Sprint(v.Points), "only a latin-hypercube has points")
	}
	if v.Fraction != 0 && v.Design != Fraction {
		ps.Add(v.At, field+".fraction", fmt.Sprint(v.Fraction), "only the design fraction has one")
	}
	if v.Design == Full {
		n := 1
		for _, l := range v.Factors {
			if n *= max(len(l.Values), 1); n > maxPoints {
				ps.Add(v.At, field+".factors", "", "come to more than %d combinations: use another design", maxPoints)
				return
			}
		}
	}
}

// keys are the factors in the order of their names.
func (v *Design) keys() []string { return slices.Sorted(maps.Keys(v.Factors)) }

// size is the number of points. Designs that chance takes part in have the same number for every seed.
func (v *Design) size() int {
	switch v.Design {
	case Hypercube:
		return v.Points
	case Full, Fraction:
		n := 1
		for _, l := range v.Factors {
			n *= len(l.Values)
		}
		return n / max(v.Fraction, 1)
	case OneAtATime:
		n := 1
		for _, l := range v.Factors {
			n += len(l.Values) - 1
		}
		return n
	case Pairwise:
		return len(pairwise(v.counts()))
	}
	return 0
}

func (v *Design) counts() []int {
	var counts []int
	for _, key := range v.keys() {
		counts = append(counts, len(v.Factors[key].Values))
	}
	return counts
}

// points gives the points of a design. The seed decides a Latin hypercube only.
func (v *Design) points(of uint64, name string) []Point {
	counts := v.counts()
	var rows [][]int
	switch v.Design {
	case Full:
		rows = combinations(counts)
	case Fraction:
		rows = fraction(len(counts), v.Fraction)
	case OneAtATime:
		rows = oneAtATime(counts)
	case Pairwise:
		rows = pairwise(counts)
	case Hypercube:
		rows = hypercube(counts, v.Points, of, name)
	}
	keys := v.keys()
	points := make([]Point, len(rows))
	for i, row := range rows {
		for k, level := range row {
			value := v.Factors[keys[k]].Values[level]
			points[i] = append(points[i], scenario.Setting{Key: keys[k], Value: value.Text, At: value.At})
		}
	}
	return points
}

// combinations gives every combination of levels, the last factor changing fastest.
func combinations(counts []int) [][]int {
	rows := [][]int{nil}
	for _, n := range counts {
		var longer [][]int
		for _, row := range rows {
			for level := range n {
				longer = append(longer, append(slices.Clone(row), level))
			}
		}
		rows = longer
	}
	return rows
}

// oneAtATime gives all first levels, then each other level of each factor with the others at their first.
func oneAtATime(counts []int) [][]int {
	rows := [][]int{make([]int, len(counts))}
	for k, n := range counts {
		for level := 1; level < n; level++ {
			row := make([]int, len(counts))
			row[k] = level
			rows = append(rows, row)
		}
	}
	return rows
}

// fraction gives a regular fraction of the two-level combinations of k factors (Box and Hunter 1961): k-p factors take
// every combination, each of the others is a product of some of them.
func fraction(k, of int) [][]int {
	words := aliases(k, of)
	base := k - len(words)
	var rows [][]int
	for n := range 1 << base {
		row := make([]int, k)
		for i := range base {
			row[i] = n >> (base - 1 - i) & 1
		}
		for i, word := range words {
			row[base+i] = bits.OnesCount(uint(n)&reversed(word, base)) & 1
		}
		rows = append(rows, row)
	}
	return rows
}

// reversed turns a set of factors (bit i is factor i) into the bits of a row's number, whose highest bit is factor 0.
func reversed(word uint, base int) uint { return uint(bits.Reverse64(uint64(word)) >> (64 - base)) }

// aliases gives, for each factor beyond the first k-p, the set of base factors whose product it is: the largest sets
// first, all of them of two factors at least, so that no main effect is that of another factor. nil when there are too few.
func aliases(k, of int) []uint {
	p := bits.TrailingZeros(uint(of))
	base := k - p
	var sets []uint
	for size := base; size >= 2; size-- {
		for set := uint(1); set < 1<<base; set++ {
			if bits.OnesCount(set) == size {
				sets = append(sets, set)
			}
		}
	}
	if len(sets) < p {
		return nil
	}
	return sets[:p]
}

// hypercube gives points in each of which every factor has a level, and over which the levels of each factor are as
// even as they can be (McKay, Beckman and Conover 1979, for lists of values).
func hypercube(counts []int, points int, of uint64, name string) [][]int {
	rows := make([][]int, points)
	for i := range rows {
		rows[i] = make([]int, len(counts))
	}
	for k, n := range counts {
		random := seed.Stream(of, fmt.Sprintf("%s/design/%d", name, k))
		order := random.Perm(points)
		for i, place := range order {
			rows[i][k] = place * n / points
		}
	}
	return rows
}

// pairwise gives rows in which each two levels of any two factors meet at least once (a covering array of strength two,
// built row by row: of the pairs that are left, each row takes as many as a greedy choice can).
func pairwise(counts []int) [][]int {
	if len(counts) == 1 {
		return combinations(counts)
	}
	type pair struct{ a, x, b, y int }
	left := map[pair]bool{}
	for a := range counts {
		for b := a + 1; b < len(counts); b++ {
			for x := range counts[a] {
				for y := range counts[b] {
					left[pair{a, x, b, y}] = true
				}
			}
		}
	}
	meets := func(row []int, k, level int) int {
		n := 0
		for j, other := range row {
			if other < 0 || j == k {
				continue
			}
			p := pair{j, other, k, level}
			if j > k {
				p = pair{k, level, j, other}
			}
			if left[p] {
				n++
			}
		}
		return n
	}
	var rows [][]int
	for len(left) > 0 {
		row := slices.Repeat([]int{-1}, len(counts))
		first := pair{a: len(counts)}
		for p := range left { // the first in order, so that the design is the same each time
			if first.a == len(counts) || slices.Compare([]int{p.a, p.b, p.x, p.y}, []int{first.a, first.b, first.x, first.y}) < 0 {
				first = p
			}
		}
		row[first.a], row[first.b] = first.x, first.y
		for k := range row {
			if row[k] >= 0 {
				continue
			}
			best, most := 0, -1
			for level := range counts[k] {
				if n := meets(row, k, level); n > most {
					best, most = level, n
				}
			}
			row[k] = best
		}
		for a := range row {
			for b := a + 1; b < len(row); b++ {
				delete(left, pair{a, row[a], b, row[b]})
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// String shows a point as settings.
func (p Point) String() string {
	var list []string
	for _, s := range p {
		list = append(list, s.Key+"="+s.Value)
	}
	return strings.Join(list, " ")
}
