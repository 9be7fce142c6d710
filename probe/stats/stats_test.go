package stats

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestPublished compares with values that were published with the methods.
func TestPublished(t *testing.T) {
	near := func(what string, got, want, within float64) {
		t.Helper()
		if !(math.Abs(got-want) <= within) {
			t.Errorf("%s: %.6g, published %.6g", what, got, want)
		}
	}
	// Newcombe (Statistics in Medicine 17, 1998, table I): intervals of one proportion.
	for _, p := range []struct {
		k, n                                   int
		wilsonLow, wilsonHigh, exactLow, exact float64
	}{{81, 263, 0.2553, 0.3662, 0.2527, 0.3676}, {15, 148, 0.0624, 0.1605, 0.0578, 0.1617}, {0, 20, 0, 0.1611, 0, 0.1684}, {1, 29, 0.0061, 0.1718, 0.0009, 0.1776}} {
		w, e := Wilson(p.k, p.n), ClopperPearson(p.k, p.n)
		near("Wilson, low", w.Low, p.wilsonLow, 6e-5)
		near("Wilson, high", w.High, p.wilsonHigh, 6e-5)
		near("exact, low", e.Low, p.exactLow, 6e-5)
		near("exact, high", e.High, p.exact, 6e-5)
	}
	// Benjamini and Hochberg (1995), section 3.2: 15 p-values, of which the four smallest are found at 0.05.
	p := []float64{0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000}
	found := 0
	for _, q := range BenjaminiHochberg(p) {
		if q <= 0.05 {
			found++
		}
	}
	if found != 4 {
		t.Errorf("%d of Benjamini and Hochberg's p-values are found, published 4", found)
	}
	// Hollander and Wolfe, table 3.1 (Hamilton's depression scores of 9 patients): T+ = 5, p = 0.039, shift -0.46.
	d := []float64{0.878 - 1.83, 0.647 - 0.50, 0.598 - 1.62, 2.05 - 2.48, 1.06 - 1.68, 1.29 - 1.88, 1.06 - 1.55, 3.14 - 3.06, 1.29 - 1.30}
	plus, prob := SignedRank(d)
	near("T+", plus, 5, 0)
	near("p of T+", prob, 0.0391, 5e-4)
	shift, interval := HodgesLehmann(d)
	near("shift", shift, -0.46, 5e-3)
	near("shift, low", interval.Low, -0.786, 3e-3)
	near("shift, high", interval.High, -0.010, 3e-3)
}

// TestMaxR holds what the permutation test promises: with no effect, hardly any column is found; a real one is, and
// one that works through the activity only is found without strata and not within them.
func TestMaxR(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const n, columns, tries = 300, 12, 100
	wrong := 0
	for range tries {
		x, e := noise(random, columns, n), noise(random, 1, n)[0]
		_, p := NewColumns(x, nil).MaxR(e, 99, random)
		if slices.Min(p) <= 0.05 {
			wrong++
		}
	}
	if wrong > 13 { // 5 of 100 expected; more than 13 has a probability of 0.0005
		t.Errorf("without an effect, %d of %d tests find one at 0.05", wrong, tries)
	}
	x, e := noise(random, columns, n), noise(random, 1, n)[0]
	stratum := make([]int, n)
	for i := range e {
		stratum[i] = i % 3
		x[2][i] += float64(stratum[i]) // goes with the activity
		e[i] += 2*float64(stratum[i]) + x[5][i]
	}
	c := NewColumns(x, nil)
	r, p := c.MaxR(e, 499, random)
	if want := Pearson(x[2], e); math.Abs(r[2]-want) > 1e-5 {
		t.Errorf("correlation %.6f, Pearson's %.6f", r[2], want)
	}
	if p[2] > 0.01 || p[5] > 0.01 {
		t.Errorf("pooled: p %.3f and %.3f, both are there", p[2], p[5])
	}
	r, p = NewColumns(x, stratum).MaxR(e, 499, random)
	if want := Within(x[5], e, stratum); math.Abs(r[5]-want.R) > 1e-5 {
		t.Errorf("within strata %.6f, Fisher's pooled z %.6f", r[5], want.R)
	}
	if p[5] > 0.01 || p[2] < 0.05 {
		t.Errorf("within strata: p %.3f of the real one and %.3f of the activity's", p[5], p[2])
	}
}

func noise(random *rand.Rand, columns, n int) [][]float64 {
	all := make([][]float64, columns)
	for k := range all {
		all[k] = make([]float64, n)
		for i := range all[k] {
			all[k][i] = random.NormFloat64()
		}
	}
	return all
}

// TestClusters makes sure that intervals know of clusters: with equal items in each, the interval is as wide as that of
// one item a cluster.
func TestClusters(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var x, y, score []float64
	var attack []bool
	var names, own []string
	for k := range 40 {
		a, b := random.NormFloat64(), random.NormFloat64()
		for i := range 25 {
			x, y = append(x, a), append(y, a+b)
			score, attack = append(score, a+b), append(attack, k%2 == 0)
			names, own = append(names, string(rune('a'+k))), append(own, string(rune(1000+k*25+i)))
		}
	}
	wide := func(i Interval) float64 { return i.High - i.Low }
	clusters, items := NewClusters(names), NewClusters(own)
	for _, test := range []struct {
		what      string
		of, ofOwn Interval
	}{
		{"correlation", clusters.Correlations([][]float64{x}, y, 400, random)[0], items.Correlations([][]float64{x}, y, 400, random)[0]},
		{"mean", clusters.Mean(y, 400, random), items.Mean(y, 400, random)},
		{"AUC", clusters.AUC(score, attack, 400, random), items.AUC(score, attack, 400, random)},
	} {
		if ratio := wide(test.of) / wide(test.ofOwn); ratio < 3.5 || ratio > 7.5 { // sqrt(25) = 5
			t.Errorf("%s: the interval over clusters is %.1f times as wide as over items, want about 5", test.what, ratio)
		}
	}
}

// TestAreaIntervalCovers measures how often the interval holds the true area.
func TestAreaIntervalCovers(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 1))
	want := 0.5 * math.Erfc(-1.2/2) // of two normal distributions 1.2 apart
	held := 0
	const tries = 400
	for range tries {
		benign, attacks := noise(random, 1, 80)[0], noise(random, 1, 60)[0]
		for i := range attacks {
			attacks[i] += 1.2
		}
		if AUC(benign, attacks).Interval.Has(want) {
			held++
		}
	}
	if held < 366 || held > 394 { // 380 expected; the bounds are three deviations away
		t.Errorf("the interval of 95 %% held the true area %d of %d times", held, tries)
	}
}

// TestThresholds chooses operating points of a small example by hand.
func TestThresholds(t *testing.T) {
	benign, attacks := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, []float64{8, 9, 10, 11, 12}
	r := NewROC(benign, attacks)
	if got := r.ForFalsePositive(0.1); got != 10 {
		t.Errorf("threshold for 10 %% false positives %v, want 10", got)
	}
	if o := At("", 10, benign, attacks); o.Detection.K != 3 || o.FalsePositive.K != 1 {
		t.Errorf("at 10: %d detected, %d false positives, want 3 and 1", o.Detection.K, o.FalsePositive.K)
	}
	if got := r.GeometricMean(); got != 8 { // 1 x 0.7; at 9 0.8 x 0.8 = 0.64; at 10 0.6 x 0.9 = 0.54
		t.Errorf("geometric mean at %v, want 8", got)
	}
	if err := CheckRate(1e-3, 400); err == nil {
		t.Error("400 benign items are taken for a rate of 1e-3")
	}
	if err := CheckRate(1e-3, 1000); err != nil {
		t.Error(err)
	}
}

// TestLogistic fits where detection falls, and refuses what has no fit.
func TestLogistic(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	held := 0
	for range 200 {
		var x []float64
		var y []bool
		for range 300 {
			at := 100 * random.Float64()
			x, y = append(x, at), append(y, random.Float64() < logistic(5-0.08*at))
		}
		f, err := Logistic(x, y)
		if err != nil {
			t.Fatal(err)
		}
		where := (5 - math.Log(9)) / 0.08
		if _, i := f.Where(0.9); i.Has(where) {
			held++
		}
	}
	if held < 180 || held > 199 {
		t.Errorf("the interval of 95 %% held the true level %d of 200 times", held)
	}
	if _, err := Logistic([]float64{1, 2, 3, 4}, []bool{true, true, false, false}); !errors.Is(err, ErrSeparated) {
		t.Errorf("separated outcomes: %v", err)
	}
}

// TestEffects checks effect sizes by hand.
func TestEffects(t *testing.T) {
	a, b := []float64{3, 4, 5, 6}, []float64{1, 2, 3, 4}
	if got, want := HedgesG(a, b), 2/math.Sqrt(5./3)*(1-3./23); math.Abs(got-want) > 1e-12 {
		t.Errorf("Hedges' g %v, want %v", got, want)
	}
	if got, want := CliffsDelta(a, b), (13.-1)/16; math.Abs(got-want) > 1e-12 { // 13 pairs above, 2 equal, 1 below
		t.Errorf("Cliff's delta %v, want %v", got, want)
	}
	if x, z, ok := SlopeGiven([]float64{0, 1, 2, 3}, []float64{1, 5, 8, 13}, []float64{0, 1, 1, 3}); !ok || math.Abs(x-3) > 1e-9 || math.Abs(z-1) > 1e-9 {
		t.Errorf("slopes %v and %v of 1 + 3x + z", x, z)
	}
	if _, _, ok := SlopeGiven([]float64{1, 2, 3}, []float64{1, 2, 3}, []float64{2, 4, 6}); ok {
		t.Error("the same factor twice is told apart")
	}
}

// BenchmarkMaxR is 60 labels, 30,000 connections, 2,000 draws: what a probe of a large dataset needs.
func BenchmarkMaxR(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	x, e := noise(random, 60, 30000), noise(random, 1, 30000)[0]
	for b.Loop() {
		begin := time.Now()
		NewColumns(x, nil).MaxR(e, 2000, random)
		b.ReportMetric(time.Since(begin).Seconds(), "s/test")
	}
}
