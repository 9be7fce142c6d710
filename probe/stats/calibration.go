package stats

import "math"

// Calibration says how far scores are probabilities.
type Calibration struct {
	ECE   float64 `json:"ece"`   // expected calibration error over bins of equal width (Guo et al. 2017)
	Brier float64 `json:"brier"` // mean squared error of the score (Brier 1950)
	Bins  []Bin   `json:"bins"`
}

// Bin is a range of scores: the mean score in it and the share of attacks.
type Bin struct {
	N     int     `json:"n"`
	Score float64 `json:"score"`
	Share float64 `json:"share"`
}

// Calibrate measures the calibration of scores in [0, 1].
func Calibrate(scores []float64, attack []bool, bins int) Calibration {
	c := Calibration{Bins: make([]Bin, bins)}
	for i, s := range scores {
		b := &c.Bins[min(max(int(s*float64(bins)), 0), bins-1)]
		y := 0.0
		if attack[i] {
			y = 1
		}
		b.N++
		b.Score += s
		b.Share += y
		c.Brier += (s - y) * (s - y) / float64(len(scores))
	}
	for i := range c.Bins {
		if b := &c.Bins[i]; b.N > 0 {
			b.Score /= float64(b.N)
			b.Share /= float64(b.N)
			c.ECE += float64(b.N) / float64(len(scores)) * math.Abs(b.Score-b.Share)
		}
	}
	return c
}
