package stats

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// Columns are labels as numbers: a column for each, of one value per item. They are kept centred and scaled to unit
// length within strata, in single precision.
type Columns struct {
	n, columns int
	strata     [][]int       // items of each stratum
	unit       []([]float32) // of each stratum: columns x its items
}

// NewColumns prepares columns; stratum gives that of each item, nil for one stratum.
func NewColumns(columns [][]float64, stratum []int) *Columns {
	c := &Columns{columns: len(columns)}
	if len(columns) > 0 {
		c.n = len(columns[0])
	}
	number := map[int]int{}
	for i := range c.n {
		s := 0
		if stratum != nil {
			s = stratum[i]
		}
		if _, ok := number[s]; !ok {
			number[s] = len(c.strata)
			c.strata = append(c.strata, nil)
		}
		c.strata[number[s]] = append(c.strata[number[s]], i)
	}
	for _, items := range c.strata {
		u := make([]float32, len(columns)*len(items))
		for k, column := range columns {
			unitLength(u[k*len(items):(k+1)*len(items)], column, items)
		}
		c.unit = append(c.unit, u)
	}
	return c
}

// unitLength centres values and scales them to the length 1; all are 0 when they do not vary.
func unitLength(to []float32, values []float64, items []int) {
	m := 0.0
	for _, i := range items {
		m += values[i] / float64(len(items))
	}
	sum := 0.0
	for _, i := range items {
		d := values[i] - m
		sum += d * d
	}
	if sum <= 1e-20*float64(len(items))*(1+m*m) {
		clear(to)
		return
	}
	for j, i := range items {
		to[j] = float32((values[i] - m) / math.Sqrt(sum))
	}
}

// draws at once: as many permutations go through the matrix product together.
const drawsAtOnce = 32

// MaxR tests all columns at once against an error: the permutation test of the largest absolute correlation (Westfall
// and Young 1993), which holds the family-wise error rate and knows how columns go together. Errors are permuted within
// strata; with several strata the correlation is that pooled within them. It gives each column's correlation and
// adjusted p-value, (1 + draws at least as large) / (1 + draws).
func (c *Columns) MaxR(errors []float64, draws int, random *rand.Rand) (r, p []float64) {
	p = make([]float64, c.columns)
	one := c.correlate([][]int{c.identity()}, errors)
	r = make([]float64, c.columns)
	for k := range r {
		r[k] = one[k][0]
	}
	for done := 0; done < draws; {
		batch := make([][]int, min(drawsAtOnce, draws-done))
		for d := range batch {
			batch[d] = c.shuffled(random)
		}
		done += len(batch)
		drawn := c.correlate(batch, errors)
		for d := range batch {
			most := 0.0
			for k := range drawn {
				most = max(most, math.Abs(drawn[k][d]))
			}
			for k := range r {
				if most >= math.Abs(r[k])-1e-6 {
					p[k]++
				}
			}
		}
	}
	for k := range p {
		p[k] = (1 + p[k]) / float64(1+draws)
	}
	return r, p
}

func (c *Columns) identity() []int {
	at := make([]int, c.n)
	for i := range at {
		at[i] = i
	}
	return at
}

// shuffled gives a permutation of the items that stays within strata.
func (c *Columns) shuffled(random *rand.Rand) []int {
	at := make([]int, c.n)
	for _, items := range c.strata {
		for j, i := range items {
			k := random.IntN(j + 1)
			if k != j {
				at[i] = at[items[k]]
			}
			at[items[k]] = i
		}
	}
	return at
}

// correlate gives, for each column and each permutation, the correlation with the permuted errors.
func (c *Columns) correlate(permutations [][]int, errors []float64) [][]float64 {
	d := len(permutations)
	z := make([][]float64, c.columns)
	for k := range z {
		z[k] = make([]float64, d)
	}
	weights := make([]float64, c.columns)
	for s, items := range c.strata {
		n := len(items)
		if len(c.strata) > 1 && n <= 3 {
			continue
		}
		e := make([]float32, n) // errors of the stratum, by place; a permutation only moves them
		unitLength(e, errors, items)
		if c.columns == 0 || !anyFloat(e) {
			continue
		}
		place := make(map[int]int, n)
		if len(c.strata) > 1 {
			for j, i := range items {
				place[i] = j
			}
		}
		moved := make([]float32, d*n)
		for q, at := range permutations {
			for j, i := range items {
				from := at[i]
				if len(c.strata) > 1 {
					from = place[from]
				}
				moved[q*n+j] = e[from]
			}
		}
		product := make([]float32, c.columns*d)
		blas32.Gemm(blas.NoTrans, blas.Trans, 1,
			blas32.General{Rows: c.columns, Cols: n, Stride: n, Data: c.unit[s]},
			blas32.General{Rows: d, Cols: n, Stride: n, Data: moved}, 0,
			blas32.General{Rows: c.columns, Cols: d, Stride: d, Data: product})
		for k := range z {
			if !anyFloat(c.unit[s][k*n : (k+1)*n]) {
				continue
			}
			w := float64(n - 3)
			if len(c.strata) == 1 {
				w = 1
			}
			weights[k] += w
			for q := range d {
				r := min(max(float64(product[k*d+q]), -1), 1)
				if len(c.strata) > 1 {
					r = fisher(r)
				}
				z[k][q] += w * r
			}
		}
	}
	for k := range z {
		for q := range z[k] {
			if weights[k] > 0 {
				z[k][q] /= weights[k]
			}
			if len(c.strata) > 1 {
				z[k][q] = math.Tanh(z[k][q])
			}
		}
	}
	return z
}

func anyFloat(v []float32) bool {
	for _, x := range v {
		if x != 0 {
			return true
		}
	}
	return false
}
