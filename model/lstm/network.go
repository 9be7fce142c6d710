// Package lstm is a recurrent network over packet sequences: an embedding for each token of a packet, one layer of LSTM
// cells (Hochreiter and Schmidhuber 1997, with forget gates), and a logistic output at every step. Numbers are float32;
// gradients are checked against differences, and both passes against PyTorch on the same weights.
package lstm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"detgen/model/internal/product"
)

// Shape is how large a network is.
type Shape struct {
	Levels []int `json:"levels"` // of each input column: it holds whole numbers below that; 0: any number, which goes in as it is
	Dims   []int `json:"dims"`   // of each column's embedding; 1 for numbers
	Cells  int   `json:"cells"`
}

// NewShape gives the shape for columns with so many levels.
func NewShape(levels []int, cells int) Shape {
	s := Shape{Levels: levels, Cells: cells}
	for _, n := range levels {
		dim := 1
		switch {
		case n > 16:
			dim = 8
		case n > 8:
			dim = 5
		case n > 2:
			dim = 3
		case n > 0:
			dim = 2
		}
		s.Dims = append(s.Dims, dim)
	}
	return s
}

// features is how many numbers a step becomes.
func (s *Shape) features() (n int) {
	for _, d := range s.Dims {
		n += d
	}
	return n
}

// Validate finds shapes that make no sense.
func (s *Shape) Validate() error {
	if len(s.Levels) == 0 || len(s.Levels) > 1000 || len(s.Dims) != len(s.Levels) {
		return fmt.Errorf("shape: %d levels and %d dims: want as many of both, at least one", len(s.Levels), len(s.Dims))
	}
	for i, n := range s.Levels {
		if n < 0 || n > 1<<20 || s.Dims[i] < 1 || s.Dims[i] > 1024 || n == 0 && s.Dims[i] != 1 {
			return fmt.Errorf("shape: column %d has %d levels and %d dims", i+1, n, s.Dims[i])
		}
	}
	if s.Cells < 1 || s.Cells > 4096 {
		return fmt.Errorf("shape: %d cells: want 1 to 4096", s.Cells)
	}
	return nil
}

// Network is the weights. Gates are in the order input, forget, cell, output, as PyTorch has them.
type Network struct {
	Shape

	Embed [][]float32 // of a column: levels x dims; empty for numbers
	In    []float32   // features x 4 cells
	Rec   []float32   // cells x 4 cells
	Bias  []float32   // 4 cells
	Out   []float32   // cells
	Shift []float32   // 1

	all   []float32 // everything, one after the other
	gates []float32 // In, Rec and Bias, which follow each other: one matrix of inputs x 4 cells
}

// inputs is how many numbers go into the gates of a step: its features, the cells' outputs before it, and 1.
func (s *Shape) inputs() int { return s.features() + s.Cells + 1 }

// New makes a network with weights drawn as usual (uniform within 1/sqrt(cells)), embeddings from a normal distribution,
// and a forget bias of 1, which lets it remember from the start (Jozefowicz et al. 2015).
func New(s Shape, random *rand.Rand) *Network {
	n := empty(s)
	for i := range n.all {
		n.all[i] = (2*random.Float32() - 1) / float32(math.Sqrt(float64(s.Cells)))
	}
	for _, e := range n.Embed {
		for i := range e {
			e[i] = float32(random.NormFloat64())
		}
	}
	for i := range n.Bias {
		n.Bias[i] = 0
	}
	for i := s.Cells; i < 2*s.Cells; i++ {
		n.Bias[i] = 1
	}
	n.Shift[0] = 0
	return n
}

// empty makes a network of zeros.
func empty(s Shape) *Network {
	n := &Network{Shape: s}
	h, d := s.Cells, s.features()
	size := d*4*h + h*4*h + 4*h + h + 1
	for i := range s.Levels {
		size += s.Levels[i] * s.Dims[i]
	}
	n.all = make([]float32, size)
	rest := n.all
	take := func(k int) []float32 {
		part := rest[:k:k]
		rest = rest[k:]
		return part
	}
	for i := range s.Levels {
		n.Embed = append(n.Embed, take(s.Levels[i]*s.Dims[i]))
	}
	n.gates = rest[:s.inputs()*4*h]
	n.In, n.Rec, n.Bias, n.Out, n.Shift = take(d*4*h), take(h*4*h), take(4*h), take(h), take(1)
	return n
}

// Weights are all weights: embeddings by column, In, Rec, Bias, Out, Shift.
func (n *Network) Weights() []float32 { return n.all }

// FromWeights makes a network of a shape from all its weights.
func FromWeights(s Shape, weights []float32) (*Network, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	n := empty(s)
	if len(weights) != len(n.all) {
		return nil, fmt.Errorf("weights: there are %d, and this shape has %d", len(weights), len(n.all))
	}
	if i := slices.IndexFunc(weights, func(x float32) bool { return x != x || math.IsInf(float64(x), 0) }); i >= 0 {
		return nil, fmt.Errorf("weights: number %d is %v", i+1, weights[i])
	}
	copy(n.all, weights)
	return n, nil
}

// pass is a batch going through a network: steps of all sequences, step by step. Rows and columns are as many as
// package product wants; those that no sequence or number needs are zeros.
type pass struct {
	sequences [][][]float32
	steps     int // of the longest
	rows      int // one for each sequence
	width     int // columns of inputs
	wide      int // columns of gates

	weights product.Packed
	inputs  []float32 // (steps+1) x rows x width: features, outputs of the cells before, 1
	gates   []float32 // steps x rows x wide, after their functions
	cell    []float32 // (steps+1) x rows x cells; the first are zeros
	tanh    []float32 // steps x rows x cells: tanh of cell
	logit   []float32 // steps x rows
}

// sized gives a slice of n numbers, in the memory of s where that is enough. Its content is zeros, or what was there.
func sized(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}

// begin lays out the memory of a batch: features of all steps, zeros before the first.
func (n *Network) begin(p *pass, sequences [][][]float32) {
	h, d := n.Cells, n.features()
	p.sequences, p.steps, p.rows = sequences, 0, product.Up(len(sequences), product.Rows)
	p.width, p.wide = product.Up(n.inputs(), product.Columns), product.Up(4*h, product.Columns)
	for _, s := range sequences {
		p.steps = max(p.steps, len(s))
	}
	p.inputs, p.gates = sized(p.inputs, (p.steps+1)*p.rows*p.width), sized(p.gates, p.steps*p.rows*p.wide)
	p.cell = sized(p.cell, (p.steps+1)*p.rows*h)
	p.tanh, p.logit = sized(p.tanh, p.steps*p.rows*h), sized(p.logit, p.steps*p.rows)
	clear(p.cell[:p.rows*h])
	clear(p.inputs)
	for t := range p.steps {
		for i, s := range sequences {
			if row := p.input(t, i); t < len(s) {
				n.embed(s[t], row)
				row[d+h] = 1
			}
		}
	}
	p.weights.Pack(n.inputs(), 4*h, n.gates, 4*h, 1)
}

// input is what goes into the gates of a sequence at a step.
func (p *pass) input(t, i int) []float32 { return p.inputs[(t*p.rows+i)*p.width:][:p.width] }

// forward computes the logit of every step.
func (n *Network) forward(p *pass, sequences [][][]float32) {
	h, d := n.Cells, n.features()
	n.begin(p, sequences)
	for t := range p.steps {
		gates := p.gates[t*p.rows*p.wide:][:p.rows*p.wide]
		clear(gates)
		p.weights.Add(p.rows, p.inputs[t*p.rows*p.width:], p.width, 1, gates, p.wide)
		for i, s := range sequences {
			at := t*p.rows + i
			before, after := p.cell[at*h:][:h], p.cell[(at+p.rows)*h:][:h]
			if t >= len(s) {
				clear(after)
				continue
			}
			g := gates[i*p.wide:]
			in, forget, cell, out := g[:h], g[h:][:h], g[2*h:][:h], g[3*h:][:h]
			hidden, tanhs := p.input(t+1, i)[d:][:h], p.tanh[at*h:][:h]
			sigmoids(g[:2*h])
			tanhsOf(cell)
			sigmoids(out)
			for k, a := range in {
				x := forget[k]*before[k] + a*cell[k]
				after[k], tanhs[k] = x, x
			}
			tanhsOf(tanhs)
			sum := n.Shift[0]
			for k, w := range n.Out[:h] {
				x := out[k] * tanhs[k]
				hidden[k] = x
				sum += x * w
			}
			p.logit[at] = sum
		}
	}
}

// embed makes a step's features. A token that the network does not have is its highest.
func (n *Network) embed(step, row []float32) {
	for c, levels := range n.Levels {
		dim := n.Dims[c]
		if levels == 0 {
			row[0] = step[c]
		} else {
			k := min(max(int(step[c]), 0), levels-1)
			copy(row[:dim], n.Embed[c][k*dim:])
		}
		row = row[dim:]
	}
}

// tanhsOf replaces numbers by their tanh, a quotient of polynomials, to about the precision of float32. It goes over a
// whole row, so that the processor works on several numbers at once.
func tanhsOf(list []float32) {
	for i, x := range list {
		if x > 7.9 {
			x = 7.9
		} else if x < -7.9 {
			x = -7.9
		}
		y := x * x
		p := ((((((-2.76076847742355e-16*y+2.00018790482477e-13)*y-8.60467152213735e-11)*y+5.12229709037114e-08)*y+1.48572235717979e-05)*y+6.37261928875436e-04)*y + 4.89352455891786e-03) * x
		q := ((1.19825839466702e-06*y+1.18534705686654e-04)*y+2.26843463243900e-03)*y + 4.89352518554385e-03
		list[i] = p / q
	}
}

// sigmoids replaces numbers by their logistic function, 0.5 tanh(x/2) + 0.5.
func sigmoids(list []float32) {
	for i := range list {
		list[i] *= 0.5
	}
	tanhsOf(list)
	for i, y := range list {
		list[i] = 0.5*y + 0.5
	}
}

// Probabilities gives the probability of an attack at every step of some sequences.
func (n *Network) Probabilities(sequences [][][]float32) [][]float64 {
	var p pass
	return n.probabilities(&p, sequences)
}

func (n *Network) probabilities(p *pass, sequences [][][]float32) [][]float64 {
	n.forward(p, sequences)
	out := make([][]float64, len(sequences))
	for i, s := range sequences {
		out[i] = make([]float64, len(s))
		for t := range s {
			out[i][t] = 1 / (1 + math.Exp(-float64(p.logit[t*p.rows+i])))
		}
	}
	return out
}
