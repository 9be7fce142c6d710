package cbam

import "math"

// trace is a sequence going through a layer.
type trace struct {
	x                         [][]float64
	gates, cell, tanh, hidden [][]float64 // cell and hidden: from before the first step
}

// pass is a session going through a network.
type pass struct {
	states, bins      []int
	forward, backward [2]*trace
	joined, middle    [][]float64 // both stacks' outputs; after the layer
	state, size       [][]float64 // probabilities
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// add adds x times a matrix of len(x) rows to a row.
func add(to, x, m []float64) {
	for i, v := range x {
		if v == 0 {
			continue
		}
		row := m[i*len(to) : (i+1)*len(to)]
		for k, w := range row {
			to[k] += v * w
		}
	}
}

func (l *layer) run(x [][]float64, h int) *trace {
	t := &trace{x: x, cell: [][]float64{make([]float64, h)}, hidden: [][]float64{make([]float64, h)}}
	for i, row := range x {
		g := append([]float64{}, l.bias...)
		add(g, row, l.in)
		add(g, t.hidden[i], l.rec)
		cell, hidden, tanh := make([]float64, h), make([]float64, h), make([]float64, h)
		for k := range h {
			g[k], g[h+k], g[2*h+k], g[3*h+k] = sigmoid(g[k]), sigmoid(g[h+k]), math.Tanh(g[2*h+k]), sigmoid(g[3*h+k])
			cell[k] = g[h+k]*t.cell[i][k] + g[k]*g[2*h+k]
			tanh[k] = math.Tanh(cell[k])
			hidden[k] = g[3*h+k] * tanh[k]
		}
		t.gates, t.cell, t.hidden, t.tanh = append(t.gates, g), append(t.cell, cell), append(t.hidden, hidden), append(t.tanh, tanh)
	}
	return t
}

// back goes back through a layer: from the slopes of its outputs to those of its inputs, adding those of its weights to
// g.
func (l *layer) back(t *trace, g *layer, out [][]float64, h int) [][]float64 {
	in := make([][]float64, len(t.x))
	later, cell := make([]float64, h), make([]float64, h)
	for i := len(t.x) - 1; i >= 0; i-- {
		gates, d := t.gates[i], make([]float64, 4*h)
		for k := range h {
			dh := out[i][k] + later[k]
			a, f, c, o := gates[k], gates[h+k], gates[2*h+k], gates[3*h+k]
			dc := cell[k] + dh*o*(1-t.tanh[i][k]*t.tanh[i][k])
			d[k], d[h+k], d[2*h+k], d[3*h+k] = dc*c*a*(1-a), dc*t.cell[i][k]*f*(1-f), dc*a*(1-c*c), dh*t.tanh[i][k]*o*(1-o)
			cell[k] = dc * f
		}
		in[i] = slope(d, t.x[i], l.in, g.in)
		later = slope(d, t.hidden[i], l.rec, g.rec)
		for k, v := range d {
			g.bias[k] += v
		}
	}
	return in
}

// slope goes back through a product: from the slopes of what x times a matrix gave to those of x, adding those of the
// matrix to g.
func slope(d, x, m, g []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		row, own := m[i*len(d):(i+1)*len(d)], g[i*len(d):(i+1)*len(d)]
		for k, w := range row {
			out[i] += w * d[k]
			own[k] += v * d[k]
		}
	}
	return out
}

// embed gives the numbers of a connection; those beyond the ends have the last token.
func (n *Network) embed(state, bin int) []float64 {
	return append(append(make([]float64, 0, dims), n.state[state*stateDims:(state+1)*stateDims]...), n.size[bin*sizeDims:(bin+1)*sizeDims]...)
}

func (n *Network) pass(session [][]float32) *pass {
	p := &pass{}
	p.states, p.bins = n.tokens(session)
	steps, h := len(session), n.Cells
	// Each stack reads up to a connection, from beyond the session's end on: the output at a place knows nothing of it.
	edge := n.embed(n.known(), sizes)
	there, back := [][]float64{edge}, [][]float64{edge}
	for i := 1; i < steps; i++ {
		there = append(there, n.embed(p.states[i-1], p.bins[i-1]))
		back = append(back, n.embed(p.states[steps-i], p.bins[steps-i]))
	}
	p.forward[0] = n.forward[0].run(there, h)
	p.forward[1] = n.forward[1].run(p.forward[0].hidden[1:], h)
	p.backward[0] = n.backward[0].run(back, h)
	p.backward[1] = n.backward[1].run(p.backward[0].hidden[1:], h)
	for i := range steps {
		joined := append(append([]float64{}, p.forward[1].hidden[i+1]...), p.backward[1].hidden[steps-i]...)
		middle := append([]float64{}, n.middleBias...)
		add(middle, joined, n.middle)
		for k := range middle {
			middle[k] = max(middle[k], 0)
		}
		state, size := append([]float64{}, n.stateShift...), append([]float64{}, n.sizeShift...)
		add(state, middle, n.toState)
		add(size, middle, n.toSize)
		softmax(state)
		softmax(size)
		p.joined, p.middle, p.state, p.size = append(p.joined, joined), append(p.middle, middle), append(p.state, state), append(p.size, size)
	}
	return p
}

func softmax(z []float64) {
	top, sum := math.Inf(-1), 0.0
	for _, x := range z {
		top = max(top, x)
	}
	for i, x := range z {
		z[i] = math.Exp(x - top)
		sum += z[i]
	}
	for i := range z {
		z[i] /= sum
	}
}

// gradient adds the slopes of a session's loss, times a share, to g, and gives the loss: the mean over its connections of
// -ln of the probabilities of their states and bins.
func (n *Network) gradient(session [][]float32, share float64, g *Network) (loss float64) {
	p := n.pass(session)
	steps, h := len(session), n.Cells
	there, back := make([][]float64, steps), make([][]float64, steps)
	each := share / float64(steps)
	for i := range steps {
		loss -= (math.Log(p.state[i][p.states[i]]) + math.Log(p.size[i][p.bins[i]])) / float64(steps)
		state, size := p.state[i], p.size[i]
		state[p.states[i]]--
		size[p.bins[i]]--
		for _, head := range [][]float64{state, size} {
			for k := range head {
				head[k] *= each
			}
		}
		plus(g.stateShift, state)
		plus(g.sizeShift, size)
		middle := slope(state, p.middle[i], n.toState, g.toState)
		plus(middle, slope(size, p.middle[i], n.toSize, g.toSize))
		for k, x := range p.middle[i] {
			if x <= 0 {
				middle[k] = 0
			}
		}
		plus(g.middleBias, middle)
		joined := slope(middle, p.joined[i], n.middle, g.middle)
		there[i], back[steps-1-i] = joined[:h], joined[h:]
	}
	for _, s := range []struct {
		weights, slopes *[2]layer
		traces          [2]*trace
		out             [][]float64
		token           func(i int) (state, bin int) // that the stack reads at its step i
	}{
		{&n.forward, &g.forward, p.forward, there, func(i int) (int, int) { return p.states[i-1], p.bins[i-1] }},
		{&n.backward, &g.backward, p.backward, back, func(i int) (int, int) { return p.states[steps-i], p.bins[steps-i] }},
	} {
		in := s.weights[1].back(s.traces[1], &s.slopes[1], s.out, h)
		in = s.weights[0].back(s.traces[0], &s.slopes[0], in, h)
		for i, d := range in {
			state, bin := n.known(), sizes
			if i > 0 {
				state, bin = s.token(i)
			}
			plus(g.state[state*stateDims:(state+1)*stateDims], d[:stateDims])
			plus(g.size[bin*sizeDims:(bin+1)*sizeDims], d[stateDims:])
		}
	}
	return loss
}

func plus(to, x []float64) {
	for k, v := range x {
		to[k] += v
	}
}
