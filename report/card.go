package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"detgen/internal/plain"
	"detgen/model"
	"detgen/plot"
)

// carded is what a page shows of a robustness card.
type carded struct {
	Battery         int
	Dataset         string
	Model           model.Description
	Benign, Attacks []string
	Threshold       float64
	Clean           cell
	Factors         []struct {
		Name, Key string
		Loss      float64
		Cells     []cell `json:"severities"`
	}
	Absent []string `json:"not_measured"`
	Mean   float64  `json:"mean_loss"`
}

type cell struct {
	Level         string
	Missing       string // why there is no such cell; the numbers mean nothing then
	Area          areaUnder
	OverRuns      interval `json:"over_runs"`
	Detection     proportion
	FalsePositive proportion `json:"false_positive"`
	Loss          float64
	LossIn        interval `json:"loss_interval"`
}

// Card is the page of a robustness card.
func Card(dir string, o Options) (*Page, error) {
	var c carded
	if err := readResult(dir, "card.json", &c); err != nil {
		return nil, err
	}
	p := &Page{Kind: "card", Title: fmt.Sprintf("Robustness card of %s, battery %d", c.Model.Name, c.Battery)}
	var err error
	if p.Commands, err = commandOf(dir, "detgen probe card "+plain.Word(c.Dataset)+" --model "+plain.Word(c.Model.Name)); err != nil {
		return nil, err
	}
	base := o.dataset(c.Dataset)
	s := p.add("overview", "Overview")
	s.Text = []string{"The loss of a cell is the share of the clean set's lead over chance that is gone: 0 nothing, 1 all of it."}
	s.Facts = append(modelFacts(&c.Model), Fact{Name: "Dataset", Value: c.Dataset, Link: base}, Fact{Name: "Benign", Value: strings.Join(c.Benign, ", ")}, Fact{Name: "Attacks", Value: strings.Join(c.Attacks, ", ")},
		Fact{Name: "Clean AUC", Value: fmt.Sprintf("%.4f (%.4f to %.4f over runs)", c.Clean.Area.AUC, c.Clean.OverRuns.Low, c.Clean.OverRuns.High)},
		Fact{Name: "Threshold", Value: fmt.Sprintf("%.4g", c.Threshold)}, Fact{Name: "Clean detection", Value: percent(c.Clean.Detection)}, Fact{Name: "Clean false positives", Value: percent(c.Clean.FalsePositive)},
		Fact{Name: "Mean loss", Value: fmt.Sprintf("%.3f", c.Mean)})
	if len(c.Absent) > 0 {
		s.Facts = append(s.Facts, Fact{Name: "Not measured", Value: strings.Join(c.Absent, ", ")})
	}
	link := ""
	if base != "" {
		link = base + "?find={key}%3D{level}#runs"
	}
	factors := &Table{ID: "factors", Caption: "Loss by factor, mean over severities", Columns: []Column{{Name: "factor"}, {Name: "key"}, {Name: "loss", Number: true}, {Name: "least", Number: true}, {Name: "most", Number: true}}}
	cells := &Table{ID: "cells", Caption: "Each factor at each severity", Columns: []Column{{Name: "factor"}, {Name: "key"}, {Name: "severity", Number: true}, {Name: "level", Link: link}, {Name: "auc", Number: true}, {Name: "auc_low", Number: true}, {Name: "auc_high", Number: true},
		{Name: "loss", Number: true}, {Name: "loss_low", Number: true}, {Name: "loss_high", Number: true}, {Name: "detection", Number: true}, {Name: "false_positives", Number: true}, {Name: "missing"}}}
	e := plot.Effects{Label: "loss, mean over severities (lines: from the least to the most)", Series: []string{c.Model.Name}}
	each := plot.Lines{XLabel: "severity", YLabel: "loss"}
	var rows [][]int
	var unknown [][]string // factors of which all cells are missing
	for _, f := range c.Factors {
		low, high := math.Inf(1), math.Inf(-1)
		line := plot.Series{Name: f.Name}
		var of []int
		for k, one := range f.Cells {
			if one.Missing != "" {
				cells.Rows = append(cells.Rows, []string{f.Name, f.Key, itoa(k + 1), one.Level, "", "", "", "", "", "", "", "", one.Missing})
				continue
			}
			low, high = min(low, one.Loss), max(high, one.Loss)
			line.X, line.Y, of = append(line.X, float64(k)), append(line.Y, one.Loss), append(of, len(cells.Rows))
			cells.Rows = append(cells.Rows, []string{f.Name, f.Key, itoa(k + 1), one.Level, short(one.Area.AUC), short(one.OverRuns.Low), short(one.OverRuns.High), short(one.Loss), short(one.LossIn.Low), short(one.LossIn.High),
				short(one.Detection.Share), short(one.FalsePositive.Share), ""})
		}
		if len(of) == 0 {
			unknown = append(unknown, []string{f.Name, f.Key, "", "", ""})
			continue
		}
		for len(each.XNames) < len(f.Cells) {
			each.XNames = append(each.XNames, itoa(len(each.XNames)+1))
		}
		each.Series, rows = append(each.Series, line), append(rows, of)
		e.Rows = append(e.Rows, plot.Effect{Name: f.Name, Strong: true, Values: []plot.EffectValue{{Value: f.Loss, Low: low, High: high}}})
		factors.Rows = append(factors.Rows, []string{f.Name, f.Key, short(f.Loss), short(low), short(high)})
	}
	factors.Rows = append(factors.Rows, unknown...) // behind those that points are of
	drawing, err := e.Draw()
	if err != nil {
		return nil, err
	}
	first, err := drawPoints("card", "What is lost of the lead over chance, factor by factor", fmt.Sprintf("Mean loss of %d factors; the table has the values.", len(e.Rows)), drawing, factors, func(_, index int) int { return index })
	if err != nil {
		return nil, err
	}
	if drawing, err = each.Draw(); err != nil {
		return nil, err
	}
	// A click on a point leads where its row's level does.
	said := *cells
	said.Columns = slices.Clone(cells.Columns)
	second, err := drawPoints("severities", "Loss at each severity", "Loss by severity for each factor.", drawing, &said, func(series, index int) int { return rows[series][index] })
	if err != nil {
		return nil, err
	}
	s = p.add("losses", "Losses")
	s.Figures, s.Tables = []*Figure{first, second}, []*Table{factors, cells}
	resultFiles(p, dir, &o)
	return p, nil
}

// Correction is the page of a model before and after a correction of what it sees.
func Correction(dir string, o Options) (*Page, error) {
	var r struct {
		Dataset, Transform, Meaning   string
		Model                         model.Description
		Connections, Changed, Dropped int
		Arms                          []struct {
			Arm, What string
			Area      areaUnder
			Operating operating
			Against   *struct {
				Area           struct{ Difference, P float64 }
				Mended, Broken int
				McNemar        float64 `json:"mcnemar_p"`
			} `json:"against_raw"`
		}
	}
	if err := readResult(dir, "correction.json", &r); err != nil {
		return nil, err
	}
	page, err := Experiment("probing")(dir, o)
	if err != nil {
		return nil, err
	}
	p := &Page{Kind: "probe", Title: fmt.Sprintf("%s before and after correction %s", r.Model.Name, r.Transform)}
	if p.Commands, err = commandOf(dir, "detgen probe correct "+plain.Word(r.Dataset)+" --transform "+plain.Word(r.Transform)+" --model "+plain.Word(r.Model.Name)); err != nil {
		return nil, err
	}
	s := p.add("overview", "Overview")
	s.Facts = append(modelFacts(&r.Model), Fact{Name: "Dataset", Value: r.Dataset, Link: o.dataset(r.Dataset)}, Fact{Name: "Correction", Value: r.Transform + ": " + r.Meaning},
		Fact{Name: "Connections", Value: fmt.Sprintf("%d; it changes %d and drops %d packets", r.Connections, r.Changed, r.Dropped)})
	t := &Table{ID: "arms-compared", Caption: "Arms, each compared with A connection by connection", Columns: []Column{{Name: "arm"}, {Name: "what"}, {Name: "auc", Number: true}, {Name: "detection", Number: true}, {Name: "false_positives", Number: true},
		{Name: "auc_difference", Number: true}, {Name: "p", Number: true}, {Name: "mended", Number: true}, {Name: "broken", Number: true}, {Name: "mcnemar_p", Number: true}}}
	for _, a := range r.Arms {
		row := []string{a.Arm, a.What, short(a.Area.AUC), short(a.Operating.Detection.Share), short(a.Operating.FalsePositive.Share), "", "", "", "", ""}
		if x := a.Against; x != nil {
			row[5], row[6], row[7], row[8], row[9] = short(x.Area.Difference), short(x.Area.P), itoa(x.Mended), itoa(x.Broken), short(x.McNemar)
		}
		t.Rows = append(t.Rows, row)
	}
	s.Tables = append(s.Tables, t)
	p.Sections = append(p.Sections, page.Sections...)
	if base := o.dataset(r.Dataset); base != "" {
		for _, s := range p.Sections {
			for _, t := range s.Tables {
				if at := t.column("id"); at >= 0 {
					t.split(at, base)
				}
			}
		}
	}
	resultFiles(p, dir, &o)
	return p, nil
}

// split makes two columns of one with RUN/CONNECTION, which lead to their pages below an address.
func (t *Table) split(at int, base string) {
	t.Columns = slices.Replace(t.Columns, at, at+1, Column{Name: "run", Link: base + "runs/{run}/"}, Column{Name: "connection", Number: true, Link: base + "runs/{run}/?connection={connection}"})
	for i, row := range t.Rows {
		run, connection := row[at], ""
		if k := strings.LastIndexByte(run, '/'); k >= 0 {
			run, connection = run[:k], run[k+1:]
		}
		t.Rows[i] = slices.Replace(row, at, at+1, run, connection)
	}
}
