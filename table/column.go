package table

import (
	"fmt"
	"strings"

	"detgen/internal/markdown"
)

// Kind is the type of a column's values.
type Kind uint8

// The kinds.
const (
	Int   Kind = iota // int64
	Float             // float64; in CSV the shortest digits that give the same number, "Infinity" and "NaN"
	Text              // UTF-8
	Bool              // 0 and 1 in CSV
	Time              // ns since the Unix epoch, a plain integer in CSV, a UTC timestamp in Parquet
)

// String gives the name of the kind as documentation shows it.
func (k Kind) String() string {
	switch k {
	case Int:
		return "integer"
	case Float:
		return "number"
	case Text:
		return "text"
	case Bool:
		return "0 or 1"
	case Time:
		return "time"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Column describes a column.
type Column struct {
	Name     string
	Kind     Kind
	Unit     string // "ns", "bytes", ...; "" when there is none
	Doc      string // one sentence in Markdown, for documentation
	Optional bool   // a cell may be empty (Batch.Null)
}

// Document gives a Markdown list of the columns, in their order.
func Document(columns []Column) string {
	var b strings.Builder
	for _, c := range columns {
		kind := c.Kind.String()
		if c.Unit != "" {
			kind += ", " + c.Unit
		}
		if c.Optional {
			kind += ", may be empty"
		}
		b.WriteString(markdown.Item("", fmt.Sprintf("`%s` (%s): %s", c.Name, kind, c.Doc)))
	}
	return b.String()
}

// unique gives the names of the columns with ".1", ".2", ... after repeated ones, which Parquet does
// not allow (pandas names the repeated columns of a CSV file in the same way).
func unique(columns []Column) []string {
	names := make([]string, len(columns))
	seen := map[string]bool{}
	for i, c := range columns {
		name := c.Name
		for n := 1; seen[name]; n++ {
			name = fmt.Sprintf("%s.%d", c.Name, n)
		}
		seen[name] = true
		names[i] = name
	}
	return names
}
