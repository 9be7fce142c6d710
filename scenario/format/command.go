package format

import (
	"reflect"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"

	"go.yaml.in/yaml/v3"
)

// Command is what a service runs: a list of words, or one text that "sh -euc" runs.
type Command struct {
	Words []Text
	Shell Text
	At    problem.Position
}

// ReadNode reads words or one text.
func (c *Command) ReadNode(d *strictyaml.Decoder, n *yaml.Node, field string) {
	c.At = d.At(n)
	switch n.Kind {
	case yaml.ScalarNode:
		c.Shell.ReadNode(d, n, field)
	case yaml.SequenceNode:
		for _, item := range n.Content {
			var t Text
			t.ReadNode(d, item, field)
			c.Words = append(c.Words, t)
		}
		if len(c.Words) == 0 {
			d.Problems.Add(c.At, field, "", "is empty: write the program and its arguments")
		}
	default:
		d.Wrong(n, field, "a list of words, or one text for the shell")
	}
}

// scriptFields is Script as it is read when written with fields.
type scriptFields Script

// ReadNode reads the file's name alone, or fields.
func (s *Script) ReadNode(d *strictyaml.Decoder, n *yaml.Node, field string) {
	if n.Kind == yaml.ScalarNode {
		s.At = d.At(n)
		s.File.ReadNode(d, n, field)
		return
	}
	d.Value(n, reflect.ValueOf((*scriptFields)(s)).Elem(), field)
}
