package report

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/beneath"
	"detgen/internal/plain"
	"detgen/internal/whole"
	"detgen/model"
	"detgen/plot"
	"detgen/record"
)

// commandFile has the command that made a result of a probe, or of an experiment.
const commandFile = "command.txt"

// WriteCommand keeps the command that made a folder of results in it, for its page.
func WriteCommand(dir string, words []string) error {
	if _, err := os.Stat(dir); err != nil {
		return nil // the error of writing it says why
	}
	list := make([]string, len(words))
	for i, word := range words {
		list[i] = plain.Word(word)
	}
	return whole.WriteFile(filepath.Join(dir, commandFile), []byte(strings.Join(list, " ")+"\n"))
}

// What pages show of the results of probes, which package probe documents. What else they have is not read.
type (
	interval   struct{ Low, High float64 }
	proportion struct {
		K, N     int
		Share    float64
		Interval interval
	}
	areaUnder struct {
		AUC      float64
		Interval interval
	}
	operating struct {
		Rule          string
		Threshold     float64
		Detection     proportion
		FalsePositive proportion `json:"false_positive"`
	}
	probed struct {
		Dataset, Split                              string
		Model                                       model.Description
		Connections, Runs, Benign, Attacks, LeftOut int
		ErrorIs                                     string `json:"error_is"`
		Performance                                 struct {
			Area        areaUnder
			OverRuns    interval `json:"over_runs"`
			Operating   operating
			AtRates     []operating `json:"at_rates"`
			TooFew      []string    `json:"too_few"`
			Precision   []struct{ Base, Precision float64 }
			Calibration *struct{ ECE, Brier float64 }
		}
		Labels struct {
			Tests, Draws int
			Ranked       []ranked
			Aliased      []struct{ Labels []string }
		}
		Slices struct {
			Tests int
			Worst []struct {
				Where                  []string
				N, Runs                int
				Error, Rest, Effect, Q float64
				Command                string
			}
		}
		Factors  []factor
		Warnings []string
	}
	ranked struct {
		Label    string
		Measured bool
		N        int
		R        float64
		Interval interval
		P        float64
		Within   *struct {
			R        float64
			Interval interval
		} `json:"within_activity"`
	}
	factor struct {
		Name     string
		Measured bool
		Numbers  map[string]float64
	}
)

// readResult reads a file of results that has more than what a page shows.
func readResult(dir, name string, v any) error { return readBy(record.ParseSomeJSON, dir, name, v) }

// commandOf gives the command that made a result, or one that is like it where that was not written down.
func commandOf(dir, like string) ([]string, error) {
	text, err := beneath.ReadFile(dir, commandFile, maxLog)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []string{like + " -o " + plain.Word(filepath.Base(dir))}, nil
	case err != nil:
		return nil, err
	}
	return []string{strings.TrimSpace(string(text))}, nil
}

// dataset gives the address of the page of the folder that a result is about; "" where there is none.
func (o *Options) dataset(path string) string {
	if o.Below == nil || path == "" {
		return ""
	}
	address, _ := o.Below(path)
	return address
}

// Probe is the page of what a model gets wrong.
func Probe(dir string, o Options) (*Page, error) {
	var r probed
	if err := readResult(dir, "report.json", &r); err != nil {
		return nil, err
	}
	p := &Page{Kind: "probe", Title: fmt.Sprintf("Probe of %s on %s", r.Model.Name, filepath.Base(r.Dataset)), Notes: r.Warnings}
	var err error
	if p.Commands, err = commandOf(dir, "detgen probe "+plain.Word(r.Dataset)+" --model "+plain.Word(r.Model.Name)); err != nil {
		return nil, err
	}
	probeOverview(p.add("overview", "Overview"), &r, &o)
	t, all, err := scoreTable(dir, r.Dataset, &o)
	if err != nil {
		return nil, err
	}
	if err := scoresAgainst(p.add("scores", "Scores against factors"), &r, all, &o); err != nil {
		return nil, err
	}
	if err := errorsAgainst(p.add("labels", "Errors against labels"), &r); err != nil {
		return nil, err
	}
	sliceTable(p.add("slices", "Worst slices"), &r)
	if err := curvesOf(p.add("curves", "Performance"), dir, all, &o); err != nil {
		return nil, err
	}
	p.add("connections", "Connections").Tables = []*Table{t}
	resultFiles(p, dir, &o)
	return p, nil
}

// modelFacts say which model it was.
func modelFacts(m *model.Description) []Fact {
	facts := []Fact{{Name: "Model", Value: m.Name}}
	if m.Hash != "" {
		facts = append(facts, Fact{Name: "Hash of the model", Value: m.Hash})
	}
	facts = append(facts, Fact{Name: "It looks at", Value: string(m.Kind)})
	if m.Trained != "" {
		facts = append(facts, Fact{Name: "Trained on", Value: m.Trained})
	}
	return facts
}

func percent(p proportion) string {
	return fmt.Sprintf("%.2f %% (%.2f to %.2f, %d of %d)", 100*p.Share, 100*p.Interval.Low, 100*p.Interval.High, p.K, p.N)
}

func probeOverview(s *Section, r *probed, o *Options) {
	of := &r.Performance
	s.Facts = append(modelFacts(&r.Model), Fact{Name: "Dataset", Value: r.Dataset, Link: o.dataset(r.Dataset)})
	if r.Split != "" {
		s.Facts = append(s.Facts, Fact{Name: "Split", Value: r.Split})
	}
	connections := itoa(r.Connections)
	if r.Runs > 0 {
		connections += fmt.Sprintf(" of %d runs", r.Runs)
	}
	s.Facts = append(s.Facts,
		Fact{Name: "Connections", Value: fmt.Sprintf("%s: %d benign, %d attacks", connections, r.Benign, r.Attacks)},
		Fact{Name: "AUC", Value: fmt.Sprintf("%.4f (%.4f to %.4f; over runs %.4f to %.4f)", of.Area.AUC, of.Area.Interval.Low, of.Area.Interval.High, of.OverRuns.Low, of.OverRuns.High)},
		Fact{Name: "Threshold", Value: fmt.Sprintf("%.4g (%s)", of.Operating.Threshold, of.Operating.Rule)},
		Fact{Name: "Detection", Value: percent(of.Operating.Detection)}, Fact{Name: "False positives", Value: percent(of.Operating.FalsePositive)})
	for _, at := range of.AtRates {
		s.Facts = append(s.Facts, Fact{Name: "Detection, " + at.Rule, Value: percent(at.Detection)})
	}
	for _, at := range of.Precision {
		s.Facts = append(s.Facts, Fact{Name: fmt.Sprintf("Precision, one attack in %.0f", 1/at.Base), Value: fmt.Sprintf("%.4g", at.Precision)})
	}
	if c := of.Calibration; c != nil {
		s.Facts = append(s.Facts, Fact{Name: "Calibration error", Value: fmt.Sprintf("%.3f; Brier score %.3f", c.ECE, c.Brier)})
	}
	s.Facts = append(s.Facts, Fact{Name: "An error is", Value: r.ErrorIs})
	for _, text := range of.TooFew {
		s.Text = append(s.Text, "Not given: "+text+".")
	}
}

// scoreTable reads scores.csv: the table that is shown, whose rows lead to connections, and all of its rows.
func scoreTable(dir, dataset string, o *Options) (shown, all *Table, err error) {
	head, rows, _, err := readCSV(dir, "scores.csv", 1_000_000)
	if err != nil {
		return nil, nil, err
	}
	id := slices.Index(head, "id")
	if id < 0 {
		return nil, nil, fmt.Errorf("%s has no column id", filepath.Join(dir, "scores.csv"))
	}
	base := o.dataset(dataset)
	all = &Table{ID: "connections", Caption: "Each connection and what the model says of it", Start: o.Find, Columns: []Column{{Name: "run"}, {Name: "connection", Number: true}}}
	if base != "" {
		all.Columns[0].Link, all.Columns[1].Link = base+"runs/{run}/", base+"runs/{run}/?connection={connection}"
		if _, kind := o.Below(dataset); kind == "run" {
			all.Columns[0].Link, all.Columns[1].Link = base, base+"?connection={connection}"
		}
	}
	numeric := numericColumns(head, rows)
	var keep []int
	for j, name := range head {
		if j != id && name != "run" {
			keep = append(keep, j)
			all.Columns = append(all.Columns, Column{Name: name, Number: slices.Contains(numeric, name)})
		}
	}
	for _, row := range rows {
		run, connection := row[id], ""
		if at := strings.LastIndexByte(run, '/'); at >= 0 {
			run, connection = run[:at], run[at+1:]
		}
		line := []string{run, connection}
		for _, j := range keep {
			line = append(line, row[j])
		}
		all.Rows = append(all.Rows, line)
	}
	cut := *all
	return limited(&cut, o.rows(), "scores.csv"), all, nil
}

// cells gives a column of a table; nil when it has none of that name.
func (t *Table) cells(name string) []string {
	at := t.column(name)
	if at < 0 {
		return nil
	}
	list := make([]string, len(t.Rows))
	for i, row := range t.Rows {
		list[i] = row[at]
	}
	return list
}

// numbers gives a column as numbers; what is none is NaN.
func numbers(cells []string) []float64 {
	list := make([]float64, len(cells))
	for i, text := range cells {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			v = math.NaN()
		}
		list[i] = v
	}
	return list
}

// figuresOfFile is against how many factors a file draws scores.
const figuresOfFile = 4

// scoresAgainst draws scores against factors: on the local pages the one that is asked for, in a file those that go with the
// errors most.
func scoresAgainst(s *Section, r *probed, all *Table, o *Options) error {
	list := slices.Clone(r.Factors)
	strength := func(f factor) float64 {
		most := 0.
		for _, l := range r.Labels.Ranked {
			if l.Label == f.Name || strings.HasPrefix(l.Label, f.Name+"=") {
				most = max(most, math.Abs(l.R))
			}
		}
		return most
	}
	slices.SortStableFunc(list, func(a, b factor) int { return cmp.Compare(strength(b), strength(a)) })
	if len(list) == 0 {
		list = []factor{{Name: "activity"}}
	}
	drawn := list[:min(len(list), figuresOfFile)]
	if o.Linked {
		s.Ask = "Scores against"
		for _, f := range list {
			s.Choices = append(s.Choices, f.Name)
		}
		s.Choice = list[0].Name
		if slices.Contains(s.Choices, o.Feature) {
			s.Choice = o.Feature
		}
		i := slices.IndexFunc(list, func(f factor) bool { return f.Name == s.Choice })
		drawn = list[i : i+1]
	}
	for i, f := range drawn {
		figure, table, err := against(fmt.Sprintf("against-%d", i+1), f, r.Performance.Operating.Threshold, all)
		if err != nil {
			return err
		}
		if figure == nil {
			continue
		}
		s.Figures, s.Tables = append(s.Figures, figure), append(s.Tables, table)
	}
	return nil
}

// mostLevels is how many values of a factor stand side by side; a quantity of more has a scale.
const mostLevels = 12

// against draws scores against a factor, and tells them level by level. It is nil when no connection has the factor.
func against(id string, f factor, threshold float64, all *Table) (*Figure, *Table, error) {
	cells, scores, errs, attack := all.cells(f.Name), numbers(all.cells("score")), numbers(all.cells("error")), all.cells("attack")
	if cells == nil || len(scores) == 0 || len(attack) == 0 || len(errs) == 0 {
		return nil, nil, nil
	}
	x := make([]float64, len(cells))
	levels := map[string]float64{}
	for i, text := range cells {
		x[i] = math.NaN()
		if n, ok := f.Numbers[text]; ok {
			x[i] = n
		} else if n, err := strconv.ParseFloat(text, 64); err == nil && f.Measured {
			x[i] = n
		}
		levels[text] = x[i]
	}
	names := slices.SortedFunc(maps.Keys(levels), func(a, b string) int { return cmp.Or(cmp.Compare(levels[a], levels[b]), strings.Compare(a, b)) })
	lines := &plot.Lines{XLabel: f.Name, YLabel: "score"}
	sideBySide := len(names) <= mostLevels || f.Numbers == nil && !f.Measured
	table := &Table{ID: id + "-levels", Caption: "Scores by " + f.Name, Columns: []Column{{Name: f.Name}, {Name: "class"}, {Name: "connections", Number: true}, {Name: "mean_score", Number: true},
		{Name: "called_attack", Number: true, About: "share at or above the threshold"}, {Name: "mean_error", Number: true}}}
	place := map[string]int{}
	if sideBySide {
		for i, name := range names {
			place[name] = i
			lines.XNames = append(lines.XNames, cmp.Or(name, "(none)"))
		}
	}
	rows := map[int][]int{} // of the series of dots
	alt := "Scores of connections against " + f.Name + "."
	var means []plot.Series
	for _, class := range []string{"benign", "attack"} {
		var in []int
		for i := range cells {
			if (attack[i] == "true") == (class == "attack") && !math.IsNaN(scores[i]) && (sideBySide || !math.IsNaN(x[i])) {
				in = append(in, i)
			}
		}
		if len(in) == 0 {
			continue
		}
		dots, mean := plot.Series{Name: fmt.Sprintf("%s (%d)", class, len(in)), Dots: true}, plot.Series{Name: "mean of " + class}
		for k, j := range plot.Share(len(in), maxPoints/2) {
			i := in[j]
			at := x[i]
			if sideBySide { // beside each other, so that all are seen
				at = float64(place[cells[i]]) + (math.Mod(float64(k)*0.618, 1)-0.5)*0.7
			}
			dots.X, dots.Y = append(dots.X, at), append(dots.Y, scores[i])
			rows[len(lines.Series)] = append(rows[len(lines.Series)], i)
		}
		lines.Series = append(lines.Series, dots)
		byLevel := map[string][]int{}
		for _, i := range in {
			byLevel[level(cells[i], x[i], sideBySide, names, levels)] = append(byLevel[level(cells[i], x[i], sideBySide, names, levels)], i)
		}
		for _, name := range slices.SortedFunc(maps.Keys(byLevel), func(a, b string) int { return cmp.Compare(meanOf(byLevel[a], x), meanOf(byLevel[b], x)) }) {
			members := byLevel[name]
			score, called := 0., 0
			for _, i := range members {
				score += scores[i] / float64(len(members))
				if scores[i] >= threshold {
					called++
				}
			}
			table.Rows = append(table.Rows, []string{cmp.Or(name, "(none)"), class, itoa(len(members)), short(score), short(float64(called) / float64(len(members))), short(meanOf(members, errs))})
			at := meanOf(members, x)
			if sideBySide {
				at = float64(place[name])
			}
			mean.X, mean.Y = append(mean.X, at), append(mean.Y, score)
		}
		alt += fmt.Sprintf(" %s: %d connections.", class, len(in))
		means = append(means, mean)
	}
	if len(lines.Series) == 0 {
		return nil, nil, nil
	}
	for i := range means {
		means[i].X, means[i].Y = inOrder(means[i].X, means[i].Y)
	}
	lines.Series = append(lines.Series, means...)
	if slices.Min(scores) >= 0 && slices.Max(scores) <= 1 {
		lines.Bottom, lines.Top = 0, 1
	}
	drawing, err := lines.Draw()
	if err != nil {
		return nil, nil, fmt.Errorf("draw scores against %s: %w", f.Name, err)
	}
	said := &Table{Columns: []Column{all.Columns[1]}}
	shown := []int{1}
	for _, name := range []string{"run", "label", "activity", f.Name, "score", "error"} {
		if at := all.column(name); at >= 0 && !slices.Contains(shown, at) {
			shown = append(shown, at)
			said.Columns = append(said.Columns, all.Columns[at])
		}
	}
	at := map[int]int{}
	for _, list := range rows {
		for _, i := range list {
			at[i] = len(said.Rows)
			row := make([]string, len(shown))
			for k, j := range shown {
				row[k] = all.Rows[i][j]
			}
			said.Rows = append(said.Rows, row)
		}
	}
	caption := "Score of each connection against " + f.Name
	if sideBySide {
		caption += ", spread sideways within each value"
	}
	if n := len(all.Rows); n > maxPoints {
		caption += fmt.Sprintf(" (at most %d of each class, evenly; the table of connections has all)", maxPoints/2)
	}
	figure, err := drawPoints(id, caption, alt, drawing, said, func(series, index int) int {
		if list := rows[series]; index < len(list) {
			return at[list[index]]
		}
		return -1
	})
	return figure, table, err
}

// level names the level of a factor that a value is of: itself, or of a quantity with many values one of five ranges with as
// many values each.
func level(text string, x float64, sideBySide bool, names []string, levels map[string]float64) string {
	if sideBySide {
		return text
	}
	known := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return math.IsNaN(levels[name]) })
	const parts = 5
	i := slices.IndexFunc(known, func(name string) bool { return levels[name] >= x })
	k := max(i, 0) * parts / len(known)
	return known[k*len(known)/parts] + " to " + known[min((k+1)*len(known)/parts, len(known))-1]
}

func meanOf(in []int, values []float64) float64 {
	sum := 0.
	for _, i := range in {
		sum += values[i] / float64(len(in))
	}
	return sum
}

// inOrder sorts points by x.
func inOrder(x, y []float64) ([]float64, []float64) {
	order := plot.Share(len(x), len(x))
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	x2, y2 := make([]float64, len(x)), make([]float64, len(x))
	for k, i := range order {
		x2[k], y2[k] = x[i], y[i]
	}
	return x2, y2
}

func short(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', 5, 64)
}

// errorsAgainst draws and lists how errors go with labels.
func errorsAgainst(s *Section, r *probed) error {
	s.Text = append(s.Text, fmt.Sprintf("%d tests; p is adjusted for all of them by %d permutations. Correlation with the error: all connections, and within activities.", r.Labels.Tests, r.Labels.Draws))
	for _, a := range r.Labels.Aliased {
		s.Text = append(s.Text, "Refused, as they cannot be told apart: "+strings.Join(a.Labels, ", ")+".")
	}
	if len(r.Labels.Ranked) == 0 {
		return nil
	}
	t := &Table{ID: "ranked", Caption: "Errors against labels", Columns: []Column{{Name: "label"}, {Name: "measured"}, {Name: "n", Number: true}, {Name: "r", Number: true}, {Name: "r_low", Number: true}, {Name: "r_high", Number: true},
		{Name: "p", Number: true}, {Name: "within_r", Number: true}}}
	e := plot.Effects{Label: "correlation with the error (filled: p below 0.05)", Series: []string{"all connections", "within activities"}}
	for _, l := range r.Labels.Ranked {
		nan := math.NaN()
		within := plot.EffectValue{Value: nan, Low: nan, High: nan}
		if l.Within != nil {
			within = plot.EffectValue{Value: l.Within.R, Low: l.Within.Interval.Low, High: l.Within.Interval.High}
		}
		e.Rows = append(e.Rows, plot.Effect{Name: l.Label, Strong: l.P < 0.05, Values: []plot.EffectValue{{Value: l.R, Low: l.Interval.Low, High: l.Interval.High}, within}})
		t.Rows = append(t.Rows, []string{l.Label, strconv.FormatBool(l.Measured), itoa(l.N), short(l.R), short(l.Interval.Low), short(l.Interval.High), short(l.P), short(within.Value)})
	}
	e.Rows = e.Rows[:min(len(e.Rows), 30)]
	drawing, err := e.Draw()
	if err != nil {
		return err
	}
	f, err := drawPoints("ranked", "Errors against labels", "How the error goes with each label; the table has the values.", drawing, t, func(_, index int) int { return index })
	s.Figures, s.Tables = append(s.Figures, f), append(s.Tables, t)
	return err
}

// sliceTable lists where the model errs most.
func sliceTable(s *Section, r *probed) {
	if len(r.Slices.Worst) == 0 {
		s.Text = []string{fmt.Sprintf("None of %d slices stands out.", r.Slices.Tests)}
		return
	}
	s.Text = []string{fmt.Sprintf("Of %d slices. The filter of the connections below takes what is in the column filter.", r.Slices.Tests)}
	t := &Table{ID: "slices", Caption: "Where the model errs most", Columns: []Column{{Name: "where"}, {Name: "connections", Number: true}, {Name: "runs", Number: true}, {Name: "error", Number: true},
		{Name: "error_of_the_rest", Number: true}, {Name: "effect", Number: true}, {Name: "q", Number: true}, {Name: "filter", Link: "?find={filter}#connections"}, {Name: "command", About: "makes more of them"}}}
	for _, one := range r.Slices.Worst {
		var words []string
		for _, w := range one.Where {
			if !strings.ContainsAny(w, " ") && !strings.Contains(w, "..") {
				words = append(words, w)
			}
		}
		t.Rows = append(t.Rows, []string{strings.Join(one.Where, " & "), itoa(one.N), itoa(one.Runs), short(one.Error), short(one.Rest), short(one.Effect), short(one.Q), strings.Join(words, " "), one.Command})
	}
	s.Tables = append(s.Tables, t)
}

// curvesOf draws the curves of a probe: ROC, scores, calibration, and the table of groups.
func curvesOf(s *Section, dir string, all *Table, o *Options) error {
	var scores plot.Lines
	scores.XLabel, scores.YLabel = "score", "share of connections at most"
	values, attack := numbers(all.cells("score")), all.cells("attack")
	for _, class := range []string{"benign", "attack"} {
		var in []float64
		for i, v := range values {
			if i < len(attack) && (attack[i] == "true") == (class == "attack") && !math.IsNaN(v) {
				in = append(in, v)
			}
		}
		slices.Sort(in)
		if len(in) > 0 {
			scores.Series = append(scores.Series, plot.Distribution(class, thinned(in)))
		}
	}
	if len(scores.Series) > 0 {
		f, err := Curves("distribution", "How scores are distributed", &scores)
		if err != nil {
			return err
		}
		s.Figures = append(s.Figures, f)
	}
	for _, c := range []struct{ file, id, caption, x, y, reference string }{
		{"roc.csv", "roc", "ROC", "false_positive", "detection", "chance"}, {"calibration.csv", "calibration", "Calibration", "score", "share_of_attacks", "perfect"},
	} {
		head, rows, _, err := readCSV(dir, c.file, 1_000_000)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		t := &Table{Rows: rows}
		for _, name := range head {
			t.Columns = append(t.Columns, Column{Name: name, Number: true})
		}
		x, y, n := numbers(t.cells(c.x)), numbers(t.cells(c.y)), numbers(t.cells("n"))
		var line plot.Series
		line.Name = "model"
		var which []int
		for _, i := range plot.Share(len(x), maxPoints) {
			if !math.IsNaN(x[i]) && i < len(y) && !math.IsNaN(y[i]) && (len(n) == 0 || n[i] > 0) {
				line.X, line.Y, which = append(line.X, x[i]), append(line.Y, y[i]), append(which, i)
			}
		}
		if len(line.X) == 0 {
			continue
		}
		said := &Table{Columns: t.Columns}
		for _, i := range which {
			said.Rows = append(said.Rows, rows[i])
		}
		lines := plot.Lines{XLabel: strings.ReplaceAll(c.x, "_", " "), YLabel: strings.ReplaceAll(c.y, "_", " "), Series: []plot.Series{line, {Name: c.reference, X: []float64{0, 1}, Y: []float64{0, 1}}}}
		drawing, err := lines.Draw()
		if err != nil {
			return err
		}
		f, err := drawPoints(c.id, c.caption, c.caption+" of the model, beside "+c.reference+".", drawing, said, func(series, index int) int {
			if series > 0 {
				return -1
			}
			return index
		})
		if err != nil {
			return err
		}
		s.Figures = append(s.Figures, f)
	}
	if _, err := fs.Stat(beneath.Dir(dir), "groups.csv"); err != nil {
		return nil
	}
	t, err := csvTable(dir, "groups.csv", "groups", "By class, scenario and service", o)
	s.Tables = append(s.Tables, t)
	return err
}

// resultFiles lists the files of a folder of results.
func resultFiles(p *Page, dir string, o *Options) {
	s := p.add("files", "Files")
	entries, _ := fs.ReadDir(beneath.Dir(dir), ".") // its files were read already
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			s.Files = append(s.Files, o.file(File{Name: e.Name()}))
		}
	}
}
