package resolve

import (
	"fmt"
	"math"
	"strings"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/scenario/format"
	"detgen/scenario/value"
	"detgen/seed"
)

// maxUniqueTries bounds the search for a value that is not in a column yet.
const maxUniqueTries = 10_000

func (sc *scope) makeTable(t *format.Table, name, field string) (map[string]any, error) {
	n, err := sc.count(t.Rows, field+".rows")
	if err != nil {
		return nil, err
	}
	rows := make([]map[string]any, n)
	for i := range rows {
		rows[i] = map[string]any{}
	}
	parts := map[string]any{"rows": rows}
	lines := make([]string, n)
	for c, column := range strictyaml.InOrder(t.Columns) {
		values, err := sc.column(t.Columns[column], field+".columns."+column, "make."+name+"."+column, n)
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
func (sc *scope) column(c *format.Column, field, stream string, n int) ([]string, error) {
	law, err := sc.valueOrLaw(c.Type, c.Law, field+".law", "")
	if err != nil {
		return nil, err
	}
	put := map[int]string{}
	for _, row := range strictyaml.InOrder(c.Put) {
		i, err := value.Parse(value.Int, row)
		if err != nil || i.Number() < 1 || int(i.Number()) > n {
			return nil, &problem.Problem{At: c.Put[row].At, Field: field + ".put", Value: row, Message: fmt.Sprintf("must be a row from 1 to %d", n)}
		}
		if put[int(i.Number())-1], err = sc.text(c.Put[row], field+".put."+row); err != nil {
			return nil, err
		}
	}
	seen := map[string]bool{}
	for _, v := range put {
		seen[v] = true
	}
	random := seed.Stream(sc.seed, sc.stream(stream))
	values := make([]string, n)
	for i := range values {
		v, given := put[i]
		for try := 0; !given; try++ {
			drawn, err := law.Draw(random, math.Inf(-1), math.Inf(1))
			if err != nil || try == maxUniqueTries {
				return nil, &problem.Problem{At: c.At, Field: field, Value: law.String(), Message: fmt.Sprintf("cannot draw %d values: the law has too few", n)}
			}
			if v = drawn.Plain(); !c.Unique || !seen[v] {
				break
			}
		}
		seen[v] = true
		values[i] = v
		if err := sc.budget.spendMade(int64(len(v))); err != nil {
			return nil, &problem.Problem{At: c.At, Field: field, Message: err.Error()}
		}
	}
	return values, nil
}
