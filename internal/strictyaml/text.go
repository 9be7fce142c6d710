package strictyaml

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"detgen/internal/problem"

	"go.yaml.in/yaml/v3"
)

// Text is a scalar together with its place; a number or true/false may be written without quotes.
type Text struct {
	Text string
	At   problem.Position // of the value's first line
}

// ReadNode reads a scalar that is not null.
func (t *Text) ReadNode(d *Decoder, n *yaml.Node, field string) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.Wrong(n, field, "text, a number, or true/false")
		return
	}
	t.Text, t.At = n.Value, d.At(n)
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		t.At.Line++ // the text starts below its "|"
	}
}

// Set is true when the text was written at all.
func (t Text) Set() bool { return t.At != problem.Position{} }

// Placed is a named thing that knows where it is written.
type Placed interface{ Place() problem.Position }

// InOrder gives the names of a decoded mapping in the order in which their values were written; names
// with one value, by an alias, in the order of their letters.
func InOrder[T Placed](m map[string]T) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(m[a].Place().Compare(m[b].Place()), strings.Compare(a, b))
	})
}

// Place is where the text is written.
func (t Text) Place() problem.Position { return t.At }
