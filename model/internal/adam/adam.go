// Package adam is the optimiser of networks that are trained by gradients.
package adam

import "math"

// Adam is the state of the optimiser of that name (Kingma and Ba 2015, algorithm 1, with its usual decay rates).
type Adam[T float32 | float64] struct {
	first, second []T // moving means of gradients and of their squares
	steps         int
}

// New gives the state for as many weights.
func New[T float32 | float64](weights int) *Adam[T] {
	return &Adam[T]{first: make([]T, weights), second: make([]T, weights)}
}

// longest is the length that a gradient is brought down to, so that one odd batch does not throw the weights far.
const longest = 1

// Step moves the weights against a gradient, whose Euclidean length is given. All have as many numbers as New was told.
func (a *Adam[T]) Step(weights, gradient []T, length, rate T) {
	const b1, b2, tiny = 0.9, 0.999, 1e-8
	a.steps++
	scale := longest / max(length, longest)
	c1, c2 := T(1-math.Pow(b1, float64(a.steps))), T(1-math.Pow(b2, float64(a.steps)))
	for i, x := range gradient {
		x *= scale
		a.first[i] = b1*a.first[i] + (1-b1)*x
		a.second[i] = b2*a.second[i] + (1-b2)*x*x
		weights[i] -= rate * (a.first[i] / c1) / (T(math.Sqrt(float64(a.second[i]/c2))) + tiny)
	}
}
