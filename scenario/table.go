package scenario

import (
	"fmt"
	"math"
	"strings"

	"detgen/seed"
)

// Table is rows of drawn values. Parts: rows (a list of mappings, COLUMN: value, to range over),
// text (a line a row, values separated by tabs), and each column's name (a list of its values).
type Table struct {
	// How many rows; a template.
	Rows Text `yaml:"rows" jsonschema:"required"`
	// What each row holds.
	Columns map[string]*Column `yaml:"columns" jsonschema:"required"`

	At Position `yaml:"-"`
}

// Column is a drawn value of each row of a table.
type Column struct {
	// Kind of value.
	Type Type `yaml:"type" jsonschema:"required"`
	// Law to draw from; a template.
	Law Text `yaml:"law" jsonschema:"required"`
	// No value occurs twice.
	Unique bool `yaml:"unique"`
	// Values put into given rows instead of drawn ones: ROW (from 1): value; templates.
	Put map[string]Text `yaml:"put"`

	At Position `yaml:"-"`
}

func (c *Column) place() Position { return c.At }

// maxUniqueTries bounds the search for a value that is not in a column yet.
const maxUniqueTries = 10_000

func (t *Table) make(r *resolver, name, field string) (map[string]any, error) {
	n, err := r.count(t.Rows, field+".rows")
	if err != nil {
		return nil, err
	}
	rows := make([]map[string]any, n)
	for i := range rows {
		rows[i] = map[string]any{}
	}
	parts := map[string]any{"rows": rows}
	lines := make([]string, n)
	for c, column := range inOrder(t.Columns) {
		values, err := r.column(t.Columns[column], field+".columns."+column, "make."+name+"."+column, n)
		if err != nil {
			return nil, err
		}
		for i, v := range values {
			rows[i][column] = v
			if c > 0 {
				lines[i] += "\t"
			}
			lines[i] += v
		}
		parts[column] = values
	}
	parts["text"] = strings.Join(append(lines, ""), "\n")
	return parts, nil
}

// column draws n values.
func (r *resolver) column(c *Column, field, stream string, n int) ([]string, error) {
	law, err := r.valueOrLaw(c.Type, c.Law, field+".law", "")
	if err != nil {
		return nil, err
	}
	put := map[int]string{}
	for _, row := range inOrder(c.Put) {
		i, err := ParseValue(Int, row)
		if err != nil || i.number < 1 || int(i.number) > n {
			return nil, &Problem{At: c.Put[row].At, Field: field + ".put", Value: row, Message: fmt.Sprintf("must be a row from 1 to %d", n)}
		}
		if put[int(i.number)-1], err = r.text(c.Put[row], field+".put."+row); err != nil {
			return nil, err
		}
	}
	seen := map[string]bool{}
	for _, v := range put {
		seen[v] = true
	}
	random := seed.Stream(r.seed, r.stream(stream))
	values := make([]string, n)
	for i := range values {
		v, given := put[i]
		for try := 0; !given; try++ {
			drawn, err := law.Draw(random, math.Inf(-1), math.Inf(1))
			if err != nil || try == maxUniqueTries {
				return nil, &Problem{At: c.At, Field: field, Value: law.String(), Message: fmt.Sprintf("cannot draw %d values: the law has too few", n)}
			}
			if v = drawn.Plain(); !c.Unique || !seen[v] {
				break
			}
		}
		seen[v] = true
		values[i] = v
	}
	return values, nil
}
