package product

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// drawn gives numbers of a normal distribution.
func drawn(random *rand.Rand, n int) []float32 {
	list := make([]float32, n)
	for i := range list {
		list[i] = float32(random.NormFloat64())
	}
	return list
}

// TestProducts compares products with sums of float64, for matrices as they are and transposed, with numbers between
// their rows, by both kinds of blocks.
func TestProducts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, shape := range [][3]int{{4, 16, 1}, {4, 1, 3}, {8, 20, 85}, {64, 256, 85}, {96, 48, 64}, {64, 85, 256}} {
		m, n, k := shape[0], shape[1], shape[2]
		for _, turned := range []bool{false, true} {
			row, column, size := k+3, 1, m*(k+3)
			if turned {
				row, column, size = 1, m+5, k*(m+5)
			}
			a, stride := drawn(random, size), Up(n, Columns)+2
			for _, turnedRight := range []bool{false, true} {
				rowRight, columnRight, sizeRight := n+1, 1, k*(n+1)
				if turnedRight {
					rowRight, columnRight, sizeRight = 1, k+2, n*(k+2)
				}
				b, before := drawn(random, sizeRight), drawn(random, m*stride)
				var p Packed
				p.Pack(k+7, n+9, drawn(random, (k+7)*(n+9)), n+9, 1) // memory that was used before
				p.Pack(k, n, b, rowRight, columnRight)
				got := append([]float32(nil), before...)
				p.Add(m, a, row, column, got, stride)
				other := append([]float32(nil), before...)
				for first := 0; first < p.columns; first += Columns {
					for i := 0; i < m; i += Rows {
						plain(k, a[i*row:], row, column, p.data[first*k:], other[i*stride+first:], stride)
					}
				}
				for i := range m {
					for j := range stride {
						want, sizes := float64(before[i*stride+j]), math.Abs(float64(before[i*stride+j]))
						for l := range k {
							if j < n {
								x := float64(a[i*row+l*column]) * float64(b[l*rowRight+j*columnRight])
								want, sizes = want+x, sizes+math.Abs(x)
							}
						}
						// The bound of k roundings, each of half a unit of the sum so far (Higham 2002, section 3.1).
						bound := float64(k+2) * 0x1p-24 * sizes
						for name, x := range map[string]float32{"kernel": got[i*stride+j], "plain": other[i*stride+j]} {
							if math.Abs(float64(x)-want) > bound {
								t.Fatalf("%v, turned %v and %v: %s: row %d, column %d is %v, want %v", shape, turned, turnedRight, name, i, j, x, want)
							}
						}
					}
				}
			}
		}
	}
}

func TestShortMatricesPanic(t *testing.T) {
	for name, call := range map[string]func(p *Packed){
		"rows":  func(p *Packed) { p.Add(3, make([]float32, 100), 5, 1, make([]float32, 100), 16) },
		"left":  func(p *Packed) { p.Add(4, make([]float32, 19), 5, 1, make([]float32, 100), 16) },
		"right": func(p *Packed) { p.Add(4, make([]float32, 20), 5, 1, make([]float32, 63), 16) },
	} {
		t.Run(name, func(t *testing.T) {
			var p Packed
			p.Pack(5, 16, make([]float32, 80), 16, 1)
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call(&p)
		})
	}
}

// BenchmarkProduct measures the product of a step of the usual network (64 sequences, 85 inputs, 4 x 64 gates) in
// multiplications, by the kernel, without it, and by gonum.
func BenchmarkProduct(b *testing.B) {
	const m, n, k = 64, 256, 85
	random := rand.New(rand.NewPCG(3, 4))
	left, right, c := drawn(random, m*k), drawn(random, k*n), make([]float32, m*n)
	var p Packed
	p.Pack(k, n, right, n, 1)
	for _, way := range []struct {
		name string
		call func()
	}{
		{"kernel", func() { p.Add(m, left, k, 1, c, n) }},
		{"plain", func() {
			for first := 0; first < n; first += Columns {
				for i := 0; i < m; i += Rows {
					plain(k, left[i*k:], k, 1, p.data[first*k:], c[i*n+first:], n)
				}
			}
		}},
		{"gonum", func() {
			blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, blas32.General{Rows: m, Cols: k, Stride: k, Data: left}, blas32.General{Rows: k, Cols: n, Stride: n, Data: right}, 1, blas32.General{Rows: m, Cols: n, Stride: n, Data: c})
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			for b.Loop() {
				way.call()
			}
			b.ReportMetric(float64(b.N)*m*n*k/b.Elapsed().Seconds()/1e9, "G/s")
		})
	}
}
