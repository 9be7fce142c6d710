package similarity

import (
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Summary describes many numbers.
type Summary struct {
	N      int     `json:"n"`
	Mean   float64 `json:"mean"`
	Min    float64 `json:"min"`
	Q1     float64 `json:"q1"`
	Median float64 `json:"median"`
	Q3     float64 `json:"q3"`
	Max    float64 `json:"max"`
}

// Summarize describes numbers. Quartiles are interpolated. Without numbers all is 0.
func Summarize(values []float64) Summary {
	if len(values) == 0 {
		return Summary{}
	}
	v := slices.Sorted(slices.Values(values))
	at := func(p float64) float64 {
		place := p * float64(len(v)-1)
		below := int(place)
		if below == len(v)-1 {
			return v[below]
		}
		return v[below] + (place-float64(below))*(v[below+1]-v[below])
	}
	return Summary{N: len(v), Mean: stat.Mean(v, nil), Min: v[0], Q1: at(0.25), Median: at(0.5), Q3: at(0.75), Max: v[len(v)-1]}
}

// AUC is the probability that a number of high is larger than one of low (equal ones count half): the area
// under the ROC curve of telling them apart. 0.5 means that they cannot be told apart. ok is false when one of them is empty.
func AUC(low, high []float64) (auc float64, ok bool) {
	if len(low) == 0 || len(high) == 0 {
		return 0, false
	}
	ranks := slices.Sorted(slices.Values(low))
	sum := 0.0
	for _, x := range high {
		below, _ := slices.BinarySearch(ranks, x)
		equal := below
		for equal < len(ranks) && ranks[equal] == x {
			equal++
		}
		sum += float64(below) + float64(equal-below)/2
	}
	return sum / float64(len(low)*len(high)), true
}
