package report

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"

	"detgen/internal/beneath"
	"detgen/internal/plain"
	"detgen/plot"
)

// DatasetFile is what a finished dataset has.
const DatasetFile = "dataset.json"

// described is what a page shows of dataset.json, which package dataset documents. What else it has is not read.
type described struct {
	Dataset  string                     `json:"dataset"`
	Title    string                     `json:"title"`
	Seed     uint64                     `json:"seed"`
	Tool     string                     `json:"tool"`
	Engine   struct{ Name string }      `json:"engine"`
	Captures string                     `json:"captures"`
	Runs     counts                     `json:"runs"`
	Labels   map[string]counts          `json:"labels"`
	Entries  map[string]counts          `json:"entries"`
	Splits   map[string]counts          `json:"splits"`
	Files    map[string]json.RawMessage `json:"files"`
}

type counts struct {
	Runs        int    `json:"runs"`
	LeftOut     int    `json:"left_out"`
	Failed      int    `json:"failed"`
	Connections int    `json:"connections"`
	Frames      uint64 `json:"frames"`
}

// rowsColumns are the columns of runs.csv that are no factors.
var rowsColumns = []string{"run", "entry", "index", "seed", "split", "left_out", "scenario", "task", "class", "family", "technique",
	"engine", "seconds", "captures", "frames", "bytes", "connections", "run_json_sha256", "captures_sha256"}

// Dataset is the page of a dataset.
func Dataset(dir string, o Options) (*Page, error) {
	text, err := beneath.ReadFile(dir, DatasetFile, maxFile)
	if err != nil {
		return nil, err
	}
	var d described
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", DatasetFile, err)
	}
	p := &Page{Kind: "dataset", Title: "Dataset " + d.Dataset, Commands: []string{"detgen dataset build plan.yaml -o " + plain.Word(d.Dataset)}}
	s := p.add("overview", "Overview")
	if d.Title != "" {
		s.Text = append(s.Text, d.Title)
	}
	s.Facts = []Fact{{Name: "Runs", Value: fmt.Sprintf("%d, %d failed, %d left out by filters", d.Runs.Runs, d.Runs.Failed, d.Runs.LeftOut)}, {Name: "Connections", Value: fmt.Sprint(d.Runs.Connections)},
		{Name: "Frames", Value: fmt.Sprint(d.Runs.Frames)}, {Name: "Engine", Value: d.Engine.Name}, {Name: "Seed", Value: strconv.FormatUint(d.Seed, 10)}, {Name: "Made by", Value: d.Tool}, {Name: "Captures", Value: d.Captures}}
	for _, c := range []struct {
		id, caption, column string
		of                  map[string]counts
	}{{"labels", "Counts by label", "label", d.Labels}, {"entries", "Counts by entry of the plan", "entry", d.Entries}, {"splits", "Counts by split", "split", d.Splits}} {
		link := ""
		if c.column != "label" {
			link = o.link("?find=" + c.column + "%3D{" + c.column + "}#runs")
		}
		t := &Table{ID: c.id, Caption: c.caption, Columns: []Column{{Name: c.column, Link: link}, {Name: "runs", Number: true}, {Name: "failed", Number: true}, {Name: "connections", Number: true}, {Name: "frames", Number: true}}}
		for _, name := range slices.Sorted(maps.Keys(c.of)) {
			n := c.of[name]
			t.Rows = append(t.Rows, []string{name, itoa(n.Runs), itoa(n.Failed), itoa(n.Connections), itoa(n.Frames)})
		}
		s.Tables = append(s.Tables, t)
	}
	head, rows, total, err := readCSV(dir, "runs.csv", 10*o.rows())
	if err != nil {
		return nil, err
	}
	coverage(p.add("factors", "Factors"), head, rows)
	if err := datasetConnections(p, dir, &o); err != nil {
		return nil, err
	}
	t := &Table{ID: "runs", Caption: "Runs", Start: o.Find}
	for _, name := range head {
		c := Column{Name: name, Number: slices.Contains([]string{"index", "seed", "seconds", "captures", "frames", "bytes", "connections"}, name)}
		if name == "run" {
			c.Link = o.link("runs/{run}/")
		}
		t.Columns = append(t.Columns, c)
	}
	t.Rows = rows
	if t.Rows = rows[:min(len(rows), o.rows())]; total > len(t.Rows) {
		t.Note = fmt.Sprintf("The first %d of %d runs; runs.csv has all.", len(t.Rows), total)
	}
	runs := p.add("runs", "Runs")
	runs.Tables = append(runs.Tables, t)
	f := p.add("files", "Files")
	for _, name := range append(slices.Sorted(maps.Keys(d.Files)), DatasetFile) {
		f.Files = append(f.Files, o.file(File{Name: name}))
	}
	return p, nil
}

// coverage counts runs by class for each value of each factor.
func coverage(s *Section, head []string, rows [][]string) {
	class := slices.Index(head, "class")
	if class < 0 {
		return
	}
	classes := map[string]bool{}
	for _, r := range rows {
		classes[r[class]] = true
	}
	names := slices.Sorted(maps.Keys(classes))
	t := &Table{ID: "coverage", Caption: "Factor coverage: runs with each value, by class (a factor with many values has its smallest, median and largest)", Columns: []Column{{Name: "factor"}, {Name: "value"}}}
	for _, name := range names {
		t.Columns = append(t.Columns, Column{Name: name, Number: true})
	}
	for j, factor := range head {
		if slices.Contains(rowsColumns, factor) {
			continue
		}
		byValue := map[string]map[string]int{}
		for _, r := range rows {
			if byValue[r[j]] == nil {
				byValue[r[j]] = map[string]int{}
			}
			byValue[r[j]][r[class]]++
		}
		if len(byValue) < 2 {
			continue
		}
		values := slices.Sorted(maps.Keys(byValue))
		line := func(value string, of map[string]int) {
			row := []string{factor, value}
			for _, name := range names {
				row = append(row, itoa(of[name]))
			}
			t.Rows = append(t.Rows, row)
		}
		if len(values) > 20 {
			sum := map[string]int{}
			for _, of := range byValue {
				for name, n := range of {
					sum[name] += n
				}
			}
			line(fmt.Sprintf("%d values: %s, %s, %s", len(values), values[0], values[len(values)/2], values[len(values)-1]), sum)
			continue
		}
		for _, v := range values {
			line(v, byValue[v])
		}
	}
	s.Tables = append(s.Tables, t)
}

// datasetConnections adds the table of connections and the distribution of a feature by label.
func datasetConnections(p *Page, dir string, o *Options) error {
	s := p.add("connections", "Connections")
	head, rows, total, err := readCSV(dir, "connections.csv", 100_000)
	if err != nil {
		if _, parquet := fs.Stat(beneath.Dir(dir), "connections.parquet"); parquet == nil {
			s.Text = append(s.Text, "The table of connections is Parquet: see connections.parquet.")
			return nil
		}
		return err
	}
	label := slices.Index(head, "label")
	numeric := numericColumns(head, rows)
	feature := o.Feature
	if feature == "" {
		for _, name := range []string{"server_bytes", "client_bytes"} {
			if feature == "" && slices.Contains(numeric, name) {
				feature = name
			}
		}
	}
	s.Choices, s.Ask = numeric, "Distribution of"
	s.Choice = feature
	if at := slices.Index(head, feature); at >= 0 && label >= 0 {
		f, err := distribution(feature, at, label, rows)
		if err != nil {
			return err
		}
		if f != nil {
			s.Figures = append(s.Figures, f)
		}
	}
	t := &Table{ID: "connections", Caption: "Connections"}
	var keep []int
	for j, name := range head {
		if len(keep) >= 40 {
			break
		}
		keep = append(keep, j)
		c := Column{Name: name, Number: slices.Contains(numeric, name)}
		switch name {
		case "run":
			c.Link = o.link("runs/{run}/")
		case "id":
			c.Link = o.link("runs/{run}/?connection={id}")
		}
		t.Columns = append(t.Columns, c)
	}
	shown := rows[:min(len(rows), o.rows())]
	for _, r := range shown {
		row := make([]string, len(keep))
		for k, j := range keep {
			row[k] = r[j]
		}
		t.Rows = append(t.Rows, row)
	}
	if total > len(shown) || len(head) > len(keep) {
		t.Note = fmt.Sprintf("%d of %d rows and %d of %d columns; connections.csv has all.", len(shown), total, len(keep), len(head))
	}
	s.Tables = append(s.Tables, t)
	return nil
}

// numericColumns gives the columns whose values are numbers, in the rows that have one.
func numericColumns(head []string, rows [][]string) []string {
	var names []string
	for j, name := range head {
		seen, all := 0, true
		for _, r := range rows[:min(len(rows), 500)] {
			if r[j] == "" {
				continue
			}
			seen++
			if _, err := strconv.ParseFloat(r[j], 64); err != nil {
				all = false
				break
			}
		}
		if all && seen > 0 {
			names = append(names, name)
		}
	}
	return names
}

// distribution draws how a feature is distributed, by label. It is nil when there is no value.
func distribution(feature string, at, label int, rows [][]string) (*Figure, error) {
	values := map[string][]float64{}
	low, high := 0., 0.
	for _, r := range rows {
		v, err := strconv.ParseFloat(r[at], 64)
		if err != nil {
			continue
		}
		if len(values) == 0 {
			low, high = v, v
		}
		low, high = min(low, v), max(high, v)
		values[r[label]] = append(values[r[label]], v)
	}
	if len(values) == 0 {
		return nil, nil
	}
	lines := &plot.Lines{XLabel: feature, YLabel: "share of connections", LogX: low > 0 && high > 100*low}
	alt := "Share of connections with at most a value of " + feature + ", by label."
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list := values[name]
		slices.Sort(list)
		alt += fmt.Sprintf(" %s: %d connections, median %g.", name, len(list), list[len(list)/2])
		lines.Series = append(lines.Series, plot.Distribution(fmt.Sprintf("%s (%d)", name, len(list)), thinned(list)))
	}
	drawing, err := lines.Draw()
	if err != nil {
		return nil, fmt.Errorf("draw %s: %w", feature, err)
	}
	return draw("distribution", "How "+feature+" is distributed, by label", alt, drawing)
}

// thinned gives at most 2000 of sorted values, evenly, with the first and last.
func thinned(list []float64) []float64 {
	const most = 2000
	if len(list) <= most {
		return list
	}
	out := make([]float64, most)
	for i := range out {
		out[i] = list[i*(len(list)-1)/(most-1)]
	}
	return out
}
