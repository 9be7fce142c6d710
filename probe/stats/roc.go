package stats

import (
	"fmt"
	"math"
	"slices"
)

// Area is the area under a ROC curve: the probability that an attack scores higher than a benign item, equal scores
// counting half.
type Area struct {
	AUC      float64  `json:"auc"`
	Interval Interval `json:"interval"`
	Variance float64  `json:"variance"`
	Benign   int      `json:"benign"`
	Attacks  int      `json:"attacks"`
}

// placements gives what DeLong's method is made of: for each attack the share of benign items below it, for each benign
// item the share of attacks above it (Sun and Xu 2014, by mid-ranks).
func placements(benign, attacks []float64) (auc float64, ofAttacks, ofBenign []float64) {
	m, n := float64(len(attacks)), float64(len(benign))
	all, _ := Ranks(slices.Concat(attacks, benign))
	own, _ := Ranks(attacks)
	ofAttacks, ofBenign = make([]float64, len(attacks)), make([]float64, len(benign))
	for i := range attacks {
		ofAttacks[i] = (all[i] - own[i]) / n
		auc += ofAttacks[i]
	}
	auc /= m
	own, _ = Ranks(benign)
	for i := range benign {
		ofBenign[i] = 1 - (all[len(attacks)+i]-own[i])/m
	}
	return auc, ofAttacks, ofBenign
}

// AUC gives the area under the curve with DeLong's variance (DeLong et al. 1988) and an interval on the logit scale,
// which stays inside 0 and 1. With an area of exactly 0 or 1 the variance is 0, and the interval is that of the smaller
// class's share by Clopper and Pearson, which is honest about small samples. Both classes must have items.
func AUC(benign, attacks []float64) Area {
	auc, a, b := placements(benign, attacks)
	r := Area{AUC: auc, Benign: len(benign), Attacks: len(attacks)}
	r.Variance = covariance(a, a)/float64(len(a)) + covariance(b, b)/float64(len(b))
	switch n := min(len(a), len(b)); {
	case n < 2:
		r.Interval = Interval{0, 1}
	case auc <= 0:
		r.Interval = ClopperPearson(0, n)
	case auc >= 1:
		r.Interval = ClopperPearson(n, n)
	default:
		logit, half := math.Log(auc/(1-auc)), z95*math.Sqrt(r.Variance)/(auc*(1-auc))
		r.Interval = Interval{logistic(logit - half), logistic(logit + half)}
	}
	return r
}

// AUCDifference compares two models' scores of the same items (paired DeLong).
type AUCDifference struct {
	First      float64  `json:"first"`
	Second     float64  `json:"second"`
	Difference float64  `json:"difference"` // second less first
	Interval   Interval `json:"interval"`
	P          float64  `json:"p"`
}

// CompareAUC compares the areas of two models: the i-th benign item has the scores benign1[i] and benign2[i], and so
// with attacks.
func CompareAUC(benign1, attacks1, benign2, attacks2 []float64) AUCDifference {
	first, a1, b1 := placements(benign1, attacks1)
	second, a2, b2 := placements(benign2, attacks2)
	m, n := float64(len(a1)), float64(len(b1))
	variance := (covariance(a1, a1)+covariance(a2, a2)-2*covariance(a1, a2))/m +
		(covariance(b1, b1)+covariance(b2, b2)-2*covariance(b1, b2))/n
	d := AUCDifference{First: first, Second: second, Difference: second - first, P: 1}
	half := z95 * math.Sqrt(max(variance, 0))
	d.Interval = Interval{d.Difference - half, d.Difference + half}
	switch {
	case variance > 0:
		d.P = twoSided(d.Difference / math.Sqrt(variance))
	case d.Difference != 0:
		d.P = 0
	}
	return d
}

// covariance is the sample covariance of two lists.
func covariance(a, b []float64) float64 {
	if len(a) < 2 {
		return 0
	}
	ma, mb := mean(a), mean(b)
	sum := 0.0
	for i := range a {
		sum += (a[i] - ma) * (b[i] - mb)
	}
	return sum / float64(len(a)-1)
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// Operating is a threshold and what it gives: an item is called an attack when its score is at least the threshold.
type Operating struct {
	Rule          string     `json:"rule"`
	Threshold     float64    `json:"threshold"`
	Detection     Proportion `json:"detection"`
	FalsePositive Proportion `json:"false_positive"`
}

// At gives what a threshold does.
func At(rule string, threshold float64, benign, attacks []float64) Operating {
	return Operating{rule, threshold, NewProportion(atLeast(attacks, threshold), len(attacks)), NewProportion(atLeast(benign, threshold), len(benign))}
}

func atLeast(v []float64, threshold float64) (n int) {
	for _, x := range v {
		if x >= threshold {
			n++
		}
	}
	return n
}

// ROC is the curve: its points from no alert to alerts only, with the thresholds that give them.
type ROC struct {
	FalsePositive []float64
	Detection     []float64
	Threshold     []float64
}

// NewROC makes the curve. Both classes must have items.
func NewROC(benign, attacks []float64) *ROC {
	b, a := slices.Sorted(slices.Values(benign)), slices.Sorted(slices.Values(attacks))
	i, j := len(b), len(a)
	r := &ROC{[]float64{0}, []float64{0}, []float64{math.Nextafter(max(b[i-1], a[j-1]), math.Inf(1))}}
	for i > 0 || j > 0 {
		t := math.Inf(-1)
		if i > 0 {
			t = b[i-1]
		}
		if j > 0 {
			t = max(t, a[j-1])
		}
		for i > 0 && b[i-1] == t {
			i--
		}
		for j > 0 && a[j-1] == t {
			j--
		}
		r.FalsePositive = append(r.FalsePositive, float64(len(b)-i)/float64(len(b)))
		r.Detection = append(r.Detection, float64(len(a)-j)/float64(len(a)))
		r.Threshold = append(r.Threshold, t)
	}
	return r
}

// GeometricMean is the threshold where sqrt(detection x (1 - false positives)) is largest, as the paper tunes it.
func (r *ROC) GeometricMean() float64 {
	best, at := -1.0, 0
	for i := range r.Threshold {
		if g := r.Detection[i] * (1 - r.FalsePositive[i]); g > best {
			best, at = g, i
		}
	}
	return r.Threshold[at]
}

// ForFalsePositive is the lowest threshold with at most a share of false positives.
func (r *ROC) ForFalsePositive(share float64) float64 {
	at := 0
	for i := range r.Threshold {
		if r.FalsePositive[i] <= share {
			at = i
		}
	}
	return r.Threshold[at]
}

// NeedBenign is how many benign items it takes to see a rate of false positives: below it not one is expected.
func NeedBenign(share float64) int { return int(math.Ceil(1/share - 1e-9)) }

// CheckRate finds that there are too few benign items for a rate of false positives.
func CheckRate(share float64, benign int) error {
	if need := NeedBenign(share); benign < need {
		return fmt.Errorf("a rate of false positives of %g takes at least %d benign items; there are %d", share, need, benign)
	}
	return nil
}
