package format

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/scenario/spec"
	"detgen/scenario/value"
)

// ImplementationNames are those of a declared host that can do a task (nil: any task).
func (s *Scenario) ImplementationNames(host string, task *Task) []string {
	if task != nil && len(task.Implementations[host]) > 0 {
		var names []string
		for _, t := range task.Implementations[host] {
			names = append(names, t.Text)
		}
		return names
	}
	return strictyaml.InOrder(s.Hosts[host].Implementations)
}

// Definition is what the parameter's values are.
func (p *Parameter) Definition(name string) value.Definition {
	d := value.Definition{Name: name, Type: p.Type, Min: p.Min.Text, Max: p.Max.Text, Law: p.Law.Text}
	for _, v := range p.Values {
		d.Values = append(d.Values, v.Text)
	}
	if p.Type == value.LawType {
		d.Check = func(s string) error { return value.CheckLaw(p.Of, s) }
	}
	if p.Pattern.Text != "" {
		d.Check = func(s string) error { return matchWhole(p.Pattern.Text, s) }
	}
	return d
}

// TaskParameters gives the parameters that a task has (nil: those of any task).
func (s *Scenario) TaskParameters(task *Task) map[string]*Parameter {
	all := map[string]*Parameter{}
	for name, p := range s.Parameters {
		if task == nil || len(p.Tasks) == 0 || slices.ContainsFunc(p.Tasks, func(t Text) bool { return s.Tasks[t.Text] == task }) {
			all[name] = p
		}
	}
	if task != nil {
		maps.Copy(all, task.Parameters)
		return all
	}
	for _, t := range s.Tasks {
		maps.Copy(all, t.Parameters)
	}
	return all
}

// VariantNames are the names of the failures or caching options that a task offers, "none" first.
func (s *Scenario) VariantNames(all map[string]*Variant, task *Task) []string {
	names := []string{spec.None}
	for _, name := range strictyaml.InOrder(all) {
		if task == nil || all[name].OfferedFor(s, task) {
			names = append(names, name)
		}
	}
	return names
}

// OfferedFor is true when a task offers the variant.
func (v *Variant) OfferedFor(s *Scenario, task *Task) bool {
	return len(v.Tasks) == 0 || slices.ContainsFunc(v.Tasks, func(t Text) bool { return s.Tasks[t.Text] == task })
}

// GroupOf gives the declared host that the name of a lab's host belongs to: "peer" for "peer-2".
func (s *Scenario) GroupOf(name string) string {
	if _, ok := s.Hosts[name]; ok {
		return name
	}
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		if n, err := strconv.Atoi(name[i+1:]); err == nil && n > 0 {
			if h, ok := s.Hosts[name[:i]]; ok && h.Count.Set() {
				return name[:i]
			}
		}
	}
	return ""
}

// ParameterOrder gives the names of a task's parameters: the scenario's as written, then its own.
func ParameterOrder(s *Scenario, task *Task) []string {
	own := s.TaskParameters(task)
	names := slices.DeleteFunc(strictyaml.InOrder(s.Parameters), func(name string) bool { _, ok := own[name]; return !ok })
	for _, name := range strictyaml.InOrder(task.Parameters) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// VariableName is a name in capitals, as environment variables have them.
func VariableName(name string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
}

// ParseKey reads a key of "-s" for a task of the scenario (nil: for any task). The error names what
// is unknown and what is near.
func (s *Scenario) ParseKey(text string, task *Task) (spec.Key, error) {
	return spec.ParseKey(text, vocabulary{s, task})
}

// KnowHost checks the name of a host, of a group, or of a host of a group.
func (s *Scenario) KnowHost(name string) error { return spec.KnowHost(name, vocabulary{s, nil}) }

// vocabulary is what the keys for a task can name (nil: for any task).
type vocabulary struct {
	scenario *Scenario
	task     *Task
}

func (v vocabulary) Hosts() []string          { return strictyaml.InOrder(v.scenario.Hosts) }
func (v vocabulary) Group(host string) string { return v.scenario.GroupOf(host) }
func (v vocabulary) Networks() []string       { return v.scenario.NetworkNames() }
func (v vocabulary) Failures() []string {
	return v.scenario.VariantNames(v.scenario.Failures, v.task)
}
func (v vocabulary) Caching() []string { return v.scenario.VariantNames(v.scenario.Caching, v.task) }
func (v vocabulary) Implementations(group string) []string {
	return v.scenario.ImplementationNames(group, v.task)
}
func (v vocabulary) Parameters() []string {
	return strictyaml.InOrder(v.scenario.TaskParameters(v.task))
}

func (v vocabulary) Parameter(name string) (value.Definition, error) {
	params := v.scenario.TaskParameters(v.task)
	p, ok := params[name]
	if !ok {
		what := "the scenario"
		if v.task != nil {
			what = "this task"
		}
		return value.Definition{}, fmt.Errorf("%s has no parameter %q: %s", what, name, problem.Nearest(name, strictyaml.InOrder(params)))
	}
	return p.Definition(name), nil
}
