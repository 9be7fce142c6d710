package report

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/beneath"
	"detgen/plot"
)

// csvTable is a table of results as it is.
func csvTable(dir, name, id, caption string, o *Options) (*Table, error) {
	names, rows, total, err := readCSV(dir, name, o.rows())
	if err != nil {
		return nil, err
	}
	t := &Table{ID: id, Caption: caption, Rows: rows}
	numeric := numericColumns(names, rows)
	for j, name := range names {
		c := Column{Name: name, Number: slices.Contains(numeric, name)}
		t.Columns = append(t.Columns, c)
		for i := range rows {
			if c.Number {
				rows[i][j] = legible(rows[i][j])
			}
		}
	}
	if total > len(rows) {
		t.Note = fmt.Sprintf("The first %d of %d rows; %s has all.", len(rows), total, name)
	}
	return t, nil
}

// legible gives a fraction in the digits that a reader needs; files have all.
func legible(text string) string {
	if v, err := strconv.ParseFloat(text, 64); err == nil && len(text) > 9 && strings.Contains(text, ".") && math.Abs(v) < 1e5 {
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	return text
}

// stored is a figure that is a file, with the values that the file has. It is an image within a drawing: scripts in it do not
// run there, and it loads nothing.
func stored(name string, svg []byte) (*Figure, error) {
	file, err := plot.ReadFile(bytes.NewReader(svg))
	if err != nil {
		return nil, err
	}
	f := &Figure{ID: name, Caption: cmp.Or(file.Title, name), Narrow: file.Width < columnFigure, Points: valuesOf(file.Values, file.Width, file.Height), Width: file.Width, Height: file.Height}
	f.Alt = f.Caption + valuesAlt(file.Values)
	f.Image = template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(svg))
	return f, nil
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
				f, err := stored(base, svg)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", e.Name(), err)
				}
				figures.Figures = append(figures.Figures, f)
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
