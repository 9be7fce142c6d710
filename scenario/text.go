package scenario

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Text is a scalar of a scenario file together with its place. In most fields it is a template
// (see Catalogue.Resolve); a number or true/false may be written without quotes.
type Text struct {
	Text string
	At   Position // of the value's first line
}

func (t *Text) readNode(d *decoder, n *yaml.Node, field string) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.wrong(n, field, "text, a number, or true/false")
		return
	}
	t.Text, t.At = n.Value, d.at(n)
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		t.At.Line++ // the text starts below its "|"
	}
}

// set says whether the text was written at all.
func (t Text) set() bool { return t.At != Position{} }

// Command is what a service runs: a list of words, or one text that "sh -euc" runs.
type Command struct {
	Words []Text
	Shell Text
	At    Position
}

func (c *Command) readNode(d *decoder, n *yaml.Node, field string) {
	c.At = d.at(n)
	switch n.Kind {
	case yaml.ScalarNode:
		c.Shell.readNode(d, n, field)
	case yaml.SequenceNode:
		for _, item := range n.Content {
			var t Text
			t.readNode(d, item, field)
			c.Words = append(c.Words, t)
		}
		if len(c.Words) == 0 {
			d.problems.add(c.At, field, "", "is empty: write the program and its arguments")
		}
	default:
		d.wrong(n, field, "a list of words, or one text for the shell")
	}
}

// positioned is a named thing that knows where it was written.
type positioned interface{ place() Position }

// inOrder gives the names of a decoded mapping in the order in which their values were written; names
// with one value, by an alias, in the order of their letters.
func inOrder[T positioned](m map[string]T) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(m[a].place().before(m[b].place()), strings.Compare(a, b))
	})
}

func (t Text) place() Position { return t.At }

// scriptFields is Script as it is read when written with fields.
type scriptFields Script

func (s *Script) readNode(d *decoder, n *yaml.Node, field string) {
	if n.Kind == yaml.ScalarNode {
		s.At = d.at(n)
		s.File.readNode(d, n, field)
		return
	}
	d.value(n, reflect.ValueOf((*scriptFields)(s)).Elem(), field)
}
