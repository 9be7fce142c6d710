// Package kitnet is an ensemble of small autoencoders, KitNET (Mirsky et al. 2018, "Kitsune"): columns that go together
// share one, and one more looks at how badly the others do. It is trained on benign rows alone, one row at a time; the
// score of a row is how badly it is reproduced. Numbers are float64; the update is checked against differences and
// PyTorch's gradients on the same weights.
//
// Two things differ from the authors' program: columns that never vary in training are left out (there they are divided by
// 1e-16), and what is no number, or infinite, counts as 0.
package kitnet

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Autoencoder has one layer between its inputs and outputs, with the same weights both ways, and sigmoids. Inputs are
// scaled to 0 to 1 by what was seen in training.
type Autoencoder struct {
	Low     []float64 `json:"low"` // of each input
	High    []float64 `json:"high"`
	Weights []float64 `json:"weights"` // inputs x hidden
	Hidden  []float64 `json:"hidden"`  // biases
	Visible []float64 `json:"visible"` // biases
}

// Net is the ensemble.
type Net struct {
	Groups [][]int        `json:"groups"` // of each part: the columns that it looks at
	Parts  []*Autoencoder `json:"parts"`
	Output *Autoencoder   `json:"output"` // over the errors of the parts
}

// Options of training. The zero value of each field has the default that its comment names.
type Options struct {
	Most   int             // columns of a part, at most: 10
	Map    int             // rows by which columns are grouped, at most: 5000
	Rate   float64         // of the descent: 0.1
	Epochs int             // how often each row is seen: 1
	Report func(epoch int) // after each; may be nil
}

// ratio is how many hidden numbers there are for an input.
const ratio = 0.75

// newAutoencoder makes one for n inputs, with weights drawn within 1/n.
func newAutoencoder(n int, random *rand.Rand) *Autoencoder {
	h := int(math.Ceil(ratio * float64(n)))
	a := &Autoencoder{Low: make([]float64, n), High: make([]float64, n), Weights: make([]float64, n*h), Hidden: make([]float64, h), Visible: make([]float64, n)}
	for i := range n {
		a.Low[i], a.High[i] = math.Inf(1), math.Inf(-1)
	}
	for i := range a.Weights {
		a.Weights[i] = (2*random.Float64() - 1) / float64(n)
	}
	return a
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// work is memory for one row.
type work struct{ x, hidden, out, back []float64 }

// pass scales a row, and gives the root mean square of what it differs by from its reproduction.
func (a *Autoencoder) pass(row []float64, w *work) float64 {
	n, h := len(a.Visible), len(a.Hidden)
	w.x, w.hidden, w.out = sized(w.x, n), sized(w.hidden, h), sized(w.out, n)
	copy(w.hidden, a.Hidden)
	for i, x := range row {
		w.x[i] = 0
		if width := a.High[i] - a.Low[i]; width > 0 {
			w.x[i] = (x - a.Low[i]) / width
		}
		for k, weight := range a.Weights[i*h : (i+1)*h] {
			w.hidden[k] += w.x[i] * weight
		}
	}
	for k := range w.hidden {
		w.hidden[k] = sigmoid(w.hidden[k])
	}
	var sum float64
	for i := range n {
		z := a.Visible[i]
		for k, weight := range a.Weights[i*h : (i+1)*h] {
			z += w.hidden[k] * weight
		}
		w.out[i] = sigmoid(z)
		sum += (w.x[i] - w.out[i]) * (w.x[i] - w.out[i])
	}
	return math.Sqrt(sum / float64(n))
}

func sized(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}

// learn takes a step down the cross entropy of a row's reproduction, and gives the error before it.
func (a *Autoencoder) learn(row []float64, rate float64, w *work) float64 {
	for i, x := range row {
		a.Low[i], a.High[i] = min(a.Low[i], x), max(a.High[i], x)
	}
	wrong := a.pass(row, w)
	h := len(a.Hidden)
	w.back = sized(w.back, h)
	clear(w.back)
	for i := range row {
		for k, weight := range a.Weights[i*h : (i+1)*h] {
			w.back[k] += (w.x[i] - w.out[i]) * weight
		}
	}
	for k, y := range w.hidden {
		w.back[k] *= y * (1 - y)
		a.Hidden[k] += rate * w.back[k]
	}
	for i := range row {
		off := w.x[i] - w.out[i]
		for k := range h {
			a.Weights[i*h+k] += rate * (w.x[i]*w.back[k] + off*w.hidden[k])
		}
		a.Visible[i] += rate * off
	}
	return wrong
}

// Train trains an ensemble on benign rows, which all have as many columns.
func Train(ctx context.Context, rows [][]float64, o Options, random *rand.Rand) (*Net, error) {
	if o.Most == 0 {
		o.Most = 10
	}
	if o.Map == 0 {
		o.Map = 5000
	}
	if o.Rate == 0 {
		o.Rate = 0.1
	}
	order := random.Perm(len(rows))
	sample := make([][]float64, min(len(rows), o.Map))
	for i := range sample {
		sample[i] = rows[order[i]]
	}
	n := &Net{Groups: Groups(sample, o.Most)}
	if len(n.Groups) == 0 {
		return nil, errors.New("no column of the benign rows varies: there is nothing to learn")
	}
	for _, g := range n.Groups {
		n.Parts = append(n.Parts, newAutoencoder(len(g), random))
	}
	n.Output = newAutoencoder(len(n.Groups), random)
	var w work
	errs, values := make([]float64, len(n.Groups)), []float64{}
	for epoch := range max(o.Epochs, 1) {
		for _, i := range order {
			for k, g := range n.Groups {
				values = pick(values, rows[i], g)
				errs[k] = n.Parts[k].learn(values, o.Rate, &w)
			}
			n.Output.learn(errs, o.Rate, &w)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if o.Report != nil {
			o.Report(epoch + 1)
		}
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	return n, nil
}

// pick gives the numbers of some columns.
func pick(to, row []float64, columns []int) []float64 {
	to = to[:0]
	for _, c := range columns {
		to = append(to, finite(row[c]))
	}
	return to
}

func finite(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}

// Score gives how badly a row is reproduced.
func (n *Net) Score(row []float64) float64 {
	var w work
	var values []float64
	errs := make([]float64, len(n.Groups))
	for k, g := range n.Groups {
		values = pick(values, row, g)
		errs[k] = n.Parts[k].pass(values, &w)
	}
	return n.Output.pass(errs, &w)
}

// Groups groups columns of at most so many by their correlation: single linkage on 1 - r, cut from the top until every
// group is small enough. Columns that do not vary are in none.
func Groups(rows [][]float64, most int) [][]int {
	if len(rows) == 0 {
		return nil
	}
	var columns []int
	var centred [][]float64
	for c := range rows[0] {
		values := make([]float64, len(rows))
		var mean, squares float64
		for i := range rows {
			values[i] = finite(rows[i][c])
			mean += values[i] / float64(len(rows))
		}
		for i := range values {
			values[i] -= mean
			squares += values[i] * values[i]
		}
		if squares <= 1e-24*mean*mean*float64(len(rows)) || squares == 0 {
			continue
		}
		for i := range values {
			values[i] /= math.Sqrt(squares)
		}
		columns, centred = append(columns, c), append(centred, values)
	}
	type cluster struct {
		members     []int
		left, right *cluster
	}
	distance := func(i, j int) (d float64) {
		for k := range centred[i] {
			d += centred[i][k] * centred[j][k]
		}
		return 1 - d
	}
	var open []*cluster
	apart := make([][]float64, len(columns))
	for i := range columns {
		open = append(open, &cluster{members: []int{columns[i]}})
		apart[i] = make([]float64, len(columns))
		for j := range i {
			apart[i][j] = distance(i, j)
			apart[j][i] = apart[i][j]
		}
	}
	for left := len(open); left > 1; left-- {
		a, b, best := -1, -1, math.Inf(1)
		for i := range open {
			for j := range i {
				if open[i] != nil && open[j] != nil && apart[i][j] < best {
					a, b, best = j, i, apart[i][j]
				}
			}
		}
		open[a] = &cluster{members: slices.Concat(open[a].members, open[b].members), left: open[a], right: open[b]}
		open[b] = nil
		for k := range open {
			apart[a][k] = min(apart[a][k], apart[b][k])
			apart[k][a] = apart[a][k]
		}
	}
	var groups [][]int
	var cut func(c *cluster)
	cut = func(c *cluster) {
		if len(c.members) > most {
			cut(c.left)
			cut(c.right)
			return
		}
		slices.Sort(c.members)
		groups = append(groups, c.members)
	}
	for _, c := range open {
		if c != nil {
			cut(c)
		}
	}
	return groups
}

// Validate finds what makes no sense in a net that was read, for rows of so many columns.
func (n *Net) Validate(columns int) error {
	if len(n.Groups) == 0 || len(n.Parts) != len(n.Groups) || n.Output == nil {
		return fmt.Errorf("kitnet: %d groups and %d parts: want as many of both, at least one, and an output", len(n.Groups), len(n.Parts))
	}
	for k, g := range n.Groups {
		for _, c := range g {
			if c < 0 || c >= columns {
				return fmt.Errorf("kitnet: group %d has column %d, and there are %d", k+1, c, columns)
			}
		}
		if err := n.Parts[k].validate(len(g)); err != nil {
			return fmt.Errorf("kitnet: part %d: %w", k+1, err)
		}
	}
	if err := n.Output.validate(len(n.Groups)); err != nil {
		return fmt.Errorf("kitnet: output: %w", err)
	}
	return nil
}

func (a *Autoencoder) validate(inputs int) error {
	if a == nil {
		return errors.New("it is not there")
	}
	h := len(a.Hidden)
	if inputs == 0 || h == 0 || len(a.Low) != inputs || len(a.High) != inputs || len(a.Visible) != inputs || len(a.Weights) != inputs*h {
		return fmt.Errorf("its sizes do not fit %d inputs and %d hidden numbers", inputs, h)
	}
	for _, list := range [][]float64{a.Low, a.High, a.Weights, a.Hidden, a.Visible} {
		if i := slices.IndexFunc(list, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }); i >= 0 {
			return fmt.Errorf("number %d is %v", i+1, list[i])
		}
	}
	return nil
}
