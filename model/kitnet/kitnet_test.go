package kitnet

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"detgen/internal/oracle"
)

// drawn gives an autoencoder of 7 inputs that has seen the range of some rows, and a row.
func drawn(random *rand.Rand) (*Autoencoder, []float64) {
	a := newAutoencoder(7, random)
	row := make([]float64, 7)
	for i := range row {
		a.Low[i], a.High[i], row[i] = -1, 2, 3*random.Float64()-1
	}
	for k := range a.Hidden {
		a.Hidden[k] = random.NormFloat64()
	}
	return a, row
}

// entropy is the cross entropy of a row's reproduction.
func (a *Autoencoder) entropy(row []float64) (sum float64) {
	var w work
	a.pass(row, &w)
	for i, x := range w.x {
		sum -= x*math.Log(w.out[i]) + (1-x)*math.Log(1-w.out[i])
	}
	return sum
}

// TestStepIsDownhill compares a step of learning with differences of the cross entropy, for every weight.
func TestStepIsDownhill(t *testing.T) {
	a, row := drawn(rand.New(rand.NewPCG(1, 2)))
	stepped := &Autoencoder{Low: a.Low, High: a.High, Weights: slices.Clone(a.Weights), Hidden: slices.Clone(a.Hidden), Visible: slices.Clone(a.Visible)}
	const rate = 0.01
	stepped.learn(row, rate, &work{})
	const h = 1e-5
	for name, pair := range map[string][2][]float64{"weight": {a.Weights, stepped.Weights}, "hidden": {a.Hidden, stepped.Hidden}, "visible": {a.Visible, stepped.Visible}} {
		for i := range pair[0] {
			was := pair[0][i]
			pair[0][i] = was + h
			up := a.entropy(row)
			pair[0][i] = was - h
			down := a.entropy(row)
			pair[0][i] = was
			want := -(up - down) / (2 * h)
			if got := (pair[1][i] - was) / rate; math.Abs(got-want) > 1e-6+1e-5*math.Abs(want) {
				t.Errorf("%s %d: step %v, and the slope says %v", name, i, got, want)
			}
		}
	}
}

const script = `
import json, sys, torch
q = json.load(sys.stdin)
t = lambda x: torch.tensor(x, dtype=torch.float64)
low, high = t(q["low"]), t(q["high"])
w, h, v = (t(q[k]).requires_grad_() for k in ("weights", "hidden", "visible"))
x = (t(q["row"]) - low) / (high - low)
z = torch.sigmoid(torch.sigmoid(x @ w.reshape(len(x), -1) + h) @ w.reshape(len(x), -1).T + v)
torch.nn.functional.binary_cross_entropy(z, x, reduction="sum").backward()
json.dump({"error": ((x - z) ** 2).mean().sqrt().item(), "weights": w.grad.tolist(), "hidden": h.grad.tolist(), "visible": v.grad.tolist()}, sys.stdout)
`

// TestAgainstPyTorch compares an autoencoder's error, and a step of learning, with PyTorch's on the same weights.
func TestAgainstPyTorch(t *testing.T) {
	if testing.Short() {
		t.Skip("asks PyTorch")
	}
	a, row := drawn(rand.New(rand.NewPCG(3, 4)))
	question := map[string]any{"low": a.Low, "high": a.High, "weights": a.Weights, "hidden": a.Hidden, "visible": a.Visible, "row": row}
	var answer struct {
		Error                    float64
		Weights, Hidden, Visible []float64
	}
	oracle.Python(t, script, question, &answer)
	before := Autoencoder{Weights: slices.Clone(a.Weights), Hidden: slices.Clone(a.Hidden), Visible: slices.Clone(a.Visible)}
	if got := a.learn(row, 0.1, &work{}); math.Abs(got-answer.Error) > 1e-12 {
		t.Errorf("error %v, PyTorch %v", got, answer.Error)
	}
	for _, part := range [][3][]float64{{before.Weights, a.Weights, answer.Weights}, {before.Hidden, a.Hidden, answer.Hidden}, {before.Visible, a.Visible, answer.Visible}} {
		for i := range part[0] {
			if want := part[0][i] - 0.1*part[2][i]; math.Abs(part[1][i]-want) > 1e-12 {
				t.Fatalf("number %d after a step: %v, PyTorch %v", i, part[1][i], want)
			}
		}
	}
}

// TestGroups groups columns that go together, and leaves out those that do not vary.
func TestGroups(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var rows [][]float64
	for range 300 {
		a, b := random.NormFloat64(), random.NormFloat64()
		rows = append(rows, []float64{a, b, 7, 2*a + 0.1*random.NormFloat64(), math.NaN(), b + 0.1*random.NormFloat64(), a - 5 + 0.2*random.NormFloat64()})
	}
	got := Groups(rows, 3)
	slices.SortFunc(got, func(a, b []int) int { return a[0] - b[0] })
	if len(got) != 2 || !slices.Equal(got[0], []int{0, 3, 6}) || !slices.Equal(got[1], []int{1, 5}) {
		t.Errorf("groups %v; 0, 3 and 6 go together, and 1 and 5", got)
	}
	for _, g := range Groups(rows, 2) {
		if len(g) > 2 {
			t.Errorf("a group of %d columns, of 2 at most", len(g))
		}
	}
}

// TestWhatIsOtherStandsOut trains on rows of one kind and scores others.
func TestWhatIsOtherStandsOut(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	row := func(turn float64) []float64 {
		a, b := random.NormFloat64(), random.NormFloat64()
		return []float64{a, turn*a + 0.1*random.NormFloat64(), b, b*b + 0.1*random.NormFloat64(), math.Inf(1), a + turn*b}
	}
	var rows [][]float64
	for range 4000 {
		rows = append(rows, row(1))
	}
	train := func() *Net {
		n, err := Train(context.Background(), rows, Options{Most: 3, Epochs: 3}, rand.New(rand.NewPCG(9, 9)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	n := train()
	if err := n.Validate(6); err != nil {
		t.Fatal(err)
	}
	var same, other float64
	for range 500 {
		same += n.Score(row(1)) / 500
		other += n.Score(row(-1)) / 500
	}
	if other < 1.5*same {
		t.Errorf("mean score %v of rows like those of training, %v of others", same, other)
	}
	if x := row(1); n.Score(x) != train().Score(x) {
		t.Error("the same seed gave another net")
	}
	n.Parts[0].Weights = n.Parts[0].Weights[1:]
	if err := n.Validate(6); err == nil {
		t.Error("a net that lacks a weight is no error")
	}
}
