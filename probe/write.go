package probe

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/whole"
	"detgen/plot"
	"detgen/probe/stats"
	"detgen/record"
	"detgen/runner"
)

// Result is what came of probing.
type Result interface {
	// Write writes all of it into a new folder.
	Write(dir string) error
	// WriteText prints what a person reads first; dir is where all of it is, "" for nowhere.
	WriteText(out io.Writer, dir string) error
}

// folder is a folder of results that is being filled: complete or not there.
type folder struct {
	staging *record.Staging
	err     error
}

// newFolder begins a folder of results, which must not be there.
func newFolder(path string) (*folder, error) {
	if err := record.Vacant(path); err != nil {
		return nil, runner.RequestError{Err: err}
	}
	s, err := record.Create(path)
	if err != nil {
		return nil, runner.RequestError{Err: err}
	}
	return &folder{staging: s}, nil
}

func (f *folder) path(name string) string { return filepath.Join(f.staging.Dir(), name) }

// close puts the folder in place, or leaves nothing when something failed.
func (f *folder) close() error {
	if f.err != nil {
		return errors.Join(f.err, f.staging.Discard())
	}
	return f.staging.Publish()
}

func (f *folder) json(name string, v any) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = whole.WriteFile(f.path(name), append(text, '\n'))
	}
	f.err = errors.Join(f.err, err)
}

// csv writes a table; cells are texts, numbers or truth values.
func (f *folder) csv(name string, head []string, rows [][]any) {
	var text strings.Builder
	w := csv.NewWriter(&text)
	w.Write(head)
	line := make([]string, len(head))
	for _, row := range rows {
		for i, cell := range row {
			switch c := cell.(type) {
			case string:
				line[i] = c
			case float64:
				line[i] = strconv.FormatFloat(c, 'g', -1, 64)
				if math.IsNaN(c) {
					line[i] = ""
				}
			default:
				line[i] = fmt.Sprint(c)
			}
		}
		w.Write(line)
	}
	w.Flush()
	f.err = errors.Join(f.err, w.Error(), whole.WriteFile(f.path(name), []byte(text.String())))
}

// figure draws a figure as SVG; one with nothing to draw is left out by its caller.
func (f *folder) figure(name string, draw func() (*plot.Figure, error)) {
	if f.err != nil {
		return
	}
	fig, err := draw()
	if err == nil {
		err = fig.WriteFile(f.path(name))
	}
	f.err = errors.Join(f.err, err)
}

// Write writes the report into a new folder: report.json, every series that is drawn as CSV, and figures.
func (r *Report) Write(dir string) error {
	f, err := newFolder(dir)
	if err != nil {
		return err
	}
	r.fill(f)
	return f.close()
}

func (r *Report) fill(f *folder) {
	f.json("report.json", r)
	var rows [][]any
	head := []string{"id", "run", "label", "attack", "activity", "service", "score", "error"}
	fixed := len(head)
	for _, factor := range r.Factors {
		if !slices.Contains(head[:fixed], factor.Name) {
			head = append(head, factor.Name)
		}
	}
	for i := range r.set.Items {
		item := &r.set.Items[i]
		c := r.set.connection(i)
		row := []any{c.ID, c.Run, c.Label, item.Attack, item.Activity, item.Service, item.Score, item.Error}
		for k, factor := range r.Factors {
			if !slices.Contains(head[:fixed], factor.Name) {
				row = append(row, r.columns[k][i])
			}
		}
		rows = append(rows, row)
	}
	f.csv("scores.csv", head, rows)
	rows = nil
	for i := range r.roc.Threshold {
		rows = append(rows, []any{r.roc.FalsePositive[i], r.roc.Detection[i], r.roc.Threshold[i]})
	}
	f.csv("roc.csv", []string{"false_positive", "detection", "threshold"}, rows)
	rows = nil
	for _, l := range r.Labels.Ranked {
		within, low, high := math.NaN(), math.NaN(), math.NaN()
		if l.Within != nil {
			within, low, high = l.Within.R, l.Within.Interval.Low, l.Within.Interval.High
		}
		rows = append(rows, []any{l.Label, l.Measured, l.N, l.R, l.Interval.Low, l.Interval.High, l.P, l.Q, l.Spearman, l.G, l.Delta, within, low, high, l.WithinP})
	}
	f.csv("labels.csv", []string{"label", "measured", "n", "r", "r_low", "r_high", "p", "q", "spearman", "hedges_g", "cliffs_delta", "within_r", "within_low", "within_high", "within_p"}, rows)
	rows = nil
	for _, s := range r.Slices.Worst {
		rows = append(rows, []any{strings.Join(s.Where, " & "), s.N, s.Runs, s.Error, s.Rest, s.Effect, s.Q, s.Command})
	}
	f.csv("slices.csv", []string{"where", "n", "runs", "error", "error_of_the_rest", "effect", "q", "command"}, rows)
	rows = nil
	for _, g := range r.Performance.Groups {
		area := stats.Area{AUC: math.NaN(), Interval: stats.Interval{Low: math.NaN(), High: math.NaN()}}
		if g.Area != nil {
			area = *g.Area
		}
		rows = append(rows, []any{g.By, g.Name, g.Attack, g.Rate.N, g.Rate.Share, g.Rate.Interval.Low, g.Rate.Interval.High, area.AUC, area.Interval.Low, area.Interval.High, g.Error})
	}
	f.csv("groups.csv", []string{"by", "name", "attack", "n", "called_attack", "low", "high", "auc", "auc_low", "auc_high", "error"}, rows)
	f.figure("roc.svg", r.drawROC)
	f.figure("scores.svg", r.drawScores)
	if len(r.Labels.Ranked) > 0 {
		f.figure("labels.svg", r.drawLabels)
	}
	if c := r.Performance.Calibration; c != nil {
		rows = nil
		for _, b := range c.Bins {
			rows = append(rows, []any{b.N, b.Score, b.Share})
		}
		f.csv("calibration.csv", []string{"n", "score", "share_of_attacks"}, rows)
		f.figure("calibration.svg", r.drawCalibration)
	}
}

func (r *Report) drawROC() (*plot.Figure, error) {
	l := plot.Lines{Title: fmt.Sprintf("ROC of %s, AUC %.4f", r.Model.Name, r.Performance.Area.AUC), XLabel: "false positives", YLabel: "detection"}
	l.Series = []plot.Series{
		{Name: "model", X: r.roc.FalsePositive, Y: r.roc.Detection},
		{Name: "chance", X: []float64{0, 1}, Y: []float64{0, 1}},
	}
	return l.Draw()
}

func (r *Report) drawScores() (*plot.Figure, error) {
	benign, attacks := r.set.split(nil)
	l := plot.Lines{Title: "Scores", XLabel: "score", YLabel: "share of connections at most"}
	l.Series = []plot.Series{plot.Distribution("benign", benign), plot.Distribution("attack", attacks)}
	return l.Draw()
}

func (r *Report) drawLabels() (*plot.Figure, error) {
	e := plot.Effects{Title: "Errors against labels (filled: p below 0.05, adjusted for all tests)", Label: "correlation with the error", Series: []string{"all connections", "within activities"}}
	for _, l := range r.Labels.Ranked[:min(len(r.Labels.Ranked), 30)] {
		nan := math.NaN()
		row := plot.Effect{Name: l.Label, Strong: l.P < 0.05, Values: []plot.EffectValue{{Value: l.R, Low: l.Interval.Low, High: l.Interval.High}, {Value: nan, Low: nan, High: nan}}}
		if l.Measured {
			row.Name += " (measured)"
		}
		if l.Within != nil {
			row.Values[1] = plot.EffectValue{Value: l.Within.R, Low: l.Within.Interval.Low, High: l.Within.Interval.High}
		}
		e.Rows = append(e.Rows, row)
	}
	return e.Draw()
}

// WriteText prints what a person reads first.
func (r *Report) WriteText(out io.Writer, dir string) error {
	var b strings.Builder
	p := &r.Performance
	over := "runs"
	of := func(runs int) string { return fmt.Sprintf(" of %d runs", runs) }
	if r.Runs == 0 {
		over, of = "connections", func(int) string { return "" }
	}
	fmt.Fprintf(&b, "%s on %s: %d connections%s, %d benign, %d attacks\n", r.Model.Name, r.Dataset, r.Connections, of(r.Runs), r.Benign, r.Attacks)
	if r.LeftOut > 0 {
		fmt.Fprintf(&b, "  %d connections left out: the model looks at %s, and none can be made of them\n", r.LeftOut, r.Model.Kind)
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "  warning: %s\n", w)
	}
	fmt.Fprintf(&b, "  AUC %.4f (%.4f to %.4f; over %s %.4f to %.4f)\n", p.Area.AUC, p.Area.Interval.Low, p.Area.Interval.High, over, p.OverRuns.Low, p.OverRuns.High)
	fmt.Fprintf(&b, "  threshold %.4g (%s): detection %s, false positives %s\n", p.Operating.Threshold, p.Operating.Rule, share(p.Operating.Detection), share(p.Operating.FalsePositive))
	for _, o := range p.AtRates {
		fmt.Fprintf(&b, "  %s: detection %s\n", o.Rule, share(o.Detection))
	}
	for _, text := range p.TooFew {
		fmt.Fprintf(&b, "  not given: %s\n", text)
	}
	if p.Calibration != nil {
		fmt.Fprintf(&b, "  calibration error %.3f, Brier score %.3f\n", p.Calibration.ECE, p.Calibration.Brier)
	}
	fmt.Fprintf(&b, "\n  %-44s %7s %17s %7s %9s %9s\n", "errors against labels", "r", map[bool]string{true: "95 % over runs", false: "95 %"}[r.Runs > 0], "p", "within r", "within p")
	for _, l := range r.Labels.Ranked[:min(len(r.Labels.Ranked), 15)] {
		name := l.Label
		if l.Measured {
			name += " (measured)"
		}
		within, withinP := "-", "-"
		if l.Within != nil {
			within, withinP = fmt.Sprintf("%+.3f", l.Within.R), fmt.Sprintf("%.4f", l.WithinP)
		}
		fmt.Fprintf(&b, "  %-44s %+7.3f %+8.3f %+8.3f %7.4f %9s %9s\n", name, l.R, l.Interval.Low, l.Interval.High, l.P, within, withinP)
	}
	fmt.Fprintf(&b, "  %d tests; p is adjusted for all of them (%d permutations)\n", r.Labels.Tests, r.Labels.Draws)
	for _, a := range r.Labels.Aliased {
		fmt.Fprintf(&b, "  refused: %s cannot be told apart (|r| above %.2f); vary them separately, or leave all but one out with --ignore\n", few(a.Labels), mostAlike)
	}
	if len(r.Slices.Worst) > 0 {
		fmt.Fprintf(&b, "\n  worst slices of %d tested\n", r.Slices.Tests)
		for _, s := range r.Slices.Worst[:min(len(r.Slices.Worst), 5)] {
			fmt.Fprintf(&b, "  error %.3f (others %.3f), %d connections%s: %s\n", s.Error, s.Rest, s.N, of(s.Runs), strings.Join(s.Where, ", "))
			if s.Command != "" {
				fmt.Fprintf(&b, "      more: %s\n", s.Command)
			}
		}
	}
	if dir != "" {
		fmt.Fprintf(&b, "\n  %s has all of it, with figures\n", filepath.Join(dir, "report.json"))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// few names the first of many.
func few(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// share prints a proportion.
func share(p stats.Proportion) string {
	return fmt.Sprintf("%.2f %% (%.2f to %.2f, %d of %d)", 100*p.Share, 100*p.Interval.Low, 100*p.Interval.High, p.K, p.N)
}

func (r *Report) drawCalibration() (*plot.Figure, error) {
	c := r.Performance.Calibration
	s := plot.Series{Name: "model"}
	for _, b := range c.Bins {
		if b.N > 0 {
			s.X, s.Y = append(s.X, b.Score), append(s.Y, b.Share)
		}
	}
	l := plot.Lines{Title: fmt.Sprintf("Calibration (error %.3f)", c.ECE), XLabel: "score", YLabel: "share of attacks", Series: []plot.Series{s, {Name: "perfect", X: []float64{0, 1}, Y: []float64{0, 1}}}}
	return l.Draw()
}

// write writes a text into the folder.
func (f *folder) write(name string, text func(io.Writer) error) error {
	var b strings.Builder
	if err := text(&b); err != nil {
		return err
	}
	return whole.WriteFile(f.path(name), []byte(b.String()))
}
