package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/beneath"
	"detgen/internal/plain"
	"detgen/plot"
	"detgen/record"
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
	text, err := beneath.ReadFile(dir, DatasetFile, record.MaxRecordSize)
	if err != nil {
		return nil, err
	}
	var d described
	if err := record.ParseSomeJSON(text, &d); err != nil {
		return nil, fmt.Errorf("%s %w", DatasetFile, err)
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
	coverage(p.add("factors", "Factors"), head, rows, &o)
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
func coverage(s *Section, head []string, rows [][]string, o *Options) {
	class := slices.Index(head, "class")
	if class < 0 {
		return
	}
	classes := map[string]bool{}
	for _, r := range rows {
		classes[r[class]] = true
	}
	names := slices.Sorted(maps.Keys(classes))
	t := &Table{ID: "coverage", Caption: "Factor coverage: runs with each value, by class (a factor with many values has its smallest, median and largest)", Columns: []Column{{Name: "factor"}, {Name: "value", Link: o.link("?find={factor}%3D{value}#runs")}}}
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
	s.Choices, s.Ask = slices.Concat(numeric, categories(head, rows, numeric)), "Distribution of"
	s.Choice = feature
	if at := slices.Index(head, feature); at >= 0 && label >= 0 {
		bars, err := counted(feature, at, label, rows, o)
		if err != nil {
			return err
		}
		s.Figures = append(s.Figures, bars)
		if slices.Contains(numeric, feature) {
			f, err := distribution(feature, at, label, rows)
			if err != nil {
				return err
			}
			if f != nil {
				s.Figures = append(s.Figures, f)
			}
		}
	}
	t := &Table{ID: "connections", Caption: "Connections", Start: o.FindConnections}
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

// categories gives the columns that are no numbers and have few values: factors, mostly.
func categories(head []string, rows [][]string, numeric []string) []string {
	var names []string
	for j, name := range head {
		if name == "run" || slices.Contains(numeric, name) {
			continue
		}
		seen := map[string]bool{}
		for _, r := range rows {
			if seen[r[j]] = true; len(seen) > mostBars {
				break
			}
		}
		if len(seen) > 1 && len(seen) <= mostBars {
			names = append(names, name)
		}
	}
	return names
}

// mostBars is how many values of a column are counted one by one; of numbers with more, ranges are.
const mostBars = 24

// counted draws how many connections have each value of a column, by label. A bar leads to its connections.
func counted(feature string, at, label int, rows [][]string, o *Options) (*Figure, error) {
	values, labels := map[string]bool{}, map[string]int{}
	for _, r := range rows {
		values[r[at]] = true
		labels[r[label]]++
	}
	names := slices.Collect(maps.Keys(values))
	of := func(text string) string { return text }
	filters := map[string]string{}
	if len(names) > mostBars {
		names, of = ranges(feature, names, filters)
	} else {
		slices.SortFunc(names, func(a, b string) int {
			unit := func(s string) string { return strings.TrimLeft(s, "-.0123456789") }
			x, ex := strconv.ParseFloat(strings.TrimSuffix(a, unit(a)), 64)
			y, ey := strconv.ParseFloat(strings.TrimSuffix(b, unit(b)), 64)
			if ex == nil && ey == nil && unit(a) == unit(b) {
				return cmp.Compare(x, y)
			}
			return strings.Compare(a, b)
		})
		for _, name := range names {
			filters[name] = feature + "=" + name
		}
	}
	place := map[string]int{}
	figure := &plot.Bars{XLabel: feature, YLabel: "connections"}
	for i, name := range names {
		place[name] = i
		figure.Names = append(figure.Names, cmp.Or(name, "(none)"))
	}
	said := &Table{Columns: []Column{{Name: feature, Link: o.link("?feature=" + url.QueryEscape(feature) + "&connections={filter}#connections")}, {Name: "label"}, {Name: "connections", Number: true}, {Name: "filter"}}}
	alt := "Connections by " + feature + " and label."
	series := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		series[name] = len(figure.Series)
		figure.Series = append(figure.Series, plot.BarSeries{Name: fmt.Sprintf("%s (%d)", name, labels[name]), Values: make([]float64, len(names))})
	}
	for _, r := range rows {
		if i, ok := place[of(r[at])]; ok {
			figure.Series[series[r[label]]].Values[i]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		for i, value := range names {
			filter := filters[value] + " label=" + name
			if strings.ContainsAny(value, " \t") && filters[value] == feature+"="+value {
				filter = "label=" + name
			}
			said.Rows = append(said.Rows, []string{cmp.Or(value, "(none)"), name, fmt.Sprint(figure.Series[series[name]].Values[i]), filter})
		}
	}
	drawing, err := figure.Draw()
	if err != nil {
		return nil, fmt.Errorf("draw %s: %w", feature, err)
	}
	return drawPoints("counts", "Connections by "+feature+" and label; a bar leads to its connections", alt, drawing, said, func(series, index int) int { return series*len(names) + index })
}

// ranges gives ranges of a column of numbers, with the filter for each, and which of them a value is in.
func ranges(feature string, values []string, filters map[string]string) ([]string, func(string) string) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, text := range values {
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			low, high = min(low, v), max(high, v)
		}
	}
	const parts = 20
	edge := func(k int) float64 {
		v, _ := strconv.ParseFloat(strconv.FormatFloat(low+(high-low)*float64(k)/parts, 'g', 4, 64), 64)
		return v
	}
	var names []string
	for k := range parts {
		name := fmt.Sprintf("%g", edge(k))
		for slices.Contains(names, name) { // nearly equal edges
			name += "+"
		}
		names = append(names, name)
		filters[name] = fmt.Sprintf("%s>=%g %s<%g", feature, edge(k), feature, edge(k+1))
		switch {
		case k == 0:
			filters[name] = fmt.Sprintf("%s<%g", feature, edge(1))
		case k == parts-1:
			filters[name] = fmt.Sprintf("%s>=%g", feature, edge(k))
		}
	}
	return names, func(text string) string {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return "no number"
		}
		k := parts - 1
		for k > 0 && v < edge(k) {
			k--
		}
		return names[k]
	}
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
	return drawValues("distribution", "How "+feature+" is distributed, by label", alt, drawing)
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
