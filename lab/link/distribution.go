package link

import (
	"fmt"
	"math"
	"sync"
)

// tableScale is the value in a distribution table that stands for one jitter
// (NETEM_DIST_SCALE).
const tableScale = 8192

// tableSize is the number of equally likely values in a table.
const tableSize = 4096

// The shape of NetEm's Pareto distribution, and what moves it to mean 0: a Pareto variable of
// shape 3 has mean 3/2. The factor stretches its standard deviation, sqrt(3)/2, to 2/sqrt(3).
const (
	paretoShape  = 3
	paretoMean   = 1.5
	paretoFactor = 4.0 / 3
)

// distribution gives the table of a named distribution, nil for "uniform": tableSize
// quantiles of a variable with mean 0, scaled by tableScale. They are the tables that
// iproute2 hands to the kernel, made from their definition (iproute2: netem/normal.c,
// pareto.c, paretonormal.c).
func distribution(name string) ([]int16, error) {
	switch name {
	case "", "uniform":
		return nil, nil
	case "normal":
		return normalTable(), nil
	case "pareto":
		return paretoTable(), nil
	case "paretonormal":
		return paretoNormalTable(), nil
	}
	return nil, fmt.Errorf("distribution %q: must be uniform, normal, pareto or paretonormal", name)
}

// The tables, each made when first asked for; they never change.
var (
	normalTable       = sync.OnceValue(func() []int16 { return table(normalQuantile, math.RoundToEven) })
	paretoTable       = sync.OnceValue(func() []int16 { return table(paretoQuantile, math.RoundToEven) })
	paretoNormalTable = sync.OnceValue(func() []int16 {
		return table(func(k int) float64 {
			return 0.25*normalQuantile(k) + 0.75*math.Min(paretoQuantile(k), math.MaxInt16)
		}, math.Trunc)
	})
)

// uniformTable stands for the uniform distribution where a table must be given.
var uniformTable = sync.OnceValue(func() []int16 {
	return table(func(k int) float64 { return tableScale * (2*float64(k)/tableSize - 1) }, math.RoundToEven)
})

func table(quantile func(k int) float64, round func(float64) float64) []int16 {
	t := make([]int16, tableSize)
	for k := range t {
		t[k] = int16(round(math.Max(math.MinInt16, math.Min(quantile(k), math.MaxInt16))))
	}
	return t
}

// normalQuantile gives entry k: the quantiles are those of every fourth of 16384 slices,
// taken in the slice's middle.
func normalQuantile(k int) float64 {
	p := (4*float64(k) + 0.5) / (4 * tableSize)
	return tableScale * math.Sqrt2 * math.Erfinv(2*p-1)
}

func paretoQuantile(k int) float64 {
	p := 1 - float64(k)/tableSize
	return tableScale * paretoFactor * (math.Pow(p, -1.0/paretoShape) - paretoMean)
}
