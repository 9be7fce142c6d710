package lstm

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"detgen/model/internal/adam"
	"detgen/model/internal/product"
)

// Example is a sequence and whether it is an attack.
type Example struct {
	Steps  [][]float32
	Attack bool
}

// Options of training. The zero value of each field has the default that its comment names.
type Options struct {
	Epochs int                           // 20
	Batch  int                           // sequences a step of the optimiser: 64
	Rate   float32                       // of Adam: 0.003, falling to a tenth over the epochs
	Report func(epoch int, loss float64) // after each epoch; may be nil
}

// gradient computes the mean loss of a batch and its gradient. The loss is the logistic one at every step, with weights
// that rise with the step, so that the end counts most; weight is that of each sequence.
func (n *Network) gradient(p *pass, w *work, examples []Example, weight func(attack bool) float32) float64 {
	w.sequences = w.sequences[:0]
	for i := range examples {
		w.sequences = append(w.sequences, examples[i].Steps)
	}
	n.forward(p, w.sequences)
	clear(w.gradient.all)
	w.logit = sized(w.logit, p.steps*p.rows)
	var loss float64
	for i, e := range examples {
		length := float32(len(e.Steps))
		for t := range e.Steps {
			share := weight(e.Attack) * 2 * float32(t+1) / (length * (length + 1)) / float32(len(examples))
			z := float64(p.logit[t*p.rows+i])
			y := 0.0
			if e.Attack {
				y = 1
			}
			loss += float64(share) * (max(z, 0) - z*y + math.Log1p(math.Exp(-math.Abs(z))))
			w.logit[t*p.rows+i] = share * float32(1/(1+math.Exp(-z))-y)
		}
	}
	n.backward(p, w)
	return loss
}

// work is memory for gradients.
type work struct {
	gradient  *Network
	sequences [][][]float32
	logit     []float32
	gates     []float32 // rows x wide, of the step that the pass back is at
	cell      []float32 // rows x cells
	inputs    []float32 // rows x width
	weights   []float32 // width x wide: the gradient of Network.gates
	back      product.Packed
	step      product.Packed
	optimiser *adam.Adam[float32]
}

func (n *Network) newWork() *work {
	return &work{gradient: empty(n.Shape), optimiser: adam.New[float32](len(n.all))}
}

// backward goes back through the steps.
func (n *Network) backward(p *pass, w *work) {
	g, h, d := w.gradient, n.Cells, n.features()
	w.gates, w.inputs = sized(w.gates, p.rows*p.wide), sized(w.inputs, p.rows*p.width)
	w.cell, w.weights = sized(w.cell, p.rows*h), sized(w.weights, p.width*p.wide)
	clear(w.gates)
	clear(w.inputs)
	clear(w.cell)
	clear(w.weights)
	w.back.Pack(4*h, n.inputs(), n.gates, 1, 4*h)
	for t := p.steps - 1; t >= 0; t-- {
		for i, s := range p.sequences {
			if t >= len(s) {
				continue // all of it is 0
			}
			at := t*p.rows + i
			own := w.logit[at]
			g.Shift[0] += own
			gates, back := p.gates[at*p.wide:], w.gates[i*p.wide:]
			// Lengths that the compiler sees save a check for each number.
			in, forget, cell, out := gates[:h], gates[h:][:h], gates[2*h:][:h], gates[3*h:][:h]
			before, tanhs, hidden := p.cell[at*h:][:h], p.tanh[at*h:][:h], p.input(t+1, i)[d:][:h]
			laterHidden, laterCell, weights, slopes := w.inputs[i*p.width+d:][:h], w.cell[i*h:][:h], n.Out[:h], g.Out[:h]
			dIn, dForget, dCell, dOut := back[:h], back[h:][:h], back[2*h:][:h], back[3*h:][:h]
			for k, a := range in {
				f, c, o, th := forget[k], cell[k], out[k], tanhs[k]
				dh := laterHidden[k] + own*weights[k]
				slopes[k] += own * hidden[k]
				dc := laterCell[k] + dh*o*(1-th*th)
				dIn[k] = dc * c * a * (1 - a)
				dForget[k] = dc * before[k] * f * (1 - f)
				dCell[k] = dc * a * (1 - c*c)
				dOut[k] = dh * th * o * (1 - o)
				laterCell[k] = dc * f
			}
		}
		w.step.Pack(p.rows, p.wide, w.gates, p.wide, 1)
		w.step.Add(p.width, p.inputs[t*p.rows*p.width:], 1, p.width, w.weights, p.wide)
		clear(w.inputs)
		w.back.Add(p.rows, w.gates, p.wide, 1, w.inputs, p.width)
		n.backThroughEmbeddings(p, w, t)
	}
	for i := range n.inputs() {
		copy(g.gates[i*4*h:][:4*h], w.weights[i*p.wide:])
	}
}

// backThroughEmbeddings adds the slopes of a step's features to those of the embeddings that they are.
func (n *Network) backThroughEmbeddings(p *pass, w *work, t int) {
	for i, s := range p.sequences {
		if t >= len(s) {
			continue
		}
		row := w.inputs[i*p.width:]
		for c, levels := range n.Levels {
			dim := n.Dims[c]
			if levels > 0 {
				at := min(max(int(s[t][c]), 0), levels-1) * dim
				for k, x := range row[:dim] {
					w.gradient.Embed[c][at+k] += x
				}
			}
			row = row[dim:]
		}
	}
}

// length is the Euclidean length of a vector.
func length(v []float32) float32 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return float32(math.Sqrt(sum))
}

// Train trains the network. Both classes count the same, however many examples they have. The order of examples is
// drawn; sequences of about the same length go together.
func (n *Network) Train(ctx context.Context, examples []Example, o Options, random *rand.Rand) error {
	if o.Epochs == 0 {
		o.Epochs = 20
	}
	if o.Batch == 0 {
		o.Batch = 64
	}
	if o.Rate == 0 {
		o.Rate = 0.003
	}
	attacks := 0
	for _, e := range examples {
		if e.Attack {
			attacks++
		}
	}
	weight := func(attack bool) float32 {
		of := len(examples) - attacks
		if attack {
			of = attacks
		}
		return float32(len(examples)) / float32(2*of)
	}
	order := slices.Clone(examples)
	var p pass
	w := n.newWork()
	for epoch := range o.Epochs {
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for window := range slices.Chunk(order, 16*o.Batch) {
			slices.SortStableFunc(window, func(a, b Example) int { return cmp.Compare(len(a.Steps), len(b.Steps)) })
		}
		batches := slices.Collect(slices.Chunk(order, o.Batch))
		random.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
		rate := o.Rate * float32(math.Pow(0.1, float64(epoch)/float64(o.Epochs)))
		var loss float64
		for _, batch := range batches {
			if err := ctx.Err(); err != nil {
				return err
			}
			loss += n.gradient(&p, w, batch, weight) * float64(len(batch))
			w.optimiser.Step(n.all, w.gradient.all, length(w.gradient.all), rate)
		}
		if o.Report != nil {
			o.Report(epoch+1, loss/float64(len(order)))
		}
	}
	return nil
}
