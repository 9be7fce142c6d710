package report

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/beneath"
)

// csvTable is a table of results as it is.
func csvTable(dir, name, id, caption string, o *Options) (*Table, error) {
	names, rows, total, err := readCSV(dir, name, o.rows())
	if err != nil {
		return nil, err
	}
	t := &Table{ID: id, Caption: caption, Rows: rows}
	numeric := numericColumns(names, rows)
	for _, name := range names {
		t.Columns = append(t.Columns, Column{Name: name, Number: slices.Contains(numeric, name)})
	}
	if total > len(rows) {
		t.Note = fmt.Sprintf("The first %d of %d rows; %s has all.", len(rows), total, name)
	}
	return t, nil
}

// narrow tells whether a figure of package plot was drawn for a column.
func narrow(svg []byte) bool {
	_, box, ok := strings.Cut(string(svg[:min(len(svg), 1000)]), `viewBox="0 0 `)
	wide, _, _ := strings.Cut(box, " ")
	v, err := strconv.ParseFloat(wide, 64)
	return ok && err == nil && v < columnFigure
}

// Experiment gives the page of an experiment's folder: its figures and tables as they are.
func Experiment(name string) func(dir string, o Options) (*Page, error) {
	return func(dir string, o Options) (*Page, error) {
		p := &Page{Kind: "experiment", Title: "Experiment " + name}
		var err error
		if p.Commands, err = commandOf(dir, "detgen experiment "+name); err != nil {
			return nil, err
		}
		entries, err := fs.ReadDir(beneath.Dir(dir), ".")
		if err != nil {
			return nil, err
		}
		figures, tables, text := p.add("figures", "Figures"), p.add("tables", "Tables"), &Section{ID: "text", Title: "As text"}
		for _, e := range entries {
			extension := filepath.Ext(e.Name())
			base := strings.TrimSuffix(e.Name(), extension)
			switch {
			case !e.Type().IsRegular():
			case extension == ".svg":
				svg, err := beneath.ReadFile(dir, e.Name(), 16<<20)
				if err != nil {
					return nil, err
				}
				figures.Figures = append(figures.Figures, &Figure{ID: base, Caption: base, Alt: "Figure " + base + "; its values are in the tables.", Image: imageOf(svg), Narrow: narrow(svg)})
			case extension == ".csv":
				t, err := csvTable(dir, e.Name(), base, e.Name(), &o)
				if err != nil {
					return nil, err
				}
				tables.Tables = append(tables.Tables, t)
			case extension == ".md" || extension == ".txt" && e.Name() != commandFile:
				body, err := head(dir, e.Name())
				if err != nil {
					return nil, err
				}
				text.Blocks = append(text.Blocks, Block{Name: e.Name(), Text: body})
			}
		}
		p.Sections = append(p.Sections, text)
		return p, nil
	}
}
