package lstm

import (
	"context"
	"math"
	"math/rand/v2"
	"syscall"
	"testing"

	"detgen/internal/oracle"
)

// usual is the shape for the recipe tokens1: 20 features, 64 cells.
func usual() Shape { return NewShape([]int{2, 16, 16, 16, 8}, 64) }

// drawn makes sequences of random tokens.
func drawn(random *rand.Rand, s Shape, count, shortest, longest int) [][][]float32 {
	list := make([][][]float32, count)
	for i := range list {
		list[i] = make([][]float32, shortest+random.IntN(longest-shortest+1))
		for t := range list[i] {
			list[i][t] = make([]float32, len(s.Levels))
			for c, levels := range s.Levels {
				if levels == 0 {
					list[i][t][c] = float32(random.NormFloat64())
				} else {
					list[i][t][c] = float32(random.IntN(levels))
				}
			}
		}
	}
	return list
}

func TestUsualShapeHas20Features(t *testing.T) {
	s := usual()
	if s.features() != 20 {
		t.Errorf("%d features", s.features())
	}
}

func TestTanh(t *testing.T) {
	for x := -12.0; x < 12; x += 0.0037 {
		both := [2][]float32{{float32(x)}, {float32(2 * x)}}
		tanhsOf(both[0])
		sigmoids(both[1])
		if d := math.Abs(float64(2*both[1][0]-1) - math.Tanh(x)); d > 6e-7 {
			t.Fatalf("sigmoid(%v) is off by %v", 2*x, d)
		}
		if d := math.Abs(float64(both[0][0]) - math.Tanh(x)); d > 6e-7 {
			t.Fatalf("tanh(%v) is off by %v", x, d)
		}
	}
}

// TestGradient compares the gradient with differences, of every kind of weight.
func TestGradient(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := NewShape([]int{3, 0, 9}, 5)
	n := New(s, random)
	var examples []Example
	for i, steps := range drawn(random, s, 4, 1, 7) {
		examples = append(examples, Example{steps, i%2 == 0})
	}
	weight := func(attack bool) float32 {
		if attack {
			return 1.5
		}
		return 0.5
	}
	var p pass
	w := n.newWork()
	n.gradient(&p, w, examples, weight)
	got := append([]float32(nil), w.gradient.all...)
	const step = 1e-2
	for i := range n.all {
		was := n.all[i]
		n.all[i] = was + step
		above := n.gradient(&p, w, examples, weight)
		n.all[i] = was - step
		below := n.gradient(&p, w, examples, weight)
		n.all[i] = was
		if want := (above - below) / (2 * step); math.Abs(want-float64(got[i])) > 2e-5+1e-3*math.Abs(want) {
			t.Errorf("weight %d of %d: gradient %v, by differences %v", i, len(n.all), got[i], want)
		}
	}
}

func TestScoresDoNotDependOnTheBatch(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	s := usual()
	n := New(s, random)
	sequences := drawn(random, s, 30, 1, 60)
	together := n.Probabilities(sequences)
	for i := range sequences {
		alone := n.Probabilities(sequences[i : i+1])[0]
		for k := range alone {
			if math.Abs(alone[k]-together[i][k]) > 1e-6 {
				t.Fatalf("sequence %d, step %d: %v alone, %v together", i, k, alone[k], together[i][k])
			}
		}
	}
}

// remember makes sequences in which an attack has token 1 in its first column at the start, and nothing else differs.
func remember(random *rand.Rand, count int) (list []Example) {
	s := usual()
	for i, steps := range drawn(random, s, count, 10, 20) {
		attack := i%3 == 0
		steps[1][2] = 3
		if attack {
			steps[1][2] = 11
		}
		list = append(list, Example{steps, attack})
	}
	return list
}

func TestItLearnsWhatItHasToRemember(t *testing.T) {
	train := func() *Network {
		random := rand.New(rand.NewPCG(5, 6))
		n := New(NewShape([]int{2, 16, 16, 16, 8}, 16), random)
		if err := n.Train(context.Background(), remember(random, 400), Options{Epochs: 12, Batch: 32, Rate: 0.01}, random); err != nil {
			t.Fatal(err)
		}
		return n
	}
	n, again := train(), train()
	for i := range n.all {
		if n.all[i] != again.all[i] {
			t.Fatal("the same seed gave other weights")
		}
	}
	right := 0
	test := remember(rand.New(rand.NewPCG(7, 8)), 200)
	for _, e := range test {
		p := n.Probabilities([][][]float32{e.Steps})[0]
		if (p[len(p)-1] > 0.5) == e.Attack {
			right++
		}
	}
	if right < 190 {
		t.Errorf("%d of 200 right", right)
	}
}

// script asks PyTorch for the logits, the loss and the gradient of the same network.
const script = `
import json, sys, torch
q = json.load(sys.stdin)
h, d = q["cells"], sum(q["dims"])
tensor = lambda name, *shape: torch.tensor(q[name], dtype=torch.float32).reshape(shape).requires_grad_()
embed = [torch.tensor(e, dtype=torch.float32).reshape(l, k).requires_grad_() for e, l, k in zip(q["embed"], q["levels"], q["dims"])]
w, r, b, o, s = tensor("in", d, 4 * h), tensor("rec", h, 4 * h), tensor("bias", 4 * h), tensor("out", h), tensor("shift", 1)
lstm = torch.nn.LSTM(d, h, batch_first=True)
for name, value in {"weight_ih_l0": w.T, "weight_hh_l0": r.T, "bias_ih_l0": b, "bias_hh_l0": torch.zeros(4 * h)}.items():
    setattr(lstm, name, torch.nn.Parameter(value.detach().clone()))
logits, loss = [], 0
for steps, attack in zip(q["steps"], q["attack"]):
    x = torch.cat([e[torch.tensor([int(step[c]) for step in steps])] for c, e in enumerate(embed)], 1)[None]
    z = lstm(x)[0][0] @ o + s
    n = len(steps)
    share = 2 * torch.arange(1, n + 1) / (n * (n + 1))
    loss = loss + (share * torch.nn.functional.binary_cross_entropy_with_logits(z, torch.full((n,), float(attack)), reduction="none")).sum() / len(q["steps"])
    logits.append(z.tolist())
loss.backward()
grads = [e.grad for e in embed] + [lstm.weight_ih_l0.grad.T, lstm.weight_hh_l0.grad.T, lstm.bias_ih_l0.grad, o.grad, s.grad]
json.dump({"logits": logits, "loss": loss.item(), "gradient": sum([g.reshape(-1).tolist() for g in grads], [])}, sys.stdout)
`

// TestAgainstPyTorch compares both passes with PyTorch's on the same weights.
func TestAgainstPyTorch(t *testing.T) {
	if testing.Short() {
		t.Skip("asks PyTorch")
	}
	random := rand.New(rand.NewPCG(9, 10))
	s := usual()
	n := New(s, random)
	question := map[string]any{"cells": s.Cells, "dims": s.Dims, "levels": s.Levels, "embed": n.Embed, "in": n.In, "rec": n.Rec, "bias": n.Bias, "out": n.Out, "shift": n.Shift}
	sequences := drawn(random, s, 5, 3, 40)
	var examples []Example
	attack := []int{1, 0, 0, 1, 0}
	for i := range sequences {
		examples = append(examples, Example{sequences[i], attack[i] == 1})
	}
	question["steps"], question["attack"] = sequences, attack
	var answer struct {
		Logits   [][]float64
		Loss     float64
		Gradient []float64
	}
	oracle.Python(t, script, question, &answer)
	var p pass
	w := n.newWork()
	loss := n.gradient(&p, w, examples, func(bool) float32 { return 1 })
	if math.Abs(loss-answer.Loss) > 1e-6 {
		t.Errorf("loss %v, PyTorch %v", loss, answer.Loss)
	}
	for i, z := range answer.Logits {
		for k, want := range z {
			if got := float64(p.logit[k*p.rows+i]); math.Abs(got-want) > 5e-6 {
				t.Fatalf("sequence %d, step %d: logit %v, PyTorch %v", i, k, got, want)
			}
		}
	}
	for i, want := range answer.Gradient {
		if got := float64(w.gradient.all[i]); math.Abs(got-want) > 1e-6+1e-4*math.Abs(want) {
			t.Fatalf("gradient %d: %v, PyTorch %v", i, got, want)
		}
	}
}

// processorTime is what this process used so far, seconds.
func processorTime(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// BenchmarkTraining measures training on sequences of 40 steps: 20 features, 64 cells.
func BenchmarkTraining(b *testing.B) {
	random := rand.New(rand.NewPCG(11, 12))
	s := usual()
	n := New(s, random)
	var examples []Example
	for i, steps := range drawn(random, s, 1280, 40, 40) {
		examples = append(examples, Example{steps, i%2 == 0})
	}
	before := processorTime(b)
	for b.Loop() {
		if err := n.Train(context.Background(), examples, Options{Epochs: 1}, random); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(examples))/(processorTime(b)-before), "sequences/cpu-s")
}

// BenchmarkInference measures scoring of the same.
func BenchmarkInference(b *testing.B) {
	random := rand.New(rand.NewPCG(13, 14))
	s := usual()
	n := New(s, random)
	sequences := drawn(random, s, 64, 40, 40)
	var p pass
	before := processorTime(b)
	for b.Loop() {
		n.probabilities(&p, sequences)
	}
	b.ReportMetric(float64(b.N*len(sequences))/(processorTime(b)-before), "sequences/cpu-s")
}
