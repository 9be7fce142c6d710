package cbam

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"detgen/internal/oracle"
)

// sessions draws sessions in which a lookup of a name comes before each page.
func sessions(random *rand.Rand, n int) (list [][][]float32) {
	for range n {
		var s [][]float32
		for range 1 + random.IntN(5) {
			s = append(s, []float32{17, 53, 1, float32(60 + random.IntN(40)), 0}, []float32{6, 80, 1, float32(1000 + random.IntN(5000)), 0})
		}
		list = append(list, s)
	}
	return list
}

func small(t *testing.T, random *rand.Rand) (*Network, [][][]float32) {
	t.Helper()
	list := append(sessions(random, 6), [][]float32{{6, 22, 0, 500, 0}})
	s, err := ShapeOf(list, 4)
	if err != nil {
		t.Fatal(err)
	}
	return New(s, random), list
}

// TestGradient compares slopes with differences of the loss.
func TestGradient(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	n, list := small(t, random)
	g := empty(n.Shape)
	session := append(slices.Clone(list[0]), []float32{6, 9999, 1, 3, 0}) // with one that is not known
	n.gradient(session, 1, g)
	const h = 1e-6
	for i := range n.all {
		was := n.all[i]
		n.all[i] = was + h
		up := n.gradient(session, 0, empty(n.Shape))
		n.all[i] = was - h
		down := n.gradient(session, 0, empty(n.Shape))
		n.all[i] = was
		if want := (up - down) / (2 * h); math.Abs(g.all[i]-want) > 1e-6+1e-4*math.Abs(want) {
			t.Fatalf("slope %d is %v, and differences say %v", i, g.all[i], want)
		}
	}
}

const script = `
import json, sys, torch
q = json.load(sys.stdin)
torch.set_default_dtype(torch.float64)
w = torch.tensor(q["weights"])
at = 0
def take(*shape):
    global at
    n = 1
    for s in shape: n *= s
    part = w[at:at + n].reshape(shape).clone().requires_grad_()
    at += n
    return part
h, known = q["cells"], q["known"]
leaves = [take(known + 1, 10), take(8, 5)]
stacks = []
for _ in range(2):
    layers = []
    for d in (15, h):
        parts = [take(d, 4 * h), take(h, 4 * h), take(4 * h)]
        layers.append(parts)
        leaves += parts
    stacks.append(layers)
head = [take(2 * h, 2 * h), take(2 * h), take(2 * h, known), take(known), take(2 * h, 7), take(7)]
leaves += head
def run(layers, x):
    for wi, wr, b in layers:
        lstm = torch.nn.LSTM(wi.shape[0], h, batch_first=True)
        names = {"weight_ih_l0": wi.T, "weight_hh_l0": wr.T, "bias_ih_l0": b, "bias_hh_l0": torch.zeros(4 * h)}
        for name, value in names.items():
            delattr(lstm, name)
            setattr(lstm, name, value.contiguous())
        lstm._flat_weights = [names[n].contiguous() for n in lstm._flat_weights_names]
        x = lstm(x[None])[0][0]
    return x
state, size = torch.tensor(q["states"]), torch.tensor(q["bins"])
e = torch.cat([leaves[0][state], leaves[1][size]], 1)
edge = torch.cat([leaves[0][known], leaves[1][7]])[None]
there = run(stacks[0], torch.cat([edge, e[:-1]]))
back = run(stacks[1], torch.cat([edge, e[1:].flip(0)])).flip(0)
m = torch.relu(torch.cat([there, back], 1) @ head[0] + head[1])
loss = torch.nn.functional.cross_entropy(m @ head[2] + head[3], state) + torch.nn.functional.cross_entropy(m @ head[4] + head[5], size)
loss.backward()
json.dump({"loss": loss.item(), "gradient": sum([x.grad.reshape(-1).tolist() for x in leaves], [])}, sys.stdout)
`

// TestAgainstPyTorch compares loss and slopes with PyTorch's on the same weights.
func TestAgainstPyTorch(t *testing.T) {
	if testing.Short() {
		t.Skip("asks PyTorch")
	}
	n, list := small(t, rand.New(rand.NewPCG(3, 4)))
	session := list[1]
	states, bins := n.tokens(session)
	var answer struct {
		Loss     float64
		Gradient []float64
	}
	oracle.Python(t, script, map[string]any{"weights": n.all, "cells": n.Cells, "known": n.known(), "states": states, "bins": bins}, &answer)
	g := empty(n.Shape)
	if loss := n.gradient(session, 1, g); math.Abs(loss-answer.Loss) > 1e-10 {
		t.Errorf("loss %v, PyTorch %v", loss, answer.Loss)
	}
	if len(answer.Gradient) != len(g.all) {
		t.Fatalf("%d slopes, PyTorch %d", len(g.all), len(answer.Gradient))
	}
	for i, want := range answer.Gradient {
		if math.Abs(g.all[i]-want) > 1e-10 {
			t.Fatalf("slope %d is %v, PyTorch %v", i, g.all[i], want)
		}
	}
}

// TestOrderMatters trains on sessions in which one kind of connection follows the other, and scores others.
func TestOrderMatters(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	list := sessions(random, 120)
	s, err := ShapeOf(list, 8)
	if err != nil {
		t.Fatal(err)
	}
	n := New(s, random)
	if err := n.Train(context.Background(), list, Options{Epochs: 15, Rate: 0.02}, random); err != nil {
		t.Fatal(err)
	}
	usual, turned, strange := 0.0, 0.0, 0.0
	last := func(s [][]float32) float64 { x := n.Surprise(s); return x[len(x)-1] }
	for _, s := range sessions(random, 50) {
		usual += last(s) / 50
		r := slices.Clone(s)
		slices.Reverse(r)
		turned += last(r) / 50
		strange += last(append(s, []float32{6, 4444, 0, 9e6, 0})) / 50
	}
	if usual > 0.45 || turned < usual+0.08 || strange < usual+0.05 {
		t.Errorf("surprise: %.3f of sessions like those of training, %.3f of the same the other way round, %.3f with a strange connection", usual, turned, strange)
	}
	// A connection's probability does not come from itself.
	one := sessions(random, 1)[0]
	a, _ := n.Probabilities(one)
	other := slices.Clone(one)
	other[0] = []float32{6, 80, 1, 5, 0}
	p, q := n.pass(one), n.pass(other)
	if !slices.Equal(p.state[0], q.state[0]) || len(a) != len(one) {
		t.Error("the probabilities for a connection change with it")
	}
}
