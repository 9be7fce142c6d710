package spec

import (
	"slices"
	"strings"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"

	"go.yaml.in/yaml/v3"
)

// Setting is a value for a key of "-s".
type Setting struct {
	Key   string
	Value string
	At    problem.Position
}

// Settings are settings in the order in which they were written.
type Settings []Setting

// ReadNode reads dotted or nested mappings.
func (s *Settings) ReadNode(d *strictyaml.Decoder, n *yaml.Node, field string) {
	s.nested(d, n, field, "")
	seen := map[string]problem.Position{}
	for _, setting := range *s {
		if first, twice := seen[setting.Key]; twice {
			d.Problems.Add(setting.At, problem.Join(field, setting.Key), "", "given twice (first on line %d): remove one", first.Line)
		}
		seen[setting.Key] = setting.At
	}
}

func (s *Settings) nested(d *strictyaml.Decoder, n *yaml.Node, field, prefix string) {
	d.Entries(n, field, func(name, value *yaml.Node) {
		full := problem.Join(prefix, name.Value)
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if value.Kind == yaml.MappingNode {
			s.nested(d, value, problem.Join(field, name.Value), full)
			return
		}
		// "~" is YAML's null, and means "draw" here.
		if value.Kind == yaml.ScalarNode && value.Value == "~" {
			*s = append(*s, Setting{full, "~", d.At(value)})
			return
		}
		var t strictyaml.Text
		t.ReadNode(d, value, problem.Join(field, name.Value))
		*s = append(*s, Setting{full, t.Text, d.At(value)})
	})
}

// Over gives the settings of s, and before them those of base whose keys s does not have.
func (s Settings) Over(base Settings) Settings {
	var all Settings
	for _, setting := range base {
		if !slices.ContainsFunc(s, func(o Setting) bool { return o.Key == setting.Key }) {
			all = append(all, setting)
		}
	}
	return append(all, s...)
}

// Default gives the settings, and before them that of a key that they do not have.
func (s Settings) Default(key, value string) Settings {
	return s.Over(Settings{{Key: key, Value: value}})
}

// ParseSetting reads KEY=VALUE from the command line.
func ParseSetting(text string) (Setting, error) {
	key, value, ok := strings.Cut(text, "=")
	if !ok || key == "" {
		return Setting{}, &problem.Problem{At: problem.Position{File: "-s"}, Field: text, Message: "must be KEY=VALUE, like link.all.both.delay=20ms"}
	}
	return Setting{Key: key, Value: value, At: problem.Position{File: "-s"}}, nil
}
