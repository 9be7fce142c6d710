// Package cbam is a model of how connections follow each other (CBAM, Clausen et al. 2021): it learns the sessions of
// benign hosts, and says how well each connection fits between those before and after it. Two stacks of two LSTM layers
// read a session from both ends up to a connection, without it; a layer and two softmax heads then give probabilities for
// what it is: its state (protocol, server's port, who began it) and how much it carries. Numbers are float64; gradients are
// checked against differences, and loss and gradients against PyTorch's on the same weights.
//
// Other than in the paper there are no groups of hosts, no dropout, weight decay or layer normalisation, and two stacks of
// one direction each stand for two layers of both, in which the second sees the connection that is asked for.
package cbam

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Sizes of the paper.
const (
	stateDims = 10
	sizeDims  = 5
	dims      = stateDims + sizeDims
	sizes     = 7 // bins of bytes, of as many connections each
	mostKnown = 199
)

// State is what a connection is.
type State struct {
	Protocol, Port int
	Client         bool // the session's host began it
}

// Shape is what a network knows and how large it is.
type Shape struct {
	States [][3]int  `json:"states"` // protocol, port of the server, 1 when the host began it; all others are one more
	Edges  []float64 `json:"edges"`  // bytes above which a connection is in the next bin: six, none below the one before
	Cells  int       `json:"cells"`  // of each layer
}

// layer is a layer of LSTM cells, with gates in the order input, forget, cell, output.
type layer struct{ in, rec, bias []float64 }

// Network is the weights.
type Network struct {
	Shape
	index map[State]int

	state, size         []float64 // embeddings; the last of each is beyond the session's ends
	forward, backward   [2]layer
	middle, middleBias  []float64 // 2 cells x 2 cells
	toState, stateShift []float64 // 2 cells x states
	toSize, sizeShift   []float64

	all []float64
}

// known is how many states the network tells apart.
func (s *Shape) known() int { return len(s.States) + 1 }

// empty makes a network of zeros.
func empty(s Shape) *Network {
	n := &Network{Shape: s, index: map[State]int{}}
	for i, x := range s.States {
		n.index[State{x[0], x[1], x[2] == 1}] = i
	}
	h := s.Cells
	type part struct {
		to   *[]float64
		size int
	}
	parts := []part{{&n.state, (s.known() + 1) * stateDims}, {&n.size, (sizes + 1) * sizeDims}}
	for _, stack := range []*[2]layer{&n.forward, &n.backward} {
		for k, d := range []int{dims, h} {
			parts = append(parts, part{&stack[k].in, d * 4 * h}, part{&stack[k].rec, h * 4 * h}, part{&stack[k].bias, 4 * h})
		}
	}
	parts = append(parts, part{&n.middle, 2 * h * 2 * h}, part{&n.middleBias, 2 * h},
		part{&n.toState, 2 * h * s.known()}, part{&n.stateShift, s.known()}, part{&n.toSize, 2 * h * sizes}, part{&n.sizeShift, sizes})
	total := 0
	for _, p := range parts {
		total += p.size
	}
	n.all = make([]float64, total)
	rest := n.all
	for _, p := range parts {
		*p.to, rest = rest[:p.size:p.size], rest[p.size:]
	}
	return n
}

// New makes a network with weights drawn as usual: embeddings from a normal distribution, others within 1 over the root of
// the inputs, forget biases of 1.
func New(s Shape, random *rand.Rand) *Network {
	n := empty(s)
	for i := range n.all {
		n.all[i] = (2*random.Float64() - 1) / math.Sqrt(float64(s.Cells))
	}
	for _, e := range [][]float64{n.state, n.size} {
		for i := range e {
			e[i] = random.NormFloat64()
		}
	}
	for _, stack := range [][2]layer{n.forward, n.backward} {
		for _, l := range stack {
			clear(l.bias)
			for k := s.Cells; k < 2*s.Cells; k++ {
				l.bias[k] = 1
			}
		}
	}
	return n
}

// Parts are the weights by what they are for, rows by source.
type Parts struct {
	State, Size         []float64       // embeddings; the last of each is beyond the session's ends
	Forward, Backward   [2][3][]float64 // of each layer: input, recurrent, bias
	Middle, MiddleBias  []float64
	ToState, StateShift []float64
	ToSize, SizeShift   []float64
}

// Parts gives the weights by what they are for.
func (n *Network) Parts() Parts {
	p := Parts{State: n.state, Size: n.size, Middle: n.middle, MiddleBias: n.middleBias, ToState: n.toState, StateShift: n.stateShift, ToSize: n.toSize, SizeShift: n.sizeShift}
	for k := range 2 {
		p.Forward[k] = [3][]float64{n.forward[k].in, n.forward[k].rec, n.forward[k].bias}
		p.Backward[k] = [3][]float64{n.backward[k].in, n.backward[k].rec, n.backward[k].bias}
	}
	return p
}

// Weights are all weights, in the order in which docs/models.md lists them.
func (n *Network) Weights() []float64 { return n.all }

// FromWeights makes a network of a shape from all its weights.
func FromWeights(s Shape, weights []float64) (*Network, error) {
	switch {
	case len(s.States) > 1<<16 || s.Cells < 1 || s.Cells > 1024:
		return nil, fmt.Errorf("cbam: %d states and %d cells", len(s.States), s.Cells)
	case len(s.Edges) != sizes-1 || !slices.IsSorted(s.Edges):
		return nil, fmt.Errorf("cbam: edges: want %d numbers, none below the one before", sizes-1)
	}
	n := empty(s)
	if len(weights) != len(n.all) {
		return nil, fmt.Errorf("cbam: weights: there are %d, and this shape has %d", len(weights), len(n.all))
	}
	if i := slices.IndexFunc(weights, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }); i >= 0 {
		return nil, fmt.Errorf("cbam: weights: number %d is %v", i+1, weights[i])
	}
	copy(n.all, weights)
	return n, nil
}

// ShapeOf gives the shape for sessions: the states that are most frequent, and bins of bytes with as many connections each.
func ShapeOf(sessions [][][]float32, cells int) (Shape, error) {
	s := Shape{Cells: cells}
	count := map[State]int{}
	var bytes []float64
	for _, session := range sessions {
		for _, row := range session {
			count[stateOf(row)]++
			bytes = append(bytes, float64(row[3]))
		}
	}
	if len(bytes) == 0 {
		return s, errors.New("there is no benign session to learn")
	}
	var list []State
	for x := range count {
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b State) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port), cmp.Compare(role(a.Client), role(b.Client)))
	})
	for _, x := range list[:min(len(list), mostKnown)] {
		s.States = append(s.States, [3]int{x.Protocol, x.Port, role(x.Client)})
	}
	slices.Sort(bytes)
	for k := 1; k < sizes; k++ {
		s.Edges = append(s.Edges, bytes[len(bytes)*k/sizes])
	}
	return s, nil
}

// stateOf reads a row of the recipe sessions1: protocol, port, role, bytes, gap.
func stateOf(row []float32) State {
	return State{int(row[0]), int(row[1]), row[2] == 1}
}

func role(client bool) int {
	if client {
		return 1
	}
	return 0
}

// tokens gives the states and bins of a session.
func (n *Network) tokens(session [][]float32) (states, bins []int) {
	for _, row := range session {
		k, ok := n.index[stateOf(row)]
		if !ok {
			k = len(n.States)
		}
		bin := 0
		for _, e := range n.Edges {
			if float64(row[3]) > e {
				bin++
			}
		}
		states, bins = append(states, k), append(bins, bin)
	}
	return states, bins
}

// Probabilities gives the probabilities of each connection's state and bin, by the others of its session.
func (n *Network) Probabilities(session [][]float32) (state, size []float64) {
	p := n.pass(session)
	for i := range p.states {
		state, size = append(state, p.state[i][p.states[i]]), append(size, p.size[i][p.bins[i]])
	}
	return state, size
}

// Surprise gives, connection by connection, 1 less the mean of those probabilities so far: the last is the session's.
func (n *Network) Surprise(session [][]float32) []float64 {
	state, size := n.Probabilities(session)
	out, sum := make([]float64, len(state)), 0.0
	for i := range state {
		sum += 1 - (state[i]+size[i])/2
		out[i] = sum / float64(i+1)
	}
	return out
}
