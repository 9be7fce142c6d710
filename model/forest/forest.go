// Package forest is a random forest of classification trees (Breiman 2001) on rows of numbers: bootstrap samples, splits
// by the Gini impurity among a drawn share of the columns, probabilities averaged over trees.
package forest

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Node is a split, or a leaf (Left is 0). A row goes left when its column is at most the threshold; what is no number
// goes right.
type Node struct {
	Column    int     `json:"c"`
	Threshold float64 `json:"t"`
	Left      int     `json:"l"` // index of the node; 0: a leaf
	Right     int     `json:"r"`
	Share     float64 `json:"p"` // of attacks among what came here in training
}

// Tree is its nodes; the first is the root.
type Tree []Node

// Forest is its trees.
type Forest []Tree

// Options of training. The zero value of each field has the default that its comment names.
type Options struct {
	Trees  int // 100
	Depth  int // 24
	Leaf   int // rows in a leaf, at least: 1
	Tried  int // columns that a split is searched in: the root of their number
	Report func(tree int)
}

// Train grows a forest.
func Train(rows [][]float64, attack []bool, o Options, random *rand.Rand) Forest {
	o.Trees, o.Depth, o.Leaf = orDefault(o.Trees, 100), orDefault(o.Depth, 24), orDefault(o.Leaf, 1)
	o.Tried = orDefault(o.Tried, max(1, int(math.Sqrt(float64(len(rows[0]))))))
	f := make(Forest, o.Trees)
	for i := range f {
		sample := make([]int, len(rows))
		for k := range sample {
			sample[k] = random.IntN(len(rows))
		}
		g := grower{rows: rows, attack: attack, o: o, random: random}
		g.grow(sample, 0)
		f[i] = g.tree
		if o.Report != nil {
			o.Report(i + 1)
		}
	}
	return f
}

func orDefault(n, usual int) int {
	if n == 0 {
		return usual
	}
	return n
}

type grower struct {
	rows   [][]float64
	attack []bool
	o      Options
	random *rand.Rand
	tree   Tree
}

// grow adds the node of a sample and what is below it, and gives its index.
func (g *grower) grow(sample []int, depth int) int {
	at := len(g.tree)
	attacks := 0
	for _, i := range sample {
		if g.attack[i] {
			attacks++
		}
	}
	g.tree = append(g.tree, Node{Share: float64(attacks) / float64(len(sample))})
	if attacks == 0 || attacks == len(sample) || depth == g.o.Depth || len(sample) < 2*g.o.Leaf {
		return at
	}
	column, threshold, ok := g.split(sample, attacks)
	if !ok {
		return at
	}
	var left, right []int
	for _, i := range sample {
		if g.rows[i][column] <= threshold {
			left = append(left, i)
		} else {
			right = append(right, i)
		}
	}
	l := g.grow(left, depth+1)
	r := g.grow(right, depth+1)
	g.tree[at].Column, g.tree[at].Threshold, g.tree[at].Left, g.tree[at].Right = column, threshold, l, r
	return at
}

// split finds the best split of a sample among drawn columns; further ones are tried until one has a split at all.
func (g *grower) split(sample []int, attacks int) (column int, threshold float64, ok bool) {
	best := math.Inf(1)
	order := slices.Clone(sample)
	for tried, c := range g.random.Perm(len(g.rows[0])) {
		if tried >= g.o.Tried && ok {
			break
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(g.key(a, c), g.key(b, c)) })
		left := 0
		for k := 1; k < len(order); k++ {
			if g.attack[order[k-1]] {
				left++
			}
			low, high := g.rows[order[k-1]][c], g.rows[order[k]][c]
			if math.IsNaN(low) {
				break // what is no number comes last
			}
			if low == high || k < g.o.Leaf || len(order)-k < g.o.Leaf {
				continue
			}
			n, m := float64(k), float64(len(order)-k)
			p, q := float64(left)/n, float64(attacks-left)/m
			if gini := n*p*(1-p) + m*q*(1-q); gini < best {
				best, column, ok = gini, c, true
				if threshold = low; !math.IsNaN(high) && !math.IsInf(high, 0) && !math.IsInf(low, 0) {
					threshold = low + (high-low)/2
				}
			}
		}
	}
	return column, threshold, ok
}

// key orders rows by a column, with what is no number last.
func (g *grower) key(row, column int) float64 {
	if x := g.rows[row][column]; !math.IsNaN(x) {
		return x
	}
	return math.Inf(1)
}

// Probability is that of an attack.
func (f Forest) Probability(row []float64) float64 {
	sum := 0.0
	for _, t := range f {
		n := &t[0]
		for n.Left > 0 {
			if row[n.Column] <= n.Threshold {
				n = &t[n.Left]
			} else {
				n = &t[n.Right]
			}
		}
		sum += n.Share
	}
	return sum / float64(len(f))
}

// Validate finds trees that make no sense: a node below itself or nowhere, a column that is not there.
func (f Forest) Validate(columns int) error {
	if len(f) == 0 {
		return fmt.Errorf("trees: there are none")
	}
	for i, t := range f {
		if len(t) == 0 {
			return fmt.Errorf("tree %d has no node", i+1)
		}
		for k, n := range t {
			switch {
			case math.IsNaN(n.Share) || n.Share < 0 || n.Share > 1:
				return fmt.Errorf("tree %d, node %d: p is %v", i+1, k, n.Share)
			case n.Left == 0:
			case n.Left <= k || n.Right <= k || n.Left >= len(t) || n.Right >= len(t):
				return fmt.Errorf("tree %d, node %d: its children are %d and %d of %d nodes", i+1, k, n.Left, n.Right, len(t))
			case n.Column < 0 || n.Column >= columns:
				return fmt.Errorf("tree %d, node %d: it splits column %d of %d", i+1, k, n.Column, columns)
			}
		}
	}
	return nil
}
