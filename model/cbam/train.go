package cbam

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
)

// Options of training. The zero value of each field has the default that its comment names.
type Options struct {
	Epochs int                           // 30
	Batch  int                           // sessions a step of the optimiser: 30
	Rate   float64                       // of Adam: 0.003, falling to a tenth over the epochs
	Report func(epoch int, loss float64) // after each epoch; may be nil
}

// Train trains a network on benign sessions, which all have a connection at least.
func (n *Network) Train(ctx context.Context, sessions [][][]float32, o Options, random *rand.Rand) error {
	if o.Epochs == 0 {
		o.Epochs = 30
	}
	if o.Batch == 0 {
		o.Batch = 30
	}
	if o.Rate == 0 {
		o.Rate = 0.003
	}
	order := slices.Clone(sessions)
	g := empty(n.Shape)
	first, second := make([]float64, len(n.all)), make([]float64, len(n.all))
	step := 0
	for epoch := range o.Epochs {
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		rate := o.Rate * math.Pow(0.1, float64(epoch)/float64(o.Epochs))
		var loss float64
		for batch := range slices.Chunk(order, o.Batch) {
			if err := ctx.Err(); err != nil {
				return err
			}
			clear(g.all)
			for _, s := range batch {
				loss += n.gradient(s, 1/float64(len(batch)), g)
			}
			step++
			n.adam(g.all, first, second, step, rate)
		}
		if o.Report != nil {
			o.Report(epoch+1, loss/float64(len(order)))
		}
	}
	return nil
}

// adam makes a step of the optimiser (Kingma and Ba 2015), with gradients that are brought down to a length of 1.
func (n *Network) adam(g, first, second []float64, step int, rate float64) {
	const b1, b2, tiny = 0.9, 0.999, 1e-8
	length := 0.0
	for _, x := range g {
		length += x * x
	}
	scale := 1 / max(math.Sqrt(length), 1)
	c1, c2 := 1-math.Pow(b1, float64(step)), 1-math.Pow(b2, float64(step))
	for i, x := range g {
		x *= scale
		first[i] = b1*first[i] + (1-b1)*x
		second[i] = b2*second[i] + (1-b2)*x*x
		n.all[i] -= rate * (first[i] / c1) / (math.Sqrt(second[i]/c2) + tiny)
	}
}
