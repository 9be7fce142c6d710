package adam

import (
	"math"
	"testing"
)

// TestStep compares with two steps worked out by hand: the first moves each weight by the rate, whatever the gradient's
// size; the second by rate (0.1 x 0.9 x 1 + 0.1 x 0.5)/0.19 / sqrt((0.001 x 0.999 x 1 + 0.001 x 0.25)/0.001999).
func TestStep(t *testing.T) {
	a, w := New[float64](1), []float64{2}
	a.Step(w, []float64{1}, 1, 0.1)
	if math.Abs(w[0]-1.9) > 1e-8 {
		t.Errorf("after one step %v", w[0])
	}
	a.Step(w, []float64{0.5}, 0.5, 0.1)
	want := 1.9 - 0.1*((0.09+0.05)/0.19)/math.Sqrt((0.000999+0.00025)/0.001999)
	if math.Abs(w[0]-want) > 1e-7 {
		t.Errorf("after two steps %v, want %v", w[0], want)
	}
}

// TestLongGradientsAreCut: a gradient that is ten times too long counts as one of length 1.
func TestLongGradientsAreCut(t *testing.T) {
	a, b := New[float32](2), New[float32](2)
	x, y := []float32{0, 0}, []float32{0, 0}
	a.Step(x, []float32{6, 8}, 10, 0.01)
	b.Step(y, []float32{0.6, 0.8}, 1, 0.01)
	a.Step(x, []float32{0.1, 0}, 0.1, 0.01)
	b.Step(y, []float32{0.1, 0}, 0.1, 0.01)
	for i := range x {
		if math.Abs(float64(x[i]-y[i])) > 1e-7 {
			t.Errorf("weight %d: %v, want %v", i, x[i], y[i])
		}
	}
}
