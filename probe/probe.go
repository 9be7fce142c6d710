package probe

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"detgen/model"
	"detgen/probe/stats"
	"detgen/seed"
)

// Report is what a probe found. docs/probing.md describes its JSON.
type Report struct {
	Dataset     string            `json:"dataset"`
	Split       string            `json:"split,omitempty"`
	Model       model.Description `json:"model"`
	Connections int               `json:"connections"`
	Runs        int               `json:"runs"`
	Benign      int               `json:"benign"`
	Attacks     int               `json:"attacks"`
	LeftOut     int               `json:"left_out,omitempty"` // connections that no item of the model's kind is made of
	ErrorIs     string            `json:"error_is"`           // what a connection's error is

	Performance Performance `json:"performance"`
	Labels      *Labels     `json:"labels"`
	Slices      *Slices     `json:"slices"`
	Factors     []Factor    `json:"factors"` // what scores.csv has a column of
	Warnings    []string    `json:"warnings,omitempty"`

	Seconds Seconds `json:"seconds"`

	set     *Set
	roc     *stats.ROC
	columns [][]string // of the factors, a value for each item
}

// Factor is what scores can be drawn against: a label, or what was measured.
type Factor struct {
	Name     string             `json:"name"`
	Measured bool               `json:"measured,omitempty"`
	Numbers  map[string]float64 `json:"numbers,omitempty"` // of the values of a quantity with a unit, in SI units
}

// Seconds is how long the parts took.
type Seconds struct {
	Read    float64 `json:"read"` // tables, and making items of them
	Model   float64 `json:"model"`
	Measure float64 `json:"measure"` // the table of packets
	Probe   float64 `json:"probe"`   // all that follows
}

// Performance is how well the scores tell attacks from benign connections.
type Performance struct {
	Area        stats.Area         `json:"area"`      // interval by DeLong, connections as if independent
	OverRuns    stats.Interval     `json:"over_runs"` // the area's interval by drawing runs
	Operating   stats.Operating    `json:"operating"` // at the threshold
	AtRates     []stats.Operating  `json:"at_rates"`  // at fixed rates of false positives
	TooFew      []string           `json:"too_few,omitempty"`
	Precision   []Precision        `json:"precision"`   // at the threshold
	Calibration *stats.Calibration `json:"calibration"` // nil when scores are not probabilities
	Groups      []Group            `json:"groups"`
}

// Precision is what an alert is worth when attacks are rare.
type Precision struct {
	Base      float64 `json:"base"` // share of attacks
	Precision float64 `json:"precision"`
}

// Group is the performance on a part of the connections, at the same threshold: for attacks the share detected, for
// benign ones the share of false positives.
type Group struct {
	By     string           `json:"by"` // class, scenario or service
	Name   string           `json:"name"`
	Attack bool             `json:"attack"`
	Rate   stats.Proportion `json:"rate"`
	Area   *stats.Area      `json:"area"`  // against all connections of the other class; nil for fewer than two
	Error  float64          `json:"error"` // mean
}

// rates are the fixed rates of false positives.
var rates = []float64{1e-2, 1e-3, 1e-4}

// leastRuns is how few runs an interval over runs may come from.
const leastRuns = 5

// Run probes a model on a dataset.
func Run(ctx context.Context, path string, m model.Model, o Options) (*Report, error) {
	begin := time.Now()
	s, err := Load(path, o)
	if err != nil {
		return nil, err
	}
	if err := s.Classes(); err != nil {
		return nil, err
	}
	if n, _ := s.units(); n < leastRuns {
		return nil, request("%s has connections of %d runs; intervals are drawn over runs, which takes at least %d: build more runs", path, n, leastRuns)
	}
	if _, err := s.columns(&o); err != nil {
		return nil, err
	}
	opened := time.Since(begin)
	took, err := s.Score(ctx, m, o)
	if err != nil {
		return nil, err
	}
	if err := s.Classes(); err != nil {
		return nil, err
	}
	begin = time.Now()
	if err := s.Measure(ctx); err != nil {
		return nil, err
	}
	measured := time.Since(begin)
	begin = time.Now()
	r, err := s.report(ctx, o)
	if err != nil {
		return nil, err
	}
	r.Seconds = Seconds{(opened + took.Encode).Seconds(), took.Model.Seconds(), measured.Seconds(), time.Since(begin).Seconds()}
	return r, nil
}

// report judges a set that has scores.
func (s *Set) report(ctx context.Context, o Options) (*Report, error) {
	_, runs := s.units()
	r := &Report{Dataset: s.Data.Path, Split: o.Split, Model: s.Model, Connections: len(s.Items), Runs: runs, LeftOut: s.LeftOut, set: s, ErrorIs: "place of the score among all scores, 0 to 1, less the class"}
	if s.probabilities() {
		r.ErrorIs = "score less class"
	}
	if runs == 0 {
		r.Warnings = append(r.Warnings, "the table has no runs: intervals are drawn over connections as if they were independent, and are too narrow where some are alike")
	}
	benign, attacks := s.split(nil)
	r.Benign, r.Attacks = len(benign), len(attacks)
	r.roc = stats.NewROC(benign, attacks)
	r.Performance = s.performance(benign, attacks, r.roc, &o)
	if r.Performance.Area.Interval.High < 0.5 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("scores are lower for attacks than for benign connections (AUC %.3f): is the model's direction upside down? A manifest says \"lower\"", r.Performance.Area.AUC))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	list, err := s.categories(&o)
	if err != nil {
		return nil, err
	}
	if r.Labels, err = s.rank(ctx, s.labels(list), &o); err != nil {
		return nil, err
	}
	r.Factors, r.columns = s.along(list)
	r.Slices = s.slices(list)
	return r, nil
}

func (o *Options) random(name string) *rand.Rand { return seed.Stream(o.Seed, "probe/"+name) }

// threshold gives the threshold that is asked for, the model's own, or the geometric mean.
func (s *Set) threshold(roc *stats.ROC, o *Options) (string, float64) {
	switch {
	case o.Threshold != nil:
		return "asked for", *o.Threshold
	case s.Model.Threshold != nil:
		return "the model's", *s.Model.Threshold
	}
	return "geometric mean, on these connections", roc.GeometricMean()
}

func (s *Set) performance(benign, attacks []float64, roc *stats.ROC, o *Options) Performance {
	p := Performance{Area: stats.AUC(benign, attacks)}
	scores, attack, runs := make([]float64, len(s.Items)), make([]bool, len(s.Items)), make([]string, len(s.Items))
	for i := range s.Items {
		scores[i], attack[i], runs[i] = s.Items[i].Score, s.Items[i].Attack, s.unit(i)
	}
	p.OverRuns = stats.NewClusters(runs).AUC(scores, attack, min(o.draws(), 1000), o.random("auc"))
	rule, threshold := s.threshold(roc, o)
	p.Operating = stats.At(rule, threshold, benign, attacks)
	for _, rate := range rates {
		if err := stats.CheckRate(rate, len(benign)); err != nil {
			p.TooFew = append(p.TooFew, err.Error())
			continue
		}
		p.AtRates = append(p.AtRates, stats.At(fmt.Sprintf("false positives at most %g", rate), roc.ForFalsePositive(rate), benign, attacks))
	}
	for _, base := range []float64{1e-3, 1e-4, 1e-5, 1e-6} {
		p.Precision = append(p.Precision, Precision{base, stats.Precision(p.Operating.Detection.Share, p.Operating.FalsePositive.Share, base)})
	}
	if s.probabilities() {
		c := stats.Calibrate(scores, attack, 10)
		p.Calibration = &c
	}
	p.Groups = s.groups(threshold, benign, attacks)
	return p
}

// groups judges classes, scenarios and services by themselves.
func (s *Set) groups(threshold float64, benign, attacks []float64) []Group {
	var list []Group
	for _, by := range []struct {
		name string
		of   func(i int) string
	}{
		{"class", func(i int) string { return s.connection(i).Label }},
		{"scenario", func(i int) string { return s.Items[i].Activity }},
		{"service", func(i int) string { return s.Items[i].Service }},
	} {
		type key struct {
			name   string
			attack bool
		}
		scores, wrong := map[key][]float64{}, map[key]float64{}
		var keys []key
		for i := range s.Items {
			k := key{by.of(i), s.Items[i].Attack}
			if scores[k] == nil {
				keys = append(keys, k)
			}
			scores[k] = append(scores[k], s.Items[i].Score)
			wrong[k] += s.Items[i].Error
		}
		slices.SortFunc(keys, func(a, b key) int {
			if a.attack != b.attack {
				if b.attack {
					return -1
				}
				return 1
			}
			if a.name < b.name {
				return -1
			}
			return 1
		})
		for _, k := range keys {
			v := scores[k]
			above := 0
			for _, x := range v {
				if x >= threshold {
					above++
				}
			}
			g := Group{By: by.name, Name: k.name, Attack: k.attack, Rate: stats.NewProportion(above, len(v)), Error: wrong[k] / float64(len(v))}
			if len(v) > 1 {
				var a stats.Area
				if k.attack {
					a = stats.AUC(benign, v)
				} else {
					a = stats.AUC(v, attacks)
				}
				g.Area = &a
			}
			list = append(list, g)
		}
	}
	return list
}

// Labels is how errors go with labels.
type Labels struct {
	Tests   int       `json:"tests"` // labels ranked
	Draws   int       `json:"draws"` // permutations and bootstrap samples
	Ranked  []Ranked  `json:"ranked"`
	Aliased []Aliased `json:"aliased,omitempty"`
}

// Ranked is a label and how errors go with it: the labels with the largest |r| come first.
type Ranked struct {
	Label    string         `json:"label"`
	Measured bool           `json:"measured,omitempty"` // on the wire; the others were set
	N        int            `json:"n"`                  // connections with the value; all, for quantities
	R        float64        `json:"r"`                  // correlation with the error
	Interval stats.Interval `json:"interval"`           // by drawing runs
	P        float64        `json:"p"`                  // adjusted for all tests, by permutation of the largest |r|
	Q        float64        `json:"q"`                  // false discovery rate (Benjamini-Hochberg, connections as if independent)
	Spearman float64        `json:"spearman"`
	G        float64        `json:"hedges_g,omitempty"` // of connections with the value against the others
	Delta    float64        `json:"cliffs_delta,omitempty"`
	Within   *stats.Pooled  `json:"within_activity"`   // nil where it does not vary within any activity
	WithinP  float64        `json:"within_activity_p"` // adjusted; 1 where there is no such figure
}

// Aliased is labels that cannot be told apart: every pair has |r| above 0.95. They are not ranked.
type Aliased struct {
	Labels []string `json:"labels"`
	Least  float64  `json:"least_r"` // smallest |r| with the first
	R      float64  `json:"r"`       // of the first with the error
}

// mostAlike is the |r| of two labels above which they are refused.
const mostAlike = 0.95

// aliases splits labels into those that stand for themselves and groups that cannot be told apart. What was measured
// goes with what was set, which is its cause; it is compared with other measurements only.
func aliases(labels []label) (own []label, groups [][]label) {
	parent := make([]int, len(labels))
	for i := range parent {
		parent[i] = i
	}
	var find func(int) int
	find = func(i int) int {
		if parent[i] != i {
			parent[i] = find(parent[i])
		}
		return parent[i]
	}
	for i := range labels {
		for j := range i {
			a, b := &labels[i], &labels[j]
			if a.Measured != b.Measured || a.Column == b.Column {
				continue
			}
			if math.Abs(stats.Pearson(a.values, b.values)) > mostAlike {
				parent[find(i)] = find(j)
			}
		}
	}
	by := map[int][]label{}
	var order []int
	for i := range labels {
		k := find(i)
		if by[k] == nil {
			order = append(order, k)
		}
		by[k] = append(by[k], labels[i])
	}
	for _, k := range order {
		if len(by[k]) == 1 {
			own = append(own, by[k][0])
		} else {
			groups = append(groups, by[k])
		}
	}
	return own, groups
}

// rank relates the errors to labels.
func (s *Set) rank(ctx context.Context, labels []label, o *Options) (*Labels, error) {
	own, groups := aliases(labels)
	out := &Labels{Tests: len(own), Draws: o.draws()}
	e := make([]float64, len(s.Items))
	runs := make([]string, len(s.Items))
	stratum := make([]int, len(s.Items))
	number := map[string]int{}
	for i := range s.Items {
		e[i], runs[i] = s.Items[i].Error, s.unit(i)
		if _, ok := number[s.Items[i].Activity]; !ok {
			number[s.Items[i].Activity] = len(number)
		}
		stratum[i] = number[s.Items[i].Activity]
	}
	for _, g := range groups {
		a := Aliased{Least: 1, R: stats.Pearson(g[0].values, e)}
		for _, l := range g {
			a.Labels = append(a.Labels, l.Name)
			a.Least = min(a.Least, math.Abs(stats.Pearson(g[0].values, l.values)))
		}
		out.Aliased = append(out.Aliased, a)
	}
	if len(own) == 0 {
		return out, nil
	}
	values := make([][]float64, len(own))
	for k := range own {
		values[k] = own[k].values
	}
	r, p := stats.NewColumns(values, nil).MaxR(e, o.draws(), o.random("permute"))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var inner []float64
	if len(number) > 1 {
		_, inner = stats.NewColumns(values, stratum).MaxR(e, o.draws(), o.random("permute within"))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	intervals := stats.NewClusters(runs).Correlations(values, e, min(o.draws(), 1000), o.random("runs"))
	raw := make([]float64, len(own))
	for k := range own {
		raw[k] = stats.PearsonP(r[k], len(e))
	}
	q := stats.BenjaminiHochberg(raw)
	errorRanks, _ := stats.Ranks(e)
	for k := range own {
		l := &own[k]
		x := Ranked{Label: l.Name, Measured: l.Measured, N: len(e), R: stats.Pearson(l.values, e), Interval: intervals[k], P: p[k], Q: q[k], WithinP: 1}
		if l.Value != "" {
			var with, without []float64
			for i, v := range l.values {
				if v == 1 {
					with = append(with, e[i])
				} else {
					without = append(without, e[i])
				}
			}
			x.N, x.G, x.Delta = len(with), stats.HedgesG(with, without), stats.CliffsDelta(with, without)
		}
		ranks, _ := stats.Ranks(l.values)
		x.Spearman = stats.Pearson(ranks, errorRanks)
		if w := stats.Within(l.values, e, stratum); w.Strata > 0 && inner != nil {
			x.Within, x.WithinP = &w, inner[k]
		}
		out.Ranked = append(out.Ranked, x)
	}
	slices.SortStableFunc(out.Ranked, func(a, b Ranked) int {
		switch {
		case math.Abs(a.R) > math.Abs(b.R):
			return -1
		case math.Abs(a.R) < math.Abs(b.R):
			return 1
		}
		return 0
	})
	return out, nil
}
