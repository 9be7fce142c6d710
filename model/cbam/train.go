package cbam

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"detgen/model/internal/adam"
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
	optimiser := adam.New[float64](len(n.all))
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
			optimiser.Step(n.all, g.all, length(g.all), rate)
		}
		if o.Report != nil {
			o.Report(epoch+1, loss/float64(len(order)))
		}
	}
	return nil
}

// length is the Euclidean length of a gradient.
func length(g []float64) float64 {
	sum := 0.0
	for _, x := range g {
		sum += x * x
	}
	return math.Sqrt(sum)
}
