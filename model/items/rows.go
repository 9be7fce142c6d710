package items

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"detgen/flow"
	"detgen/internal/problem"
	"detgen/model"
	"detgen/packet"
	"detgen/table"
)

// rows makes rows of measured quantities. They come from the table of connections where it has all that is wanted, in
// the wanted mode; else they are measured from the captures.
func (d *Dataset) rows(ctx context.Context, want model.Description, which []int) (*Made, error) {
	mode := flow.Default
	if want.Mode != "" {
		var err error
		if mode, err = flow.ParseMode(want.Mode); err != nil {
			return nil, err
		}
	}
	at, missing := locate(d.Columns, want.Columns)
	if missing == "" && (mode == flow.Default || !d.runs) {
		return d.tableRows(at, want.Columns, which)
	}
	if !d.runs {
		return nil, fmt.Errorf("the table has no column %q: %s", missing, problem.Nearest(missing, d.Columns))
	}
	return d.measuredRows(ctx, mode, want, which)
}

// ports are the spellings of columns that are no statistics, by plain name: CICFlowMeter's, the CICIDS-2017 files', and
// this program's table of connections.
var ports = [][]string{{"destinationport", "dstport", "serverport"}, {"sourceport", "srcport", "clientport"}}

// spellings gives the plain names that a column may have.
func spellings(name string) []string {
	name = flow.PlainName(strings.TrimSuffix(strings.TrimSpace(name), ".1")) // as pandas names a repeated one
	for _, group := range ports {
		if slices.Contains(group, name) {
			return group
		}
	}
	return []string{name, flow.PlainName(flow.CommonName(name))}
}

// locate finds the wanted columns by name, in any spelling. missing is the first that is not there.
func locate(have, want []string) (at []int, missing string) {
	index := map[string]int{}
	for i, name := range have {
		for _, n := range spellings(name) {
			if _, twice := index[n]; !twice {
				index[n] = i
			}
		}
	}
	at = make([]int, len(want))
	for i, name := range want {
		k, ok := 0, false
		for _, n := range spellings(name) {
			if !ok {
				k, ok = index[n]
			}
		}
		if !ok {
			return nil, name
		}
		at[i] = k
	}
	return at, ""
}

// tableRows takes rows from the table of connections. A connection whose cells are empty, as no flow was measured of
// it, is skipped.
func (d *Dataset) tableRows(at []int, names []string, which []int) (*Made, error) {
	m := &Made{}
	for _, c := range which {
		row, empty, err := numbersOf(d.Connections[c].cells, at)
		if err != nil {
			return nil, fmt.Errorf("connection %s: column %q: %w", d.Connections[c].ID, names[empty], err)
		}
		if d.runs && empty >= 0 {
			m.skip(c, "no flow was measured of it")
			continue
		}
		m.add(d, c, model.Item{Row: row})
	}
	return m, nil
}

// numbersOf reads cells. empty is the index in at of the last one that is empty, -1 for none; of the wrong one, with an
// error.
func numbersOf(cells []string, at []int) (row []float64, empty int, err error) {
	row, empty = make([]float64, len(at)), -1
	for i, k := range at {
		text := strings.TrimSpace(cells[k])
		switch strings.ToLower(text) {
		case "", "nan":
			row[i] = math.NaN()
			if text == "" {
				empty = i
			}
			continue
		}
		if row[i], err = strconv.ParseFloat(text, 64); err != nil && !math.IsInf(row[i], 0) {
			return nil, i, fmt.Errorf("%q is not a number", text)
		}
	}
	return row, empty, nil
}

// measuredRows measures the flows of captures in a mode. A connection's row is that of its flow with most packets.
func (d *Dataset) measuredRows(ctx context.Context, mode flow.Mode, want model.Description, which []int) (*Made, error) {
	layout, at, err := layoutFor(mode, want.Columns)
	if err != nil {
		return nil, err
	}
	m := &Made{}
	err = d.eachRun(ctx, which, func(r *readRun) (func() error, error) {
		flows, err := r.flows(d, mode, want.View)
		if err != nil {
			return nil, err
		}
		rows := make([][]float64, len(r.which))
		for i, c := range r.which {
			if f := flows[d.Connections[c].number-1]; f != nil {
				if rows[i], err = rowOf(layout, f, at); err != nil {
					return nil, err
				}
			}
		}
		return func() error {
			for i, c := range r.which {
				if rows[i] == nil {
					m.skip(c, "no flow was measured of it")
					continue
				}
				m.add(d, c, model.Item{Row: rows[i]})
			}
			return nil
		}, nil
	})
	return m, err
}

// layoutFor finds the column set of a mode that has all wanted columns, and where they are in it.
func layoutFor(mode flow.Mode, want []string) (*flow.Layout, []int, error) {
	var missing string
	var all []string
	for _, set := range []flow.ColumnSet{flow.ToolColumns, flow.CICIDS2017Columns, flow.MLColumns} {
		layout := flow.NewLayout(mode, set)
		var names []string
		for _, c := range layout.Columns() {
			names = append(names, c.Name)
		}
		at, none := locate(names, want)
		if none == "" {
			return layout, at, nil
		}
		if missing == "" {
			missing, all = none, names
		}
	}
	return nil, nil, fmt.Errorf("mode %v has no column %q: %s", mode, missing, problem.Nearest(missing, all))
}

// flows measures the flows of the wanted connections of a run: by connection, the one with most packets.
func (r *readRun) flows(d *Dataset, mode flow.Mode, view string) (map[int]*flow.Flow, error) {
	of := map[int][]int{} // of a capture: connections
	for _, c := range r.which {
		n := d.Connections[c].number - 1
		if at, _ := r.capture(n, view); at >= 0 {
			of[at] = append(of[at], n)
		}
	}
	best := map[int]*flow.Flow{}
	for at, connections := range of {
		wanted := map[int32]bool{}
		for _, n := range connections {
			wanted[int32(n)] = true
		}
		frames := r.truth.Captures[at].Frames
		meter, err := flow.NewMeter(flow.NewOptions(mode), func(f *flow.Flow) {
			n := frames[f.FirstFrame()-1].Connection
			if !wanted[n] {
				return
			}
			packets := f.Packets(flow.Forward) + f.Packets(flow.Backward)
			if b := best[int(n)]; b == nil || packets > b.Packets(flow.Forward)+b.Packets(flow.Backward) {
				kept := *f
				best[int(n)] = &kept
			}
		})
		if err != nil {
			return nil, err
		}
		if err := r.frames(&r.truth.Captures[at].Capture, func(f *packet.Frame) { meter.Add(f) }); err != nil {
			return nil, err
		}
		meter.Flush()
	}
	return best, nil
}

// rowOf gives a flow's numbers in the columns of a layout, as a table would show them.
func rowOf(layout *flow.Layout, f *flow.Flow, at []int) ([]float64, error) {
	var text bytes.Buffer
	out, err := table.New(&text, table.CSV, layout.Columns())
	if err != nil {
		return nil, err
	}
	b := out.NewBatch()
	layout.Write(b, f, "")
	if err := out.Write(b); err != nil {
		return nil, err
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	lines, err := csv.NewReader(&text).ReadAll()
	if err != nil {
		return nil, err
	}
	row, wrong, err := numbersOf(lines[1], at)
	if err != nil {
		return nil, fmt.Errorf("column %q: %w", lines[0][at[wrong]], err)
	}
	return row, nil
}
