package report

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/plain"
	"detgen/model"
	"detgen/plot"
	"detgen/record"
)

// Sweep is the page of a sweep.
func Sweep(dir string, o Options) (*Page, error) {
	head, rows, total, err := readCSV(dir, "sweep.csv", o.rows())
	if err != nil {
		return nil, err
	}
	p := &Page{Kind: "sweep", Title: "Sweep " + filepath.Base(dir)}
	baseline, err := record.ReadBelow(dir, "baseline")
	if err != nil {
		return nil, err
	}
	t := &Table{ID: "positions", Caption: "Where each run parts from the baseline", Rows: rows}
	for _, name := range head {
		c := Column{Name: name, Number: name == "position" || name == "after_ns"}
		if name == "run" {
			c.Link = o.link("{run}/")
		}
		t.Columns = append(t.Columns, c)
	}
	if run := t.column("run"); run >= 0 {
		for i := range rows {
			rows[i][run] = filepath.Base(rows[i][run])
		}
	}
	if p.Commands, err = sweepCommands(dir, baseline, t); err != nil {
		return nil, err
	}
	main := &baseline.Run.Activities[0]
	s := p.add("positions", "Positions")
	s.Facts = []Fact{{Name: "Task", Value: main.Scenario + "/" + main.Task}, {Name: "Seed", Value: fmt.Sprint(baseline.Run.Seed)}, {Name: "Engine", Value: baseline.Result.Engine.Name},
		{Name: "Without an intervention", Value: "baseline", Link: o.link("baseline/")}}
	s.Text = append(s.Text, fmt.Sprintf("%d runs, one for each position; each row says where its run parts from the one without an intervention.", total))
	f, err := partingFigure(t)
	if err != nil {
		return nil, err
	}
	if f != nil {
		s.Figures = append(s.Figures, f)
	}
	s.Tables = append(s.Tables, t)
	return p, nil
}

// partingFigure draws when the run of each position parts from the baseline; nil when none does.
func partingFigure(t *Table) (*Figure, error) {
	position, after := t.column("position"), t.column("after_ns")
	if position < 0 || after < 0 {
		return nil, errors.New("sweep.csv lacks its columns position and after_ns")
	}
	line := plot.Series{Dots: true}
	var of []int
	for i, row := range t.Rows {
		x, err := strconv.Atoi(row[position])
		ns, none := strconv.ParseFloat(row[after], 64)
		if err != nil || none != nil || math.IsNaN(ns) || math.IsInf(ns, 0) {
			continue // no difference in structure
		}
		line.X, line.Y, of = append(line.X, float64(x)), append(line.Y, ns/1e6), append(of, i)
	}
	if len(of) == 0 {
		return nil, nil
	}
	drawing, err := (&plot.Lines{XLabel: "position of the intervention", YLabel: "runs part after (ms)", Series: []plot.Series{line}}).Draw()
	if err != nil {
		return nil, err
	}
	alt := fmt.Sprintf("Time at which a run parts from the baseline, for %d of %d positions: from %.3f to %.3f ms.", len(of), len(t.Rows), slices.Min(line.Y), slices.Max(line.Y))
	return drawPoints("parting", "When the run of each position parts from the baseline", alt, drawing, t, func(_, index int) int { return of[index] })
}

// sweepCommands give the command that makes a sweep again. What it went through stands in the factors of its first run.
func sweepCommands(dir string, baseline *record.Record, t *Table) ([]string, error) {
	name := filepath.Base(dir)
	commands := []string{"detgen verify " + plain.Word(name+"/baseline")}
	run, link, action := t.column("run"), t.column("link"), t.column("action")
	if len(t.Rows) == 0 || run < 0 || link < 0 || action < 0 || !filepath.IsLocal(t.Rows[0][run]) || len(baseline.Run.Activities) != 1 {
		return commands, nil
	}
	row := t.Rows[0]
	first, err := record.ReadBelow(dir, row[run])
	if err != nil {
		return nil, err
	}
	through := map[string]string{row[action] + "=data:1": "each-data-segment", row[action] + "=frame:1": "each-frame"}
	for _, v := range first.Run.Values {
		if what := through[v.Value]; v.Name == "link."+row[link]+".frames" && what != "" {
			main := &baseline.Run.Activities[0]
			words := []string{"detgen sweep", main.Scenario + "/" + main.Task, "--engine", plain.Word(baseline.Result.Engine.Name), "--seed", strconv.FormatUint(baseline.Run.Seed, 10), plain.Word("--" + row[action]), what, "--on", plain.Word(row[link])}
			return []string{strings.Join(append(append(words, settings(baseline.Run.Values)...), "-o", plain.Word(name)), " ")}, nil
		}
	}
	return commands, nil
}

// swept is what a page shows of a model along the levels of a factor.
type swept struct {
	Dataset   string
	Model     model.Description
	Factors   []string
	Threshold float64
	Rule      string
	Seeds     int
	Falls     []struct {
		Activity, By, Why string
		Below             float64
		Level             *float64
		Interval          *interval
	}
	Mediation []struct {
		Class, Factor        string
		Total, Direct, Share float64
		Interval             interval `json:"total_interval"`
		DirectIn             interval `json:"direct_interval"`
		ShareIn              interval `json:"share_interval"`
	}
	Missing []string
}

// ProbeSweep is the page of a model along the levels of a factor.
func ProbeSweep(dir string, o Options) (*Page, error) {
	var r swept
	if err := readResult(dir, "sweep.json", &r); err != nil {
		return nil, err
	}
	by := strings.Join(r.Factors, ",")
	p := &Page{Kind: "probe", Title: fmt.Sprintf("%s along %s", r.Model.Name, strings.Join(r.Factors, " and "))}
	var err error
	if p.Commands, err = commandOf(dir, "detgen probe sweep "+plain.Word(r.Dataset)+" --by "+plain.Word(by)+" --model "+plain.Word(r.Model.Name)); err != nil {
		return nil, err
	}
	s := p.add("overview", "Overview")
	s.Facts = append(modelFacts(&r.Model), Fact{Name: "Dataset", Value: r.Dataset, Link: o.dataset(r.Dataset)}, Fact{Name: "Threshold", Value: fmt.Sprintf("%.4g (%s)", r.Threshold, r.Rule)},
		Fact{Name: "Seeds at every level", Value: fmt.Sprint(r.Seeds)})
	for _, text := range r.Missing {
		s.Text = append(s.Text, "Not given: "+text+".")
	}
	curves, err := csvTable(dir, "curves.csv", "curves", "Level by level: what was asked, what was measured, what the model says", &o)
	if err != nil {
		return nil, err
	}
	f, err := curveFigure(curves, by)
	if err != nil {
		return nil, err
	}
	s = p.add("curves", "Along the factor")
	s.Figures, s.Tables = append(s.Figures, f), append(s.Tables, curves, fallTable(&r), mediationTable(&r))
	shown, all, err := scoreTable(dir, r.Dataset, &o)
	if err != nil {
		return nil, err
	}
	s = p.add("scores", "Scores")
	levels := map[string]float64{}
	for i, x := range numbers(all.cells("x")) {
		levels[all.cells("level")[i]] = x
	}
	for i, one := range []factor{{Name: "level", Numbers: levels}, {Name: "rtt_s", Measured: true}, {Name: "retransmissions", Measured: true}} {
		figure, table, err := against(fmt.Sprintf("against-%d", i+1), one, r.Threshold, all)
		if err != nil {
			return nil, err
		}
		if figure != nil {
			s.Figures, s.Tables = append(s.Figures, figure), append(s.Tables, table)
		}
	}
	p.add("connections", "Connections").Tables = []*Table{shown}
	resultFiles(p, dir, &o)
	return p, nil
}

// curveFigure draws the mean score of each activity with its band.
func curveFigure(t *Table, by string) (*Figure, error) {
	x, y, low, high := numbers(t.cells("x")), numbers(t.cells("mean")), numbers(t.cells("band_low")), numbers(t.cells("band_high"))
	activity, second := t.cells("activity"), t.cells("second")
	if len(x) == 0 || len(y) == 0 || len(low) == 0 || len(high) == 0 || activity == nil || second == nil {
		return nil, fmt.Errorf("curves.csv has no rows, or not their columns")
	}
	lines := plot.Lines{XLabel: by, YLabel: "mean score"}
	of := map[string]int{}
	var rows [][]int
	for i := range x {
		name := strings.TrimSpace(activity[i] + " " + second[i])
		k, ok := of[name]
		if !ok {
			k = len(lines.Series)
			of[name] = k
			lines.Series, rows = append(lines.Series, plot.Series{Name: name}), append(rows, nil)
		}
		one := &lines.Series[k]
		one.X, one.Y, one.Low, one.High = append(one.X, x[i]), append(one.Y, y[i]), append(one.Low, low[i]), append(one.High, high[i])
		rows[k] = append(rows[k], i)
	}
	drawing, err := lines.Draw()
	if err != nil {
		return nil, err
	}
	return drawPoints("curves", "Mean score of each activity, with its band over runs", "Mean score by level for "+strings.Join(slices.Sorted(maps.Keys(of)), ", ")+".", drawing, t,
		func(series, index int) int { return rows[series][index] })
}

func fallTable(r *swept) *Table {
	t := &Table{ID: "falls", Caption: "Where detection falls", Columns: []Column{{Name: "activity"}, {Name: "by"}, {Name: "below", Number: true}, {Name: "level", Number: true}, {Name: "low", Number: true}, {Name: "high", Number: true}, {Name: "why"}}}
	for _, f := range r.Falls {
		row := []string{f.Activity, f.By, short(f.Below), "", "", "", f.Why}
		if f.Level != nil {
			row[3] = short(*f.Level)
		}
		if f.Interval != nil {
			row[4], row[5] = short(f.Interval.Low), short(f.Interval.High)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func mediationTable(r *swept) *Table {
	t := &Table{ID: "mediation", Caption: "How much goes through retransmissions: the error per unit of the factor, and with their number held", Columns: []Column{{Name: "class"}, {Name: "factor"},
		{Name: "total", Number: true}, {Name: "total_low", Number: true}, {Name: "total_high", Number: true}, {Name: "direct", Number: true}, {Name: "direct_low", Number: true}, {Name: "direct_high", Number: true},
		{Name: "share", Number: true}, {Name: "share_low", Number: true}, {Name: "share_high", Number: true}}}
	known := func(v float64) string {
		if math.Abs(v) == math.MaxFloat64 {
			return ""
		}
		return short(v)
	}
	for _, m := range r.Mediation {
		t.Rows = append(t.Rows, []string{m.Class, m.Factor, short(m.Total), known(m.Interval.Low), known(m.Interval.High), short(m.Direct), known(m.DirectIn.Low), known(m.DirectIn.High), short(m.Share), known(m.ShareIn.Low), known(m.ShareIn.High)})
	}
	return t
}
