package product

import "golang.org/x/sys/cpu"

var fast = cpu.X86.HasAVX2 && cpu.X86.HasFMA

// kernel adds the product of 4 rows and a panel to 4 x 16 numbers. Distances are in bytes; k is at least 1.
//
//go:noescape
func kernel(k int, a *float32, row, column int, panel, c *float32, stride int)

func block(k int, a []float32, row, column int, panel, c []float32, stride int) {
	if !fast {
		plain(k, a, row, column, panel, c, stride)
		return
	}
	kernel(k, &a[0], 4*row, 4*column, &panel[0], &c[0], 4*stride)
}
