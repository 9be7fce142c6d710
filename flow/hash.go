package flow

import "math/bits"

// mix multiplies two numbers and folds the product.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
