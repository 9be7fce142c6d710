package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"detgen/dataset"
	"detgen/internal/beneath"
	"detgen/model"
	"detgen/plot"
	"detgen/probe/stats"
	"detgen/table"
)

// SweepReport is a model along the levels of one factor, or of two (step 3 of the paper, Fig. 2). Runs of one seed at
// every level make pairs.
type SweepReport struct {
	Dataset   string            `json:"dataset"`
	Model     model.Description `json:"model"`
	Factors   []string          `json:"factors"`
	Threshold float64           `json:"threshold"`
	Rule      string            `json:"rule"`
	Seeds     int               `json:"seeds"` // that are there at every level
	Curves    []Curve           `json:"curves"`
	Falls     []Fall            `json:"falls"`
	Mediation []Mediation       `json:"mediation"`
	Missing   []string          `json:"missing,omitempty"` // what could not be worked out, and why

	set    *Set
	levels []string // of the first factor, in order
	others []string // of the second one; {""} without
}

// Curve is the scores of one activity along the first factor, at one level of the second.
type Curve struct {
	Activity string  `json:"activity"`
	Attack   bool    `json:"attack"`
	Second   string  `json:"second,omitempty"`
	Points   []Point `json:"points"`
	// Slope of the score for each seed, per level's number or per unit of the factor; tested over seeds.
	Slope stats.Paired `json:"slope"`
}

// Point is a level of a curve: what was asked, what was measured, what the model said.
type Point struct {
	Level           string           `json:"level"`
	X               float64          `json:"x"` // the level as a number; its place when it is none
	N               int              `json:"n"`
	Seeds           int              `json:"seeds"`
	RTT             *float64         `json:"rtt"`             // measured, mean, seconds; nil: not seen
	Retransmissions *float64         `json:"retransmissions"` // mean per connection
	Mean            float64          `json:"mean"`            // score
	Median          float64          `json:"median"`
	Band            stats.Interval   `json:"band"` // of the mean, by drawing runs
	Error           float64          `json:"error"`
	Trend           float64          `json:"trend"` // of the error: isotonic
	Called          stats.Proportion `json:"called_attack"`
}

// Fall is the level at which detection falls below a share, by a logistic curve.
type Fall struct {
	Activity string             `json:"activity"`
	By       string             `json:"by"` // the factor, "measured RTT" or "retransmissions"
	Below    float64            `json:"below"`
	Fit      *stats.LogisticFit `json:"fit"`
	Level    *float64           `json:"level"`
	Interval *stats.Interval    `json:"interval"`      // nil: its ends are not known
	Why      string             `json:"why,omitempty"` // why there is no level
}

// Mediation is how much of what a factor does goes through retransmissions: the slope of the error on the factor with
// and without the number of retransmissions held.
type Mediation struct {
	Class    string         `json:"class"`
	Factor   string         `json:"factor"`
	Total    float64        `json:"total"`
	Interval stats.Interval `json:"total_interval"` // all intervals by drawing runs
	Direct   float64        `json:"direct"`         // with retransmissions held
	DirectIn stats.Interval `json:"direct_interval"`
	Share    float64        `json:"share"` // of the total that goes through retransmissions; 0 when there is no total
	ShareIn  stats.Interval `json:"share_interval"`
}

// SweepOptions are options of a sweep.
type SweepOptions struct {
	Options
	By    []string // the factor, or two
	Below float64  // detection below which the level is looked for; 0.9 when 0
}

// leastSeeds is how few runs of a level a band may come from.
const leastSeeds = 3

// Sweep judges a model along the levels of factors of a dataset.
func Sweep(ctx context.Context, path string, m model.Model, o SweepOptions) (*SweepReport, error) {
	s, err := Load(path, o.Options)
	if err != nil {
		return nil, err
	}
	if err := s.Classes(); err != nil {
		return nil, err
	}
	r := &SweepReport{Dataset: path, Factors: o.By, set: s, Curves: []Curve{}, Falls: []Fall{}, Mediation: []Mediation{}}
	if o.Below == 0 {
		o.Below = 0.9
	}
	if err := r.factors(); err != nil {
		return nil, err
	}
	if _, err := s.Score(ctx, m, o.Options); err != nil {
		return nil, err
	}
	if err := s.Measure(ctx); err != nil {
		return nil, err
	}
	return r, r.judge(&o)
}

// factors checks the factors and lists their levels.
func (r *SweepReport) factors() error {
	if n := len(r.Factors); n < 1 || n > 2 {
		return request("a sweep goes along one or two factors, not %d", n)
	}
	for k, name := range r.Factors {
		if !slices.Contains(r.set.Data.Columns, name) {
			return request("%s has no factor %q; it has %s", r.Dataset, name, strings.Join(r.set.factors(), ", "))
		}
		seen := map[string]bool{}
		for i := range r.set.Items {
			if v := r.level(i, k); v != "" {
				seen[v] = true
			}
		}
		if len(seen) < 2 {
			return request("%s has one level of %s only: a sweep takes two or more", r.Dataset, name)
		}
		if len(seen) > 100 {
			return request("%s has %d levels of %s; a sweep takes at most 100: it is for designs, not for values that are drawn afresh for each run", r.Dataset, len(seen), name)
		}
		levels := byValue(seen)
		if k == 0 {
			r.levels = levels
		} else {
			r.others = levels
		}
	}
	if len(r.Factors) == 1 {
		r.others = []string{""}
	}
	r.set.Items = slices.DeleteFunc(r.set.Items, func(item Item) bool {
		for _, name := range r.Factors {
			if v, _ := r.set.Data.Value(item.Connection, name); v == "" {
				return true
			}
		}
		return false
	})
	return r.set.Classes()
}

// level gives an item's level of a factor.
func (r *SweepReport) level(item, factor int) string {
	v, _ := r.set.Data.Value(r.set.Items[item].Connection, r.Factors[factor])
	return v
}

// byValue sorts levels as quantities where all are, else as texts.
func byValue(seen map[string]bool) []string {
	list := make([]string, 0, len(seen))
	numbers := true
	for v := range seen {
		list = append(list, v)
		_, ok := quantity(v)
		numbers = numbers && ok
	}
	slices.SortFunc(list, func(a, b string) int {
		if numbers {
			x, _ := quantity(a)
			y, _ := quantity(b)
			if x != y {
				if x < y {
					return -1
				}
				return 1
			}
		}
		return strings.Compare(a, b)
	})
	return list
}

// xs gives each level's number.
func (r *SweepReport) xs() map[string]float64 {
	xs := map[string]float64{}
	for _, v := range r.levels {
		x, ok := quantity(v)
		if !ok {
			for k, v := range r.levels {
				xs[v] = float64(k)
			}
			return xs
		}
		xs[v] = x
	}
	return xs
}

// seedsOf reads the seed of each run from the table of runs: runs of one entry and seed are pairs.
func (s *Set) seedsOf() (map[string]string, error) {
	if !s.Data.HasRuns() {
		return nil, nil // a table of flows alone
	}
	in, err := beneath.Open(s.Data.Path, dataset.RunsTable)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, request("%w", err)
	}
	defer in.Close()
	rows, err := table.ReadRows(in).ReadAll()
	if err == nil && len(rows) == 0 {
		err = errors.New("it is empty: want a line of names")
	}
	if err != nil {
		return nil, request("%s: %w", filepath.Join(s.Data.Path, dataset.RunsTable), err)
	}
	run, entry, number := slices.Index(rows[0], "run"), slices.Index(rows[0], "entry"), slices.Index(rows[0], "seed")
	if min(run, entry, number) < 0 {
		return nil, nil
	}
	seeds := map[string]string{}
	for _, row := range rows[1:] {
		seeds[row[run]] = row[entry] + "/" + row[number]
	}
	return seeds, nil
}

func (r *SweepReport) judge(o *SweepOptions) error {
	s := r.set
	r.Model = s.Model
	benign, attacks := s.split(nil)
	r.Rule, r.Threshold = s.threshold(stats.NewROC(benign, attacks), &o.Options)
	seeds, err := s.seedsOf()
	if err != nil {
		return err
	}
	xs := r.xs()
	type key struct{ activity, second string }
	members := map[key][]int{}
	var keys []key
	bySeed := map[string]map[string]bool{}
	for i := range s.Items {
		k := key{s.Items[i].Activity, ""}
		if len(r.Factors) > 1 {
			k.second = r.level(i, 1)
		}
		if members[k] == nil {
			keys = append(keys, k)
		}
		members[k] = append(members[k], i)
		if seed := seeds[s.connection(i).Run]; seed != "" {
			if bySeed[seed] == nil {
				bySeed[seed] = map[string]bool{}
			}
			bySeed[seed][r.level(i, 0)] = true
		}
	}
	for _, at := range bySeed {
		if len(at) == len(r.levels) {
			r.Seeds++
		}
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.activity != b.activity {
			return strings.Compare(a.activity, b.activity)
		}
		return slices.Index(r.others, a.second) - slices.Index(r.others, b.second)
	})
	for _, k := range keys {
		c := r.curve(members[k], seeds, xs, o)
		c.Activity, c.Second = k.activity, k.second
		for _, p := range c.Points {
			if p.Seeds < leastSeeds {
				r.Missing = append(r.Missing, fmt.Sprintf("%s at %s=%s has %d runs: a band takes at least %d", k.activity, r.Factors[0], p.Level, p.Seeds, leastSeeds))
			}
		}
		r.Curves = append(r.Curves, c)
	}
	activities := map[string][]int{}
	var names []string
	for i := range s.Items {
		if !s.Items[i].Attack {
			continue
		}
		if activities[s.Items[i].Activity] == nil {
			names = append(names, s.Items[i].Activity)
		}
		activities[s.Items[i].Activity] = append(activities[s.Items[i].Activity], i)
	}
	slices.Sort(names)
	for _, name := range names {
		r.falls(name, activities[name], xs, o)
	}
	r.mediate(xs, o)
	return nil
}

// curve makes the points of one activity.
func (r *SweepReport) curve(members []int, seeds map[string]string, xs map[string]float64, o *SweepOptions) Curve {
	s := r.set
	c := Curve{Attack: s.Items[members[0]].Attack}
	at := map[string][]int{}
	perSeed := map[string]map[float64][]float64{}
	for _, i := range members {
		level := r.level(i, 0)
		at[level] = append(at[level], i)
		seed := seeds[s.connection(i).Run]
		if seed == "" {
			continue
		}
		if perSeed[seed] == nil {
			perSeed[seed] = map[float64][]float64{}
		}
		perSeed[seed][xs[level]] = append(perSeed[seed][xs[level]], s.Items[i].Score)
	}
	var errs, weights []float64
	for _, level := range r.levels {
		in := at[level]
		if len(in) == 0 {
			continue
		}
		p := Point{Level: level, X: xs[level], N: len(in)}
		scores, runs := make([]float64, len(in)), make([]string, len(in))
		called := 0
		for k, i := range in {
			item := &s.Items[i]
			scores[k], runs[k] = item.Score, s.connection(i).Run
			p.Error += item.Error / float64(len(in))
			if item.Score >= r.Threshold {
				called++
			}
		}
		clusters := stats.NewClusters(runs)
		p.Seeds = clusters.Count()
		p.Called = stats.NewProportion(called, len(in))
		p.RTT = s.meanOf(in, func(m *Measured) float64 { return m.RTT })
		p.Retransmissions = s.meanOf(in, func(m *Measured) float64 { return m.Retransmissions })
		for _, x := range scores {
			p.Mean += x / float64(len(scores))
		}
		p.Band = clusters.Mean(scores, min(o.draws(), 1000), o.random("band"))
		slices.Sort(scores)
		p.Median = stats.Quantile(scores, 0.5)
		errs, weights = append(errs, p.Error), append(weights, float64(len(in)))
		c.Points = append(c.Points, p)
	}
	for i, v := range stats.Isotonic(errs, weights) {
		c.Points[i].Trend = v
	}
	var slopes []float64
	for _, name := range sortedKeys(perSeed) {
		var x, y []float64
		for level, scores := range perSeed[name] {
			for _, v := range scores {
				x, y = append(x, level), append(y, v)
			}
		}
		if len(perSeed[name]) > 1 {
			slopes = append(slopes, stats.Slope(x, y))
		}
	}
	c.Slope = stats.NewPaired(slopes)
	return c
}

func sortedKeys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// meanOf is the mean of a measure over items that have it, nil when none has.
func (s *Set) meanOf(in []int, of func(*Measured) float64) *float64 {
	sum, n := 0.0, 0.0
	for _, i := range in {
		if m := &s.Items[i].Measured; m.Known {
			if x := of(m); !math.IsNaN(x) {
				sum, n = sum+x, n+1
			}
		}
	}
	if n == 0 {
		return nil
	}
	sum /= n
	return &sum
}

// falls looks for the level at which the detection of an activity falls, by what was asked and by what was measured.
func (r *SweepReport) falls(activity string, members []int, xs map[string]float64, o *SweepOptions) {
	s := r.set
	for _, by := range []struct {
		name string
		of   func(i int) float64
	}{
		{r.Factors[0], func(i int) float64 { return xs[r.level(i, 0)] }},
		{"measured RTT", func(i int) float64 { return s.Items[i].Measured.RTT }},
		{"retransmissions", func(i int) float64 { return s.Items[i].Measured.Retransmissions }},
	} {
		var x []float64
		var y []bool
		for _, i := range members {
			if by.name != r.Factors[0] && !s.Items[i].Measured.Known {
				continue
			}
			if v := by.of(i); !math.IsNaN(v) {
				x, y = append(x, v), append(y, s.Items[i].Score >= r.Threshold)
			}
		}
		if len(x) < 2 {
			continue
		}
		f := Fall{Activity: activity, By: by.name, Below: o.Below}
		fit, err := stats.Logistic(x, y)
		switch {
		case err != nil:
			f.Why = err.Error()
		case fit.Slope >= 0:
			f.Fit, f.Why = &fit, "detection does not fall along it"
		default:
			level, interval := fit.Where(o.Below)
			f.Fit, f.Level = &fit, &level
			switch low := slices.Min(x); {
			case level < low:
				f.Level, f.Why = nil, fmt.Sprintf("detection is below %g at the lowest level already", o.Below)
			case level > slices.Max(x):
				f.Why = "beyond the highest level that was made"
			}
			if !math.IsInf(interval.Low, 0) && !math.IsInf(interval.High, 0) {
				f.Interval = &interval
			}
		}
		r.Falls = append(r.Falls, f)
	}
}

// mediate compares slopes with and without retransmissions held, for each class.
func (r *SweepReport) mediate(xs map[string]float64, o *SweepOptions) {
	s := r.set
	for _, class := range []string{"benign", "attack"} {
		var x, y, z []float64
		byRun := map[string][]int{}
		var runs []string
		for i := range s.Items {
			item := &s.Items[i]
			if item.Attack != (class == "attack") || !item.Measured.Known {
				continue
			}
			run := s.connection(i).Run
			if byRun[run] == nil {
				runs = append(runs, run)
			}
			byRun[run] = append(byRun[run], len(x))
			x, y, z = append(x, xs[r.level(i, 0)]), append(y, item.Error), append(z, item.Measured.Retransmissions)
		}
		if len(runs) < leastRuns {
			r.Missing = append(r.Missing, fmt.Sprintf("mediation for %s connections: %d runs with packets, it takes at least %d", class, len(runs), leastRuns))
			continue
		}
		direct, _, ok := stats.SlopeGiven(x, y, z)
		if !ok {
			r.Missing = append(r.Missing, fmt.Sprintf("mediation for %s connections: retransmissions do not vary, or only with %s", class, r.Factors[0]))
			continue
		}
		m := Mediation{Class: class, Factor: r.Factors[0], Total: stats.Slope(x, y), Direct: direct}
		random := o.random("mediation " + class)
		var totals, directs, shares []float64
		for range min(o.draws(), 400) {
			var bx, by, bz []float64
			for range runs {
				for _, k := range byRun[runs[random.IntN(len(runs))]] {
					bx, by, bz = append(bx, x[k]), append(by, y[k]), append(bz, z[k])
				}
			}
			if d, _, ok := stats.SlopeGiven(bx, by, bz); ok {
				t := stats.Slope(bx, by)
				totals, directs = append(totals, t), append(directs, d)
				if t != 0 {
					shares = append(shares, 1-d/t)
				}
			}
		}
		unknown := stats.Interval{Low: -math.MaxFloat64, High: math.MaxFloat64}
		m.Interval, m.DirectIn, m.ShareIn = stats.Percentiles(totals, unknown), stats.Percentiles(directs, unknown), stats.Percentiles(shares, unknown)
		if m.Total != 0 {
			m.Share = 1 - m.Direct/m.Total
		}
		r.Mediation = append(r.Mediation, m)
	}
}

// Write writes sweep.json, every series as CSV and the figures.
func (r *SweepReport) Write(dir string) error {
	f, err := newFolder(dir)
	if err != nil {
		return err
	}
	f.json("sweep.json", r)
	var rows [][]any
	number := func(p *float64) any {
		if p == nil {
			return ""
		}
		return *p
	}
	for _, c := range r.Curves {
		for _, p := range c.Points {
			rows = append(rows, []any{c.Activity, c.Attack, c.Second, p.Level, p.X, p.N, p.Seeds, number(p.RTT), number(p.Retransmissions), p.Mean, p.Band.Low, p.Band.High, p.Median,
				p.Error, p.Trend, p.Called.Share, p.Called.Interval.Low, p.Called.Interval.High})
		}
	}
	f.csv("curves.csv", []string{"activity", "attack", "second", "level", "x", "n", "seeds", "rtt_s", "retransmissions", "mean", "band_low", "band_high", "median", "error", "trend", "called_attack", "called_low", "called_high"}, rows)
	rows = nil
	xs := r.xs()
	for i := range r.set.Items {
		item := &r.set.Items[i]
		rtt, again := any(""), any("")
		if item.Measured.Known {
			rtt, again = item.Measured.RTT, item.Measured.Retransmissions
		}
		rows = append(rows, []any{r.set.connection(i).ID, item.Activity, item.Attack, r.level(i, 0), xs[r.level(i, 0)], rtt, again, item.Score, item.Error})
	}
	f.csv("scores.csv", []string{"id", "activity", "attack", "level", "x", "rtt_s", "retransmissions", "score", "error"}, rows)
	f.figure("curves.svg", r.drawCurves)
	f.figure("scores.svg", func() (*plot.Figure, error) { return r.drawScores("Scores along " + r.Factors[0]) })
	return f.close()
}

// drawCurves draws the mean score of each activity with its band.
func (r *SweepReport) drawCurves() (*plot.Figure, error) {
	l := plot.Lines{Title: r.Model.Name + " along " + r.Factors[0], XLabel: r.xLabel(), YLabel: "mean score"}
	for _, c := range r.Curves {
		s := plot.Series{Name: strings.TrimSpace(c.Activity + " " + c.Second)}
		for _, p := range c.Points {
			s.X, s.Y, s.Low, s.High = append(s.X, p.X), append(s.Y, p.Mean), append(s.Low, p.Band.Low), append(s.High, p.Band.High)
		}
		l.Series = append(l.Series, s)
	}
	return l.Draw()
}

func (r *SweepReport) xLabel() string {
	if _, ok := quantity(r.levels[0]); !ok {
		return r.Factors[0] + ": " + strings.Join(r.levels, ", ")
	}
	switch unit := strings.TrimLeft(r.levels[len(r.levels)-1], "0123456789."); unit {
	case "ns", "us", "ms", "s", "min":
		return r.Factors[0] + " (s)"
	case "%":
		return r.Factors[0] + " (share)"
	}
	return r.Factors[0]
}

// drawScores draws each connection's score against the measured round trip, or the level where that is not known: a
// panel of the paper's Fig. 2.
func (r *SweepReport) drawScores(title string) (*plot.Figure, error) {
	l := plot.Lines{Title: title, XLabel: r.xLabel(), YLabel: "score"}
	measured := true
	for i := range r.set.Items {
		m := &r.set.Items[i].Measured
		measured = measured && m.Known
	}
	if measured {
		l.XLabel = "measured round trip (s)"
	}
	if r.set.probabilities() {
		l.Bottom, l.Top = 0, 1
	}
	xs := r.xs()
	for _, attack := range []bool{false, true} {
		s := plot.Series{Name: map[bool]string{false: "benign", true: "attack"}[attack], Dots: true}
		for i := range r.set.Items {
			item := &r.set.Items[i]
			x := xs[r.level(i, 0)]
			if measured {
				x = item.Measured.RTT
			}
			if item.Attack == attack && !math.IsNaN(x) {
				s.X, s.Y = append(s.X, x), append(s.Y, item.Score)
			}
		}
		if len(s.X) > 0 {
			l.Series = append(l.Series, s)
		}
	}
	return l.Draw()
}

// WriteText prints the curves.
func (r *SweepReport) WriteText(out io.Writer, dir string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s along %s: %d connections, %d seeds at every level, threshold %.4g (%s)\n", r.Model.Name, strings.Join(r.Factors, " and "), len(r.set.Items), r.Seeds, r.Threshold, r.Rule)
	for _, c := range r.Curves {
		what := "false positives"
		if c.Attack {
			what = "detection"
		}
		fmt.Fprintf(&b, "\n  %s %s\n  %12s %6s %10s %8s %8s %19s  %s\n", c.Activity, c.Second, "level", "n", "RTT ms", "resent", "score", "95 %", what)
		for _, p := range c.Points {
			rtt, again := "-", "-"
			if p.RTT != nil {
				rtt = fmt.Sprintf("%.2f", 1000**p.RTT)
			}
			if p.Retransmissions != nil {
				again = fmt.Sprintf("%.2f", *p.Retransmissions)
			}
			fmt.Fprintf(&b, "  %12s %6d %10s %8s %8.4f %9.4f %9.4f  %.2f %%\n", p.Level, p.N, rtt, again, p.Mean, p.Band.Low, p.Band.High, 100*p.Called.Share)
		}
		if c.Slope.N > 0 {
			fmt.Fprintf(&b, "  slope of the score over %d seeds: %+.4g (%.4g to %.4g), p %.4f\n", c.Slope.N, c.Slope.Shift, c.Slope.Interval.Low, c.Slope.Interval.High, c.Slope.P)
		}
	}
	b.WriteString("\n")
	for _, f := range r.Falls {
		switch {
		case f.Level == nil:
			fmt.Fprintf(&b, "  %s: no %s where detection falls below %g: %s\n", f.Activity, f.By, f.Below, f.Why)
		case f.Interval == nil:
			fmt.Fprintf(&b, "  %s: detection falls below %g at %s %.4g (how sure that is, is not known) %s\n", f.Activity, f.Below, f.By, *f.Level, f.Why)
		default:
			fmt.Fprintf(&b, "  %s: detection falls below %g at %s %.4g (%.4g to %.4g) %s\n", f.Activity, f.Below, f.By, *f.Level, f.Interval.Low, f.Interval.High, f.Why)
		}
	}
	for _, m := range r.Mediation {
		fmt.Fprintf(&b, "  %s: error per unit of %s %.4g (%.4g to %.4g); with retransmissions held %.4g (%.4g to %.4g)\n", m.Class, m.Factor, m.Total, m.Interval.Low, m.Interval.High, m.Direct, m.DirectIn.Low, m.DirectIn.High)
	}
	for _, text := range r.Missing {
		fmt.Fprintf(&b, "  not given: %s\n", text)
	}
	if dir != "" {
		fmt.Fprintf(&b, "  %s has all of it, with figures\n", filepath.Join(dir, "sweep.json"))
	}
	_, err := io.WriteString(out, b.String())
	return err
}
