package probe

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"detgen/model"
	"detgen/model/items"
	"detgen/plot"
	"detgen/probe/correct"
	"detgen/probe/stats"
	"detgen/runner"
)

// Arms of a correction.
const (
	ArmRaw       = "A" // the model as it is
	ArmCorrected = "B" // the same weights, what it sees corrected
	ArmRetrained = "C" // trained and asked with the correction
	ArmControl   = "D" // the same weights, as many packets dropped, but any
	ArmAugmented = "E" // trained with retransmissions put in, asked as it is
)

var armDocs = map[string]string{
	ArmRaw: "as it is", ArmCorrected: "same weights, corrected", ArmRetrained: "retrained, corrected", ArmControl: "same weights, as many packets dropped, but any", ArmAugmented: "trained with retransmissions put in",
}

// CorrectReport is what a correction does (step 5 of the paper).
type CorrectReport struct {
	Dataset     string            `json:"dataset"`
	Model       model.Description `json:"model"`
	Transform   string            `json:"transform"`
	Meaning     string            `json:"meaning"`
	Connections int               `json:"connections"` // that every arm has a score of
	Changed     int               `json:"changed"`     // that the correction changes
	Dropped     int               `json:"dropped"`     // packets
	Arms        []Arm             `json:"arms"`
	Band        string            `json:"band,omitempty"` // factor of the bands

	set    *Set
	scores map[string][]float64 // by arm
	bands  []string
}

// Arm is one way to correct.
type Arm struct {
	Arm       string          `json:"arm"`
	What      string          `json:"what"`
	Area      stats.Area      `json:"area"`
	Operating stats.Operating `json:"operating"` // at the arm's own geometric mean
	AtFirst   stats.Operating `json:"at_first"`  // at the threshold of arm A
	Against   *Against        `json:"against_raw"`
	Bands     []Band          `json:"bands,omitempty"`
}

// Against compares an arm with arm A, connection by connection.
type Against struct {
	Area    stats.AUCDifference `json:"area"`      // paired DeLong
	Mended  int                 `json:"mended"`    // right here, wrong in A, both at the threshold of A
	Broken  int                 `json:"broken"`    // the other way round
	McNemar float64             `json:"mcnemar_p"` // exact
	Error   stats.Paired        `json:"error"`     // differences of the error
}

// Band is the performance at one level of a factor.
type Band struct {
	Level         string           `json:"level"`
	Detection     stats.Proportion `json:"detection"` // at the threshold of arm A
	FalsePositive stats.Proportion `json:"false_positive"`
	AUC           *stats.Area      `json:"area"` // nil when a class is missing
	McNemar       float64          `json:"mcnemar_p"`
}

// CorrectOptions choose the correction and its arms.
type CorrectOptions struct {
	Options
	Transform correct.Transform
	Band      string      // factor whose levels are judged by themselves; "" for none
	Retrained model.Model // nil: no arm C
	Augmented model.Model // nil: no arm E
}

// Open opens the model that a text names and those of the arms, "" for none, and takes the correction of a name. The caller
// closes what it gives, of which the first is the model.
func (o *CorrectOptions) Open(transform string, with model.Options, named, retrained, augmented string) (model.List, error) {
	var err error
	if o.Transform, err = correct.Named(transform); err != nil {
		return nil, runner.RequestError{Err: err}
	}
	models, err := model.OpenAll(with, named, retrained, augmented)
	if err != nil {
		return nil, runner.RequestError{Err: err}
	}
	o.Retrained, o.Augmented = models[1], models[2]
	return models, nil
}

// Correct judges a model before and after a correction of what it sees.
func Correct(ctx context.Context, path string, m model.Model, o CorrectOptions) (*CorrectReport, error) {
	first, err := Load(path, o.Options)
	if err != nil {
		return nil, err
	}
	if err := first.Classes(); err != nil {
		return nil, err
	}
	if o.Band != "" && !slices.Contains(first.Data.Columns, o.Band) {
		return nil, request("--band: %s has no factor %q; it has %s", path, o.Band, strings.Join(first.factors(), ", "))
	}
	r := &CorrectReport{Dataset: path, Transform: o.Transform.Name, Meaning: o.Transform.Doc, Band: o.Band, scores: map[string][]float64{}}
	all := map[string]map[int]float64{}
	var names []string
	for _, arm := range []struct {
		name   string
		model  model.Model
		change func() func(*items.Trace) *items.Trace
	}{
		{ArmRaw, m, func() func(*items.Trace) *items.Trace { return r.counted(o.Transform) }},
		{ArmCorrected, m, func() func(*items.Trace) *items.Trace { return o.Transform.Apply }},
		{ArmRetrained, o.Retrained, func() func(*items.Trace) *items.Trace { return o.Transform.Apply }},
		{ArmControl, m, func() func(*items.Trace) *items.Trace { return o.Transform.Control(o.Seed) }},
		{ArmAugmented, o.Augmented, func() func(*items.Trace) *items.Trace { return func(t *items.Trace) *items.Trace { return t } }},
	} {
		if arm.model == nil {
			continue
		}
		s := &Set{Data: first.Data, Items: slices.Clone(first.Items)}
		ask := o.Options
		ask.Change = arm.change()
		if _, err := s.Score(ctx, arm.model, ask); err != nil {
			return nil, fmt.Errorf("arm %s: %w", arm.name, err)
		}
		if arm.name == ArmRaw {
			r.Model, r.set = s.Model, s
		}
		names = append(names, arm.name)
		all[arm.name] = map[int]float64{}
		for i := range s.Items {
			all[arm.name][s.Items[i].Connection] = s.Items[i].Score
		}
	}
	kept := r.set.Items[:0]
	for _, item := range r.set.Items {
		if !slices.ContainsFunc(names, func(name string) bool { _, ok := all[name][item.Connection]; return !ok }) {
			kept = append(kept, item)
		}
	}
	r.set.Items, r.Connections = kept, len(kept)
	if err := r.set.Classes(); err != nil {
		return nil, err
	}
	for _, name := range names {
		for i := range kept {
			r.scores[name] = append(r.scores[name], all[name][kept[i].Connection])
		}
	}
	r.judge(names)
	return r, nil
}

// counted counts what a transform does and leaves the trace as it is.
func (r *CorrectReport) counted(t correct.Transform) func(*items.Trace) *items.Trace {
	return func(trace *items.Trace) *items.Trace {
		after := t.Apply(trace)
		if n := len(trace.Packets) - len(after.Packets); n > 0 {
			r.Changed++
			r.Dropped += n
		}
		return trace
	}
}

// two splits an arm's scores by class, of the items that are kept.
func (r *CorrectReport) two(arm string, keep func(i int) bool) (benign, attacks []float64) {
	for i, x := range r.scores[arm] {
		switch {
		case keep != nil && !keep(i):
		case r.set.Items[i].Attack:
			attacks = append(attacks, x)
		default:
			benign = append(benign, x)
		}
	}
	return benign, attacks
}

func (r *CorrectReport) judge(names []string) {
	benign, attacks := r.two(ArmRaw, nil)
	threshold := stats.NewROC(benign, attacks).GeometricMean()
	if r.Band != "" {
		seen := map[string]bool{}
		for i := range r.set.Items {
			seen[r.band(i)] = true
		}
		r.bands = byValue(seen)
	}
	place := map[string][]float64{}
	probabilities := true
	for _, name := range names {
		for _, x := range r.scores[name] {
			probabilities = probabilities && x >= 0 && x <= 1
		}
	}
	for _, name := range names {
		place[name] = r.scores[name]
		if !probabilities {
			place[name] = places(r.scores[name])
		}
	}
	for _, name := range names {
		b, a := r.two(name, nil)
		arm := Arm{Arm: name, What: armDocs[name], Area: stats.AUC(b, a)}
		arm.Operating = stats.At("geometric mean of this arm", stats.NewROC(b, a).GeometricMean(), b, a)
		arm.AtFirst = stats.At("geometric mean of arm A", threshold, b, a)
		if name != ArmRaw {
			x := &Against{Area: stats.CompareAUC(benign, attacks, b, a)}
			x.Mended, x.Broken = r.changes(name, threshold, nil)
			x.McNemar = stats.McNemar(x.Mended, x.Broken)
			var differences []float64
			for i := range r.set.Items {
				d := place[name][i] - place[ArmRaw][i]
				if r.set.Items[i].Attack {
					d = -d
				}
				if math.Abs(d) < 1e-12 {
					d = 0 // rounding
				}
				differences = append(differences, d)
			}
			x.Error = stats.NewPaired(differences)
			arm.Against = x
		}
		for _, level := range r.bands {
			keep := func(i int) bool { return r.band(i) == level }
			b, a := r.two(name, keep)
			at := stats.At("", threshold, b, a)
			band := Band{Level: level, Detection: at.Detection, FalsePositive: at.FalsePositive}
			if len(b) > 0 && len(a) > 0 {
				area := stats.AUC(b, a)
				band.AUC = &area
			}
			mended, broken := r.changes(name, threshold, keep)
			band.McNemar = stats.McNemar(mended, broken)
			arm.Bands = append(arm.Bands, band)
		}
		r.Arms = append(r.Arms, arm)
	}
}

func (r *CorrectReport) band(i int) string {
	v, _ := r.set.Data.Value(r.set.Items[i].Connection, r.Band)
	return v
}

// changes counts the connections that an arm has right and A wrong, and the other way round.
func (r *CorrectReport) changes(arm string, threshold float64, keep func(int) bool) (mended, broken int) {
	for i := range r.set.Items {
		if keep != nil && !keep(i) {
			continue
		}
		before := (r.scores[ArmRaw][i] >= threshold) == r.set.Items[i].Attack
		after := (r.scores[arm][i] >= threshold) == r.set.Items[i].Attack
		switch {
		case after && !before:
			mended++
		case before && !after:
			broken++
		}
	}
	return mended, broken
}

// Write writes correction.json, the scores of all arms and the figures.
func (r *CorrectReport) Write(dir string) error {
	f, err := newFolder(dir)
	if err != nil {
		return err
	}
	f.json("correction.json", r)
	head := []string{"id", "attack", "activity", "band"}
	for _, a := range r.Arms {
		head = append(head, "score_"+a.Arm)
	}
	var rows [][]any
	for i := range r.set.Items {
		row := []any{r.set.connection(i).ID, r.set.Items[i].Attack, r.set.Items[i].Activity, ""}
		if r.Band != "" {
			row[3] = r.band(i)
		}
		for _, a := range r.Arms {
			row = append(row, r.scores[a.Arm][i])
		}
		rows = append(rows, row)
	}
	f.csv("scores.csv", head, rows)
	if r.Band != "" {
		rows = nil
		for _, a := range r.Arms {
			for _, b := range a.Bands {
				auc := math.NaN()
				if b.AUC != nil {
					auc = b.AUC.AUC
				}
				rows = append(rows, []any{a.Arm, b.Level, b.Detection.N, b.Detection.Share, b.Detection.Interval.Low, b.Detection.Interval.High,
					b.FalsePositive.N, b.FalsePositive.Share, b.FalsePositive.Interval.Low, b.FalsePositive.Interval.High, auc, b.McNemar})
			}
		}
		f.csv("bands.csv", []string{"arm", "level", "attacks", "detection", "detection_low", "detection_high", "benign", "false_positives", "false_positives_low", "false_positives_high", "auc", "mcnemar_p"}, rows)
		f.figure("fig2.svg", r.drawFig2)
	}
	f.figure("arms.svg", r.drawArms)
	return f.close()
}

// drawFig2 draws the scores along the bands' factor before and after the correction, as the paper's Fig. 2.
func (r *CorrectReport) drawFig2() (*plot.Figure, error) {
	var panels []*plot.Figure
	low, high := 0., 1.
	for _, scores := range r.scores {
		low, high = min(low, slices.Min(scores)), max(high, slices.Max(scores))
	}
	for _, p := range []struct{ arm, title string }{{ArmRaw, "before"}, {ArmCorrected, "after (" + r.Transform + ")"}} {
		l := plot.Lines{Title: p.title, XLabel: r.Band, YLabel: "score", Bottom: low, Top: high}
		for _, attack := range []bool{false, true} {
			s := plot.Series{Name: map[bool]string{false: "benign", true: "attack"}[attack], Dots: true}
			random := seedless(len(r.set.Items))
			for i := range r.set.Items {
				x, ok := quantity(r.band(i))
				if !ok {
					x = float64(slices.Index(r.bands, r.band(i)))
				}
				if r.set.Items[i].Attack == attack {
					s.X, s.Y, s.XTexts = append(s.X, x+r.spread()*random[i]), append(s.Y, r.scores[p.arm][i]), append(s.XTexts, r.band(i))
				}
			}
			l.Series = append(l.Series, s)
		}
		fig, err := l.Draw()
		if err != nil {
			return nil, err
		}
		panels = append(panels, fig)
	}
	return plot.Beside(panels...), nil
}

// spread is how far dots of one level are drawn apart, so that they do not hide each other: a thirtieth of the range.
func (r *CorrectReport) spread() float64 {
	last, ok := quantity(r.bands[len(r.bands)-1])
	if !ok {
		last = float64(len(r.bands) - 1)
	}
	return last / 30
}

// seedless gives numbers from -0.5 to 0.5 that are spread evenly (multiples of the golden ratio).
func seedless(n int) []float64 {
	list := make([]float64, n)
	for i := range list {
		_, f := math.Modf(float64(i) * 0.6180339887498949)
		list[i] = f - 0.5
	}
	return list
}

func (r *CorrectReport) drawArms() (*plot.Figure, error) {
	e := plot.Effects{Title: "AUC of the arms of " + r.Transform, Label: "AUC", Series: []string{"AUC"}, Zero: r.Arms[0].Area.AUC}
	for _, a := range r.Arms {
		e.Rows = append(e.Rows, plot.Effect{Name: a.Arm + " " + a.What, Strong: a.Against != nil && a.Against.Area.P < 0.05,
			Values: []plot.EffectValue{{Value: a.Area.AUC, Low: a.Area.Interval.Low, High: a.Area.Interval.High}}})
	}
	return e.Draw()
}

// WriteText prints the arms.
func (r *CorrectReport) WriteText(out io.Writer, dir string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s, %d connections\n%s: %s; it changes %d connections and drops %d packets\n", r.Model.Name, r.Dataset, r.Connections, r.Transform, r.Meaning, r.Changed, r.Dropped)
	for _, a := range r.Arms {
		fmt.Fprintf(&b, "  %s  AUC %.4f (%.4f to %.4f), detection %.2f %%, false positives %.3f %%  %s\n", a.Arm, a.Area.AUC, a.Area.Interval.Low, a.Area.Interval.High, 100*a.Operating.Detection.Share, 100*a.Operating.FalsePositive.Share, a.What)
		if x := a.Against; x != nil {
			fmt.Fprintf(&b, "     against A: AUC %+.4f, p %.4f; %d mended, %d broken, p %.4f; error %+.4f, p %.4f\n", x.Area.Difference, x.Area.P, x.Mended, x.Broken, x.McNemar, x.Error.Shift, x.Error.P)
		}
		for _, band := range a.Bands {
			fmt.Fprintf(&b, "     %10s  detection %6.2f %% of %d, false positives %6.2f %% of %d\n", band.Level, 100*band.Detection.Share, band.Detection.N, 100*band.FalsePositive.Share, band.FalsePositive.N)
		}
	}
	b.WriteString("  what a correction hides: attacks that use overlaps or retransmissions themselves are not seen any more\n")
	if dir != "" {
		fmt.Fprintf(&b, "  %s has all of it, with figures\n", filepath.Join(dir, "correction.json"))
	}
	_, err := io.WriteString(out, b.String())
	return err
}
