package probe

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"detgen/probe/stats"
	"detgen/scenario/value"
	"detgen/truth"
)

// places gives each value's place among all, from 0 to 1; equal values share theirs.
func places(v []float64) []float64 {
	ranks, _ := stats.Ranks(v)
	for i := range ranks {
		ranks[i] = (ranks[i] - 0.5) / float64(len(v))
	}
	return ranks
}

// label is something that errors are related to: a number for each item.
type label struct {
	Name     string // "link.all.both.delay", or "server.implementation=nginx" for one value of several
	Column   string // of the table
	Value    string // of a category; "" for a quantity
	Measured bool   // measured on the wire, not set
	values   []float64
}

// category is a column as its values, for slices.
type category struct {
	column   string
	values   []string // the cell of each item
	quantity bool
	numbers  []float64 // of a quantity
}

// ourLabels are the columns that every dataset has and that errors are related to, besides the factors. The class is
// what the model guesses; family and technique follow from the scenario.
var ourLabels = []string{"failure", "caching", "client_implementation", "server_implementation"}

// mostLevels is how many values a category may have: names and passwords, drawn afresh for each run, have more.
const mostLevels = 24

// columns lists the columns of the table that are labels.
func (s *Set) columns(o *Options) ([]string, error) {
	var list []string
	if o.Labels != nil {
		for _, name := range o.Labels {
			if !slices.Contains(s.Data.Columns, name) {
				return nil, request("--labels: %s has no column %q; it has %s", s.Data.Path, name, strings.Join(s.Data.Columns, ", "))
			}
		}
		list = slices.Clone(o.Labels)
	} else {
		list = append(slices.Clone(ourLabels), s.factors()...)
	}
	for _, name := range o.Ignore {
		if !slices.Contains(list, name) && !slices.Contains(s.Data.Columns, name) && name != activityLabel {
			return nil, request("--ignore: there is no label %q", name)
		}
	}
	return slices.DeleteFunc(list, func(name string) bool {
		return slices.Contains(o.Ignore, name) || !slices.Contains(s.Data.Columns, name)
	}), nil
}

// seeds names what the draws of each item's run came from: its entry and seed, or the run itself where that is not known.
func (s *Set) seeds() ([]string, error) {
	of, err := s.seedsOf()
	if err != nil {
		return nil, err
	}
	list := make([]string, len(s.Items))
	distinct := map[string]bool{}
	for i := range list {
		list[i] = of[s.connection(i).Run]
		distinct[list[i]] = true
	}
	if len(distinct) < leastSeeds {
		for i := range list {
			list[i] = s.unit(i)
		}
	}
	return list, nil
}

// drawnAfresh tells whether most values of a category are there for one seed only: names and passwords, not factors.
func drawnAfresh(values, seeds []string) bool {
	of := map[string]string{}
	several := map[string]bool{}
	for i, v := range values {
		if first, ok := of[v]; !ok {
			of[v] = seeds[i]
		} else if first != seeds[i] {
			several[v] = true
		}
	}
	return len(of) > 2 && 2*len(several) < len(of)
}

// fill gives each item its number. Items that do not have the factor get the mean of the others, so that they say
// nothing about it.
func (c *category) fill(numbers map[string]float64) {
	c.numbers = make([]float64, len(c.values))
	sum, n := 0.0, 0.0
	for _, text := range c.values {
		if x, ok := numbers[text]; ok {
			sum, n = sum+x, n+1
		}
	}
	for i, text := range c.values {
		c.numbers[i] = sum / n
		if x, ok := numbers[text]; ok {
			c.numbers[i] = x
		}
	}
}

// activityLabel is the label of what was done.
const activityLabel = "activity"

// factors are the columns of a dataset's table that are factors: those that follow the columns of every table.
func (s *Set) factors() []string {
	known := map[string]bool{"run": true, "entry": true, "split": true, "label": true}
	for _, c := range truth.ConnectionColumns() {
		known[c.Name] = true
	}
	if !slices.Contains(s.Data.Columns, "id") || !slices.Contains(s.Data.Columns, "class") {
		return nil // a table by others: what its columns are, the user says
	}
	var list []string
	for _, c := range s.Data.Columns {
		if !known[c] {
			list = append(list, c)
		}
	}
	return list
}

// quantity reads a value with a unit as a number: "40ms" in seconds, "3%" as a share.
func quantity(text string) (float64, bool) {
	if x, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(x, 0) && !math.IsNaN(x) {
		return x, true
	}
	for _, t := range []value.Type{value.Time, value.Fraction, value.Bytes, value.Rate} {
		if v, err := value.Parse(t, text); err == nil {
			return v.Number(), true
		}
	}
	return 0, false
}

// categories reads the label columns of the items. Those that do not vary, or whose values are nearly all different,
// are left out.
func (s *Set) categories(o *Options) ([]category, error) {
	names, err := s.columns(o)
	if err != nil {
		return nil, err
	}
	seeds, err := s.seeds()
	if err != nil {
		return nil, err
	}
	var list []category
	for _, name := range names {
		c := category{column: name, values: make([]string, len(s.Items)), quantity: true}
		levels := map[string]bool{}
		for i := range s.Items {
			c.values[i], _ = s.Data.Value(s.Items[i].Connection, name)
			levels[c.values[i]] = true
		}
		numbers := map[string]float64{}
		for text := range levels {
			x, ok := quantity(text)
			if !ok && text != "" {
				c.quantity = false
				break
			}
			if ok {
				numbers[text] = x
			}
		}
		c.quantity = c.quantity && len(numbers) > 1
		_, missing := levels[""]
		switch {
		case len(levels) < 2, missing && len(levels) == 2:
			continue // a factor that only some tasks have, and that does not vary there, tells the task and no more
		case !c.quantity && (len(levels) > mostLevels || drawnAfresh(c.values, seeds)):
			continue
		}
		if c.quantity {
			c.fill(numbers)
		}
		list = append(list, c)
	}
	if slices.Contains(o.Ignore, activityLabel) {
		return list, nil
	}
	activity := category{column: activityLabel, values: make([]string, len(s.Items))}
	levels := map[string]bool{}
	for i := range s.Items {
		activity.values[i] = s.Items[i].Activity
		levels[s.Items[i].Activity] = true
	}
	if len(levels) > 1 {
		list = append([]category{activity}, list...)
	}
	return list, nil
}

// labels makes numbers of categories: one column for a quantity, one for each value of the others (for a category of
// two values one, as the other is its opposite), and what was measured.
func (s *Set) labels(list []category) []label {
	var out []label
	for _, c := range list {
		if c.quantity {
			out = append(out, label{Name: c.column, Column: c.column, values: c.numbers})
			continue
		}
		levels := map[string]bool{}
		for _, v := range c.values {
			levels[v] = true
		}
		sorted := make([]string, 0, len(levels))
		for v := range levels {
			sorted = append(sorted, v)
		}
		slices.Sort(sorted)
		if len(sorted) == 2 {
			sorted = sorted[1:]
		}
		for _, v := range sorted {
			l := label{Name: c.column + "=" + orNone(v), Column: c.column, Value: v, values: make([]float64, len(c.values))}
			for i := range c.values {
				if c.values[i] == v {
					l.values[i] = 1
				}
			}
			out = append(out, l)
		}
	}
	return append(out, s.measured()...)
}

func orNone(v string) string {
	if v == "" {
		return "(none)"
	}
	return v
}

// measures are what the wire says of a connection.
var measures = []struct {
	name string
	of   func(*Measured) float64
}{
	{"measured RTT", func(m *Measured) float64 { return m.RTT }},
	{"retransmissions", func(m *Measured) float64 { return m.Retransmissions }},
	{"out of order", func(m *Measured) float64 { return m.OutOfOrder }},
	{"duplicate ACKs", func(m *Measured) float64 { return m.DuplicateAcks }},
	{"packets", func(m *Measured) float64 { return m.Packets }},
}

// along gives the labels and measures that scores can be drawn against, and of each the value of every item.
func (s *Set) along(list []category) (factors []Factor, columns [][]string) {
	for i := range list {
		f := Factor{Name: list[i].column}
		if list[i].quantity {
			f.Numbers = map[string]float64{}
			for _, text := range list[i].values {
				if x, ok := quantity(text); ok {
					f.Numbers[text] = x
				}
			}
		}
		factors, columns = append(factors, f), append(columns, list[i].values)
	}
	for _, m := range measures {
		values, known := make([]string, len(s.Items)), false
		for i := range s.Items {
			if x := m.of(&s.Items[i].Measured); s.Items[i].Measured.Known && !math.IsNaN(x) {
				values[i], known = strconv.FormatFloat(x, 'g', -1, 64), true
			}
		}
		if known {
			factors, columns = append(factors, Factor{Name: m.name, Measured: true}), append(columns, values)
		}
	}
	return factors, columns
}

// measured gives what was measured as labels. A round trip that was not seen counts as the mean of the others.
func (s *Set) measured() []label {
	var out []label
	for _, m := range measures {
		l := label{Name: m.name, Column: m.name, Measured: true, values: make([]float64, len(s.Items))}
		sum, n := 0.0, 0.0
		for i := range s.Items {
			l.values[i] = math.NaN()
			if s.Items[i].Measured.Known {
				l.values[i] = m.of(&s.Items[i].Measured)
			}
			if !math.IsNaN(l.values[i]) {
				sum, n = sum+l.values[i], n+1
			}
		}
		if n == 0 {
			continue
		}
		varies := false
		for i, x := range l.values {
			if math.IsNaN(x) {
				l.values[i] = sum / n
			}
			varies = varies || l.values[i] != l.values[0]
		}
		if varies {
			out = append(out, l)
		}
	}
	return out
}
