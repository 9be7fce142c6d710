package flow

import "math/bits"

// fold multiplies two numbers and folds the product.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
