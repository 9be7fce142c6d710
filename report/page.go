package report

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/plain"
	"detgen/plot"
)

// Page is what is shown of a folder, as one file or as a page of the local server.
type Page struct {
	Title    string
	Kind     string   // "run", "twin", "sweep", "experiment", "dataset", "probe", "card"
	Commands []string // that make it again
	Notes    []string // what the reader has to know before the rest: what failed, what is left out
	Sections []*Section

	Whole func() (*Packets, error) // gives all packets of a run's figure that has only some of them; nil where it has all
}

// Section is a part of a page. What it has stands in the order of its fields.
type Section struct {
	ID, Title string
	Text      []string
	Facts     []Fact
	Figures   []*Figure
	Form      template.HTML // made by a template of the local server
	Tables    []*Table
	Files     []File
	Blocks    []Block

	Choices []string // what else the figure can show, where the page can ask for it
	Ask     string   // what a choice is: "Distribution of"
	Choice  string
}

func (s *Section) empty() bool {
	return len(s.Text)+len(s.Facts)+len(s.Figures)+len(s.Form)+len(s.Tables)+len(s.Files)+len(s.Blocks) == 0
}

// Fact is a name and a value.
type Fact struct{ Name, Value, Link string }

// File is a file of the folder. Link is "" where it cannot be fetched.
type File struct{ Name, About, Link string }

// Block is text as it stands in a file.
type Block struct{ Name, Text string }

// add gives a new section of the page.
func (p *Page) add(id, title string) *Section {
	s := &Section{ID: id, Title: title}
	p.Sections = append(p.Sections, s)
	return s
}

// Section gives the section with an id, nil when there is none.
func (p *Page) Section(id string) *Section {
	i := slices.IndexFunc(p.Sections, func(s *Section) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return p.Sections[i]
}

// Insert puts a section after the one with an id, or at the end.
func (p *Page) Insert(after string, s *Section) {
	i := slices.IndexFunc(p.Sections, func(s *Section) bool { return s.ID == after })
	if i < 0 {
		i = len(p.Sections) - 1
	}
	p.Sections = slices.Insert(p.Sections, i+1, s)
}

// Table is rows that sort and filter, and can be saved as CSV.
type Table struct {
	ID, Caption string
	Note        string // about what is left out; "" for nothing
	Columns     []Column
	Rows        [][]string
	Mark        string // name of the column whose value marks a row, unless it is empty or "same"
	Start       string // what the filter holds at first
}

// Column is a column of a table. Link is an address in which {NAME} stands for the value of a column; only the local
// server has them.
type Column struct {
	Name, About string
	Number      bool
	Link        string
}

// served is how many cells of a table are in the page's text, for readers without scripts and until the script has the others;
// the script draws as many at once. More take the browser's time, and no reader looks at them all.
const served = 2400

// atOnce is how many rows that is.
func (t *Table) atOnce() int { return max(20, served/max(1, len(t.Columns))) }

// First gives the rows that are in the page's text.
func (t *Table) First() []Row {
	mark := t.column(t.Mark)
	rows := make([]Row, min(len(t.Rows), t.atOnce()))
	for i := range rows {
		if mark >= 0 {
			text := t.Rows[i][mark]
			rows[i].Marked = text != "" && text != "same"
		}
		for j, text := range t.Rows[i] {
			rows[i].Cells = append(rows[i].Cells, Cell{Text: text, Number: t.Columns[j].Number, Link: t.link(i, j)})
		}
	}
	return rows
}

// Row is a row in the page's text.
type Row struct {
	Marked bool
	Cells  []Cell
}

// Cell is a value in the page's text.
type Cell struct {
	Text, Link string
	Number     bool
}

// More says whether there are rows that are not in the page's text.
func (t *Table) More() bool { return len(t.Rows) > t.atOnce() }

func (t *Table) column(name string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
}

// link gives the address that a cell leads to, "" for none.
func (t *Table) link(row, column int) string {
	link := t.Columns[column].Link
	if link == "" || t.Rows[row][column] == "" {
		return ""
	}
	for i := range t.Columns {
		link = strings.ReplaceAll(link, "{"+t.Columns[i].Name+"}", strings.ReplaceAll(url.PathEscape(t.Rows[row][i]), "%2F", "/"))
	}
	return link
}

// data is a table for the script: of each column the different values and, row by row, which of them it is.
type data struct {
	Columns []column `json:"columns"`
	Mark    int      `json:"mark"` // the column that marks rows, -1 for none
	Count   int      `json:"rows"`
	AtOnce  int      `json:"at_once"`
}

type column struct {
	Name   string   `json:"name"`
	About  string   `json:"about,omitempty"`
	Number bool     `json:"number,omitempty"`
	Link   string   `json:"link,omitempty"`
	Values []string `json:"values"`
	// Which of the values each row has: nothing where row i has value i, else a letter of letters for each row where there are
	// as few values, else numbers.
	Letters string `json:"letters,omitempty"`
	Rows    []int  `json:"rows,omitempty"`
}

// letters name the values of a column of few.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// Data is the table for the script.
func (t *Table) Data() (template.JS, error) { return asJS(t.data()) }

func (t *Table) data() data {
	columns := make([]column, len(t.Columns))
	for j, c := range t.Columns {
		columns[j] = column{Name: c.Name, About: c.About, Number: c.Number, Link: c.Link, Values: []string{}}
		rows := make([]int, len(t.Rows))
		known := map[string]int{}
		for i, row := range t.Rows {
			n, ok := known[row[j]]
			if !ok {
				n = len(columns[j].Values)
				known[row[j]] = n
				columns[j].Values = append(columns[j].Values, row[j])
			}
			rows[i] = n
		}
		switch few, all := len(columns[j].Values), len(t.Rows); {
		case few > all*2/3:
			columns[j].Values = make([]string, all)
			for i, row := range t.Rows {
				columns[j].Values[i] = row[j]
			}
		case few <= len(letters):
			text := make([]byte, all)
			for i, n := range rows {
				text[i] = letters[n]
			}
			columns[j].Letters = string(text)
		default:
			columns[j].Rows = rows
		}
	}
	return data{columns, t.column(t.Mark), len(t.Rows), t.atOnce()}
}

// asJS gives a value as JSON in which nothing ends a script element, and whose texts are as plain.Text has them.
func asJS(v any) (template.JS, error) {
	text, err := json.Marshal(v) // writes <, > and & as escapes
	return template.JS(plain.InJSON(string(text))), err
}

// Figure is a drawing of package plot in a page.
type Figure struct {
	ID, Caption string
	Alt         string // what it shows, for readers that do not see it
	SVG         template.HTML
	Narrow      bool         // drawn for a column
	Image       template.URL // of a figure that is a file; it has Width and Height
	Width       float64
	Height      float64
	Packets     *Packets // what is under the pointer; nil where there is none
	Points      *Points  // the same, of a figure whose values stand for something
	Source      string   // address of all packets, where Packets has only some of them
}

// Data is what is under the pointer, for the script; "" for nothing.
func (f *Figure) Data() (template.JS, error) {
	switch {
	case f.Packets != nil:
		return asJS(f.Packets)
	case f.Points != nil:
		return asJS(f.Points)
	}
	return "", nil
}

// draw makes a figure of a page.
func draw(id, caption, alt string, figure *plot.Figure) (*Figure, error) {
	var svg strings.Builder
	if err := figure.WriteDrawing(&svg); err != nil {
		return nil, err
	}
	// Letters are outlines with their text as a label, which only the whole may have in a page: it is one image.
	text := strings.ReplaceAll(svg.String(), ` aria-label="`, ` data-text="`)
	width, _ := figure.Size()
	return &Figure{ID: id, Caption: caption, Alt: alt, SVG: template.HTML(text), Narrow: width < columnFigure}, nil // package plot escapes all text
}

// columnFigure is how wide a figure must be to have the whole width of a page, points.
const columnFigure = 400

// Curves makes a figure of curves for a page.
func Curves(id, caption string, lines *plot.Lines) (*Figure, error) {
	drawing, err := lines.Draw()
	if err != nil {
		return nil, err
	}
	alt := fmt.Sprintf("%s by %s.", lines.YLabel, lines.XLabel)
	for _, s := range lines.Series {
		if len(s.Y) > 0 {
			alt += fmt.Sprintf(" %s: %d values, from %g to %g.", s.Name, len(s.Y), slices.Min(s.Y), slices.Max(s.Y))
		}
	}
	return drawValues(id, caption, alt, drawing)
}

func itoa[T ~int | ~int32 | ~int64 | ~uint64 | ~uint16](n T) string {
	return strconv.FormatInt(int64(n), 10)
}
