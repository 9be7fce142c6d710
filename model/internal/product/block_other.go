//go:build !amd64

package product

func block(k int, a []float32, row, column int, panel, c []float32, stride int) {
	plain(k, a, row, column, panel, c, stride)
}
