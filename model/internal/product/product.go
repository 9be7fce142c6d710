// Package product multiplies small matrices of float32 that hold a batch of a network's activations or its weights. One
// block of 4 x 16 results is worked on at a time, in registers (Goto and van de Geijn 2008); on x86-64 with AVX2 and FMA
// by a kernel in assembly. gonum's product adds row by row with SSE: it takes seven times as long on these sizes. With FMA
// products are not rounded before they are added, so the last bits of results are those of the processor's kind.
package product

// Rows and Columns are how many rows and columns are worked on at once: what is multiplied has multiples of them.
const (
	Rows    = 4
	Columns = 16
)

// Up rounds a number up to a multiple of another.
func Up(n, to int) int { return (n + to - 1) / to * to }

// Packed is a right-hand matrix as the kernel reads it: Columns columns after each other, each with all of its rows.
type Packed struct {
	rows, columns int // columns: a multiple of Columns
	data          []float32
}

// Pack takes a matrix of rows x columns; row and column are how far numbers are apart that follow each other in a column
// and in a row. Columns that are missing to a multiple of Columns are zeros. The memory of p is used again.
func (p *Packed) Pack(rows, columns int, m []float32, row, column int) {
	wide := Up(columns, Columns)
	if n := rows * wide; cap(p.data) < n {
		p.data = make([]float32, n)
	} else {
		p.data = p.data[:n]
	}
	p.rows, p.columns = rows, wide
	for first := 0; first < wide; first += Columns {
		panel := p.data[first*rows:][:rows*Columns]
		n := min(Columns, columns-first)
		for k := range rows {
			to := panel[k*Columns:][:Columns]
			if column == 1 {
				clear(to[copy(to, m[k*row+first:][:n]):])
				continue
			}
			for j := range to {
				to[j] = 0
				if j < n {
					to[j] = m[k*row+(first+j)*column]
				}
			}
		}
	}
}

// Add adds the product of a left-hand matrix and p to c. The left one has so many rows (a multiple of Rows) and as many
// columns as p has rows; row and column are how far its numbers are apart, and stride how far rows of c are.
func (p *Packed) Add(rows int, a []float32, row, column int, c []float32, stride int) {
	if rows == 0 || p.rows == 0 {
		return
	}
	if rows%Rows != 0 || len(a) <= (rows-1)*row+(p.rows-1)*column || len(c) < (rows-1)*stride+p.columns {
		panic("product: matrices are too short")
	}
	for first := 0; first < p.columns; first += Columns {
		panel := p.data[first*p.rows:][:p.rows*Columns]
		for i := 0; i < rows; i += Rows {
			block(p.rows, a[i*row:], row, column, panel, c[i*stride+first:], stride)
		}
	}
}

// plain is block without assembly: it adds the product of 4 rows of a and a panel to 4 x 16 numbers of c.
func plain(k int, a []float32, row, column int, panel, c []float32, stride int) {
	for i := range Rows {
		sum := [Columns]float32(c[i*stride:])
		for l := range k {
			x := a[i*row+l*column]
			for j, y := range (*[Columns]float32)(panel[l*Columns:]) {
				sum[j] += x * y
			}
		}
		copy(c[i*stride:], sum[:])
	}
}
