package scenario

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Spec is what a user asks for. What it leaves open is the scenario's default or drawn.
type Spec struct {
	// SCENARIO/TASK.
	Task string `yaml:"task" jsonschema:"required"`
	// Seed of the run; of the first one when count says more. Without it one is drawn.
	Seed *uint64 `yaml:"seed"`
	// How many runs, each with a seed of its own.
	Count int `yaml:"count"`
	// Where the lab runs: live, exact or vm.
	Engine string `yaml:"engine" jsonschema:"enum=live,enum=exact,enum=vm"`
	// Who impairs the links: netem, soft; without it whichever works.
	LinkDriver string `yaml:"link_driver" jsonschema:"enum=netem,enum=soft"`
	// Factors, by the keys of "-s": dotted ("link.all.both.delay: 20ms") or nested.
	Set Settings `yaml:"set"`
	// Further activities in the same lab, labelled apart.
	Background []*Background `yaml:"background"`

	At     Position `yaml:"-"`
	places map[string]Position
}

// Background is a task that goes on beside the main one.
type Background struct {
	// Name of the activity; without it background-1, background-2, ...
	Name string `yaml:"name"`
	// SCENARIO/TASK.
	Task string `yaml:"task" jsonschema:"required"`
	// Factors of this activity alone: params.NAME, failure, caching, HOST.implementation.
	Set Settings `yaml:"set"`
	// Which host of the lab plays which part: PART: HOST. Parts of the main scenario are played by
	// its own hosts; for other scenarios, parts not named here get a host of their own.
	Hosts map[string]Text `yaml:"hosts"`
	// When it starts; once, with the main activity, when nothing is said.
	Schedule *Schedule `yaml:"schedule"`

	At Position `yaml:"-"`
}

// Schedule says when a background activity starts, after the start of the main one. Exactly one
// of its fields is set.
type Schedule struct {
	// Fixed times: [0s, 1.5s, 3s].
	Times []Text `yaml:"at"`
	// Poisson process.
	Poisson *Poisson `yaml:"poisson"`
	// A CSV file with a column "time" (seconds, or with a unit) and, optionally, a column "task"
	// (SCENARIO/TASK): an activity a line.
	CSV Text `yaml:"csv"`

	At Position `yaml:"-"`
}

// Poisson is a Poisson process: exponential times between starts.
type Poisson struct {
	// Mean time between two starts.
	Mean Text `yaml:"mean" jsonschema:"required"`
	// No start after this time.
	Until Text `yaml:"until" jsonschema:"required"`

	At Position `yaml:"-"`
}

// Setting is a value for a key of "-s".
type Setting struct {
	Key   string
	Value string
	At    Position
}

// Settings are settings in the order in which they were written.
type Settings []Setting

// readNode reads dotted or nested mappings.
func (s *Settings) readNode(d *decoder, n *yaml.Node, field string) {
	s.nested(d, n, field, "")
	seen := map[string]Position{}
	for _, setting := range *s {
		if first, twice := seen[setting.Key]; twice {
			d.problems.add(setting.At, join(field, setting.Key), "", "given twice (first on line %d): remove one", first.Line)
		}
		seen[setting.Key] = setting.At
	}
}

func (s *Settings) nested(d *decoder, n *yaml.Node, field, prefix string) {
	d.entries(n, field, func(name, value *yaml.Node) {
		full := join(prefix, name.Value)
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if value.Kind == yaml.MappingNode {
			s.nested(d, value, join(field, name.Value), full)
			return
		}
		// "~" is YAML's null, and means "draw" here.
		if value.Kind == yaml.ScalarNode && value.Value == "~" {
			*s = append(*s, Setting{full, "~", d.at(value)})
			return
		}
		var t Text
		t.readNode(d, value, join(field, name.Value))
		*s = append(*s, Setting{full, t.Text, d.at(value)})
	})
}

// over gives the settings of s, and before them those of base whose keys s does not have.
func (s Settings) over(base Settings) Settings {
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
	return s.over(Settings{{Key: key, Value: value}})
}

// ReadSpec reads a spec file. name is its name for messages.
func ReadSpec(name string, data []byte) (*Spec, error) {
	ps := &problems{}
	spec := &Spec{}
	decodeYAML(name, data, spec, ps)
	spec.At.File, spec.places = name, ps.places
	if spec.Count < 0 {
		ps.add(spec.At, "count", fmt.Sprint(spec.Count), "must be 1 or more")
	}
	for field, allowed := range map[string][]string{"engine": {"live", "exact", "vm"}, "link_driver": {"netem", "soft"}} {
		value := map[string]string{"engine": spec.Engine, "link_driver": spec.LinkDriver}[field]
		if value != "" && !slices.Contains(allowed, value) {
			ps.add(spec.At, field, value, "must be %s", strings.Join(allowed, " or "))
		}
	}
	return spec, ps.err()
}

// ParseSetting reads KEY=VALUE from the command line.
func ParseSetting(text string) (Setting, error) {
	key, value, ok := strings.Cut(text, "=")
	if !ok || key == "" {
		return Setting{}, &Problem{At: Position{File: "-s"}, Field: text, Message: "must be KEY=VALUE, like link.all.both.delay=20ms"}
	}
	return Setting{Key: key, Value: value, At: Position{File: "-s"}}, nil
}

// Override adds settings from the command line: they replace those of the same key.
func (s *Spec) Override(settings ...Setting) error {
	seen := map[string]bool{}
	for _, setting := range settings {
		if seen[setting.Key] {
			return &Problem{At: setting.At, Field: setting.Key, Value: setting.Value, Message: "given twice: remove one"}
		}
		seen[setting.Key] = true
	}
	s.Set = Settings(settings).over(s.Set)
	return nil
}
