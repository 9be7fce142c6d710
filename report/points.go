package report

import (
	"fmt"
	"math"
	"strings"

	"detgen/plot"
)

// maxPoints is how many points a figure of points has at most: more cannot be told apart.
const maxPoints = 4000

// drawValues draws a figure that tells its values itself.
func drawValues(id, caption, alt string, drawing *plot.Figure) (*Figure, error) {
	f, err := draw(id, caption, alt, drawing)
	if err != nil {
		return nil, err
	}
	width, height := drawing.Size()
	f.Points = valuesOf(drawing.Values(), width, height)
	return f, nil
}

// valuesAlt says in words what values a figure has.
func valuesAlt(v plot.Values) string {
	if len(v.Rows) == 0 {
		return ". Its values are in the tables."
	}
	return fmt.Sprintf(". %d values: %s. Arrow keys go through them.", len(v.Rows), strings.Join(v.Columns, ", "))
}

// valuesOf gives what is under the pointer of a figure that tells its values itself; nil for one without.
func valuesOf(v plot.Values, width, height float64) *Points {
	if len(v.Rows) == 0 {
		return nil
	}
	t := Table{Rows: v.Rows}
	for _, name := range v.Columns {
		t.Columns = append(t.Columns, Column{Name: name})
	}
	p := &Points{Width: width, Height: height, X: v.X, Y: v.Y, Wide: v.Wide, High: v.High, data: t.data()}
	for i := range v.Rows {
		p.Row = append(p.Row, i)
	}
	return p
}

// Points is what the script of a page knows of a figure whose values each stand for something: where they are, and what is
// said when the pointer is at one. The first column that has a link says where a click leads.
type Points struct {
	Width  float64   `json:"width"`
	Height float64   `json:"height"`
	X      []float64 `json:"x"` // in the drawing
	Y      []float64 `json:"y"`
	Wide   []float64 `json:"wide,omitempty"` // of bars, around their middles
	High   []float64 `json:"high,omitempty"`
	Row    []int     `json:"row"` // of the table
	data
}

// points gives what is under the pointer of a drawing: rowOf gives the row of the table for a value, -1 for none.
func points(drawing *plot.Figure, t *Table, rowOf func(series, index int) int) *Points {
	p := &Points{X: []float64{}, Y: []float64{}, Row: []int{}, data: t.data()}
	p.Width, p.Height = drawing.Size()
	for _, s := range drawing.Spots() {
		if row := rowOf(s.Series, s.Index); row >= 0 {
			p.X, p.Y, p.Row = append(p.X, tenth(s.X)), append(p.Y, tenth(s.Y)), append(p.Row, row)
			if s.Wide > 0 {
				p.Wide, p.High = append(p.Wide, tenth(s.Wide)), append(p.High, tenth(s.High))
			}
		}
	}
	return p
}

func tenth(v float64) float64 { return math.Round(v*10) / 10 }

// drawPoints draws a figure whose values are rows of a table.
func drawPoints(id, caption, alt string, drawing *plot.Figure, t *Table, rowOf func(series, index int) int) (*Figure, error) {
	f, err := draw(id, caption, alt, drawing)
	if err != nil {
		return nil, err
	}
	f.Points = points(drawing, t, rowOf)
	return f, nil
}
