package plot

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Values are what a figure shows, each with its place. The figure's SVG file has them in its metadata, so that a page that
// shows the file can say what is under the pointer.
type Values struct {
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"` // a text for each column; "" where there is none
	X       []float64  `json:"x"`    // of the middles, in the SVG's view box
	Y       []float64  `json:"y"`
	Wide    []float64  `json:"wide,omitempty"` // of bars and boxes; nil where all are points
	High    []float64  `json:"high,omitempty"`
}

// maxValues is how many values a figure gives at most, an even share of more: more cannot be told apart.
const maxValues = 4000

// meaning tells what a spot of a figure is: a text for each column.
type meaning struct {
	columns []string
	of      func(Spot) []string
}

// Values gives what the figure's spots are; nothing for a figure without.
func (f *Figure) Values() Values {
	v := Values{Columns: f.meaning.columns, Rows: [][]string{}, X: []float64{}, Y: []float64{}}
	if f.meaning.of == nil {
		return v
	}
	bars := false
	for _, i := range Share(len(f.spots), maxValues) {
		s := f.spots[i]
		v.Rows = append(v.Rows, f.meaning.of(s))
		v.X, v.Y = append(v.X, tenth(s.X)), append(v.Y, tenth(s.Y))
		v.Wide, v.High = append(v.Wide, tenth(s.Wide)), append(v.High, tenth(s.High))
		bars = bars || s.Wide > 0
	}
	if !bars {
		v.Wide, v.High = nil, nil
	}
	return v
}

// Share gives at most a number of the places from 0 to n-1, evenly, with the first and the last.
func Share(n, most int) []int {
	list := make([]int, min(n, most))
	for i := range list {
		list[i] = i
		if n > most {
			list[i] = i * (n - 1) / (most - 1)
		}
	}
	return list
}

func tenth(v float64) float64 { return math.Round(v*10) / 10 }

// value is a number as a text; "" for NaN.
func value(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

// writeValues writes them as the SVG's metadata.
func (f *Figure) writeValues(out io.Writer) error {
	v := f.Values()
	if len(v.Rows) == 0 {
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("the figure's values: %w", err)
	}
	var escaped bytes.Buffer
	if err := xml.EscapeText(&escaped, text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "<metadata>%s</metadata>\n", bytes.ReplaceAll(escaped.Bytes(), []byte("&#34;"), []byte(`"`))) // no attribute: quotes may stand
	return err
}

// File is what the beginning of a figure's SVG file tells.
type File struct {
	Title         string
	Width, Height float64 // of the view box
	Values        Values  // none where the file has none
}

// ReadFile reads the beginning of an SVG file that this package wrote. The file may be anyone's: what is no such beginning is an
// error, and the values fit together.
func ReadFile(r io.Reader) (*File, error) {
	f := &File{Values: Values{Rows: [][]string{}, X: []float64{}, Y: []float64{}}}
	d := xml.NewDecoder(r)
	for {
		token, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("read figure: %w", err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			if _, ended := token.(xml.EndElement); ended {
				return f, nil
			}
			continue
		}
		switch e.Name.Local {
		case "svg":
			if f.Width, f.Height, err = viewBox(e); err != nil {
				return nil, err
			}
			continue
		case "title":
			if err := d.DecodeElement(&f.Title, &e); err != nil {
				return nil, fmt.Errorf("read figure: %w", err)
			}
			if f.Width > 0 {
				continue
			}
		case "metadata":
			var text string
			if err := d.DecodeElement(&text, &e); err != nil {
				return nil, fmt.Errorf("read figure: %w", err)
			}
			if err := json.Unmarshal([]byte(text), &f.Values); err != nil {
				return nil, fmt.Errorf("read figure: its values: %w", err)
			}
			if err := f.Values.check(); err != nil {
				return nil, fmt.Errorf("read figure: its values: %w", err)
			}
		}
		if f.Width == 0 {
			return nil, errors.New("read figure: it does not begin with svg")
		}
		return f, nil
	}
}

// viewBox is the width and height that an SVG element has.
func viewBox(e xml.StartElement) (width, height float64, err error) {
	for _, a := range e.Attr {
		if a.Name.Local != "viewBox" {
			continue
		}
		box := strings.Fields(a.Value)
		if len(box) != 4 || box[0] != "0" || box[1] != "0" {
			break
		}
		for i, to := range []*float64{&width, &height} {
			if *to, err = strconv.ParseFloat(box[2+i], 64); err != nil || !(*to > 0 && *to < 1e6) {
				return 0, 0, fmt.Errorf("read figure: its view box is %q", a.Value)
			}
		}
		return width, height, nil
	}
	return 0, 0, errors.New("read figure: it has no view box from 0 0")
}

// check finds out whether there is a place and a text of each column for every value.
func (v *Values) check() error {
	n := len(v.Rows)
	if n > maxValues || len(v.X) != n || len(v.Y) != n || len(v.Wide) != len(v.High) || len(v.Wide) != 0 && len(v.Wide) != n {
		return fmt.Errorf("%d rows, but %d, %d places and %d, %d sizes (at most %d)", n, len(v.X), len(v.Y), len(v.Wide), len(v.High), maxValues)
	}
	for i, row := range v.Rows {
		if len(row) != len(v.Columns) {
			return fmt.Errorf("row %d has %d texts for %d columns", i+1, len(row), len(v.Columns))
		}
	}
	return nil
}
