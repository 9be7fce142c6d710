package lstm

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"detgen/model/internal/adam"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
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
	b, h, d := len(examples), n.Cells, n.features()
	sequences := make([][][]float32, b)
	for i := range examples {
		sequences[i] = examples[i].Steps
	}
	n.forward(p, sequences)
	g := w.gradient
	clear(g.all)
	if p.steps == 0 {
		return 0
	}
	w.logit = sized(w.logit, p.steps*b)
	clear(w.logit)
	var loss float64
	for i, e := range examples {
		length := float32(len(e.Steps))
		for t := range e.Steps {
			share := weight(e.Attack) * 2 * float32(t+1) / (length * (length + 1)) / float32(b)
			z := float64(p.logit[t*b+i])
			y := 0.0
			if e.Attack {
				y = 1
			}
			loss += float64(share) * (max(z, 0) - z*y + math.Log1p(math.Exp(-math.Abs(z))))
			w.logit[t*b+i] = share * float32(1/(1+math.Exp(-z))-y)
		}
	}
	n.backward(p, w, b, h, d)
	return loss
}

// work is memory for gradients.
type work struct {
	gradient     *Network
	logit        []float32
	gates, x     []float32
	hidden, cell []float32 // of the step that the pass back is at
	recT         []float32 // Rec transposed
	inT          []float32
	optimiser    *adam.Adam[float32]
}

func (n *Network) newWork() *work {
	return &work{gradient: empty(n.Shape), optimiser: adam.New[float32](len(n.all))}
}

func transposed(to, m []float32, rows, columns int) []float32 {
	to = sized(to, rows*columns)
	for i := range rows {
		for k := range columns {
			to[k*rows+i] = m[i*columns+k]
		}
	}
	return to
}

// backward goes back through the steps.
func (n *Network) backward(p *pass, w *work, b, h, d int) {
	g := w.gradient
	w.gates, w.x = sized(w.gates, p.steps*b*4*h), sized(w.x, p.steps*b*d)
	w.hidden, w.cell = sized(w.hidden, b*h), sized(w.cell, b*h)
	clear(w.hidden)
	clear(w.cell)
	w.recT, w.inT = transposed(w.recT, n.Rec, h, 4*h), transposed(w.inT, n.In, d, 4*h)
	for t := p.steps - 1; t >= 0; t-- {
		for i := range b {
			own := w.logit[t*b+i]
			g.Shift[0] += own
			gates, back := p.gates[(t*b+i)*4*h:(t*b+i+1)*4*h], w.gates[(t*b+i)*4*h:(t*b+i+1)*4*h]
			in, forget, cell, out := gates[:h], gates[h:2*h], gates[2*h:3*h], gates[3*h:]
			before, tanhs := p.cell[(t*b+i)*h:(t*b+i+1)*h], p.tanh[(t*b+i)*h:(t*b+i+1)*h]
			hidden := p.hidden[((t+1)*b+i)*h : ((t+1)*b+i+1)*h]
			laterHidden, laterCell, weights, slopes := w.hidden[i*h:][:h], w.cell[i*h:][:h], n.Out[:h], g.Out[:h]
			// Lengths that the compiler sees save a check for each number.
			forget, cell, out, before, tanhs, hidden = forget[:h], cell[:h], out[:h], before[:h], tanhs[:h], hidden[:h]
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
			blas32.Axpy(1, blas32.Vector{N: 4 * h, Inc: 1, Data: back}, blas32.Vector{N: 4 * h, Inc: 1, Data: g.Bias})
		}
		blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, matrix(b, 4*h, w.gates[t*b*4*h:]), matrix(4*h, h, w.recT), 0, matrix(b, h, w.hidden))
	}
	rows := p.steps * b
	blas32.Gemm(blas.Trans, blas.NoTrans, 1, matrix(rows, h, p.hidden), matrix(rows, 4*h, w.gates), 1, matrix(h, 4*h, g.Rec))
	blas32.Gemm(blas.Trans, blas.NoTrans, 1, matrix(rows, d, p.x), matrix(rows, 4*h, w.gates), 1, matrix(d, 4*h, g.In))
	blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, matrix(rows, 4*h, w.gates), matrix(4*h, d, w.inT), 0, matrix(rows, d, w.x))
	for t := range p.steps {
		for i, s := range p.sequences {
			if t >= len(s) {
				continue
			}
			row := w.x[(t*b+i)*d : (t*b+i+1)*d]
			for c, levels := range n.Levels {
				dim := n.Dims[c]
				if levels > 0 {
					at := min(max(int(s[t][c]), 0), levels-1) * dim
					for k := range dim {
						g.Embed[c][at+k] += row[k]
					}
				}
				row = row[dim:]
			}
		}
	}
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
			g := w.gradient.all
			w.optimiser.Step(n.all, g, blas32.Nrm2(blas32.Vector{N: len(g), Inc: 1, Data: g}), rate)
		}
		if o.Report != nil {
			o.Report(epoch+1, loss/float64(len(order)))
		}
	}
	return nil
}
