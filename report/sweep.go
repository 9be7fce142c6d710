package report

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"detgen/internal/plain"
	"detgen/model"
	"detgen/plot"
)

// Sweep is the page of a sweep.
func Sweep(dir string, o Options) (*Page, error) {
	head, rows, total, err := readCSV(dir, "sweep.csv", o.rows())
	if err != nil {
		return nil, err
	}
	p := &Page{Kind: "sweep", Title: "Sweep " + filepath.Base(dir), Commands: []string{"detgen verify " + plain.Word(filepath.Base(dir)+"/baseline")}}
	s := p.add("positions", "Positions")
	s.Text = append(s.Text, fmt.Sprintf("%d runs, one for each position; each row says where its run parts from the one without an intervention.", total))
	t := &Table{ID: "positions", Caption: "Where each run parts from the baseline"}
	run := slices.Index(head, "run")
	for _, name := range head {
		c := Column{Name: name, Number: name == "position" || name == "after_ns"}
		if name == "run" {
			c.Link = o.link("{run}/")
		}
		t.Columns = append(t.Columns, c)
	}
	for _, r := range rows {
		if run >= 0 {
			r[run] = filepath.Base(r[run])
		}
		t.Rows = append(t.Rows, r)
	}
	s.Tables = append(s.Tables, t)
	return p, nil
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
