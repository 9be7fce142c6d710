package format

import (
	"fmt"
	"slices"
	"strings"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/scenario/spec"
	"detgen/scenario/value"
)

// About is what there is to know of a scenario, or of one task of it, before it is run. It is
// what "detgen list" shows, also as JSON.
type About struct {
	Scenario    string           `json:"scenario"`
	Title       string           `json:"title"`
	Description string           `json:"description,omitempty"`
	Extends     string           `json:"extends,omitempty"`
	Class       string           `json:"class"`
	Family      string           `json:"family,omitempty"`
	Technique   string           `json:"technique,omitempty"`
	Networks    []string         `json:"networks"`
	Hosts       []AboutHost      `json:"hosts"`
	Tasks       []AboutTask      `json:"tasks"`
	Parameters  []AboutParameter `json:"parameters"`
	Failures    []AboutVariant   `json:"failures,omitempty"`
	Caching     []AboutVariant   `json:"caching,omitempty"`
	Set         []AboutSetting   `json:"set,omitempty"` // other defaults than usual
}

// AboutHost is a host's part.
type AboutHost struct {
	Name            string                `json:"name"`
	Description     string                `json:"description,omitempty"`
	Count           string                `json:"count,omitempty"` // "" for one
	Networks        []string              `json:"networks"`
	Forward         bool                  `json:"forward,omitempty"`
	Image           string                `json:"image,omitempty"` // without implementations
	Implementations []AboutImplementation `json:"implementations,omitempty"`
}

// AboutImplementation is one choice of programs.
type AboutImplementation struct {
	Name    string `json:"name"`
	Title   string `json:"title,omitempty"`
	Image   string `json:"image"`
	Default bool   `json:"default,omitempty"`
}

// AboutTask is a task.
type AboutTask struct {
	Name        string         `json:"name"`
	Title       string         `json:"title"`
	Description string         `json:"description,omitempty"`
	Class       string         `json:"class"`
	Family      string         `json:"family,omitempty"`
	Technique   string         `json:"technique,omitempty"`
	Twin        string         `json:"twin,omitempty"` // of an attack: the benign task that it is compared with, SCENARIO/TASK
	Hosts       []string       `json:"hosts"`
	Scripts     []string       `json:"scripts"` // hosts that do something
	Phases      []string       `json:"phases,omitempty"`
	Expect      []AboutSetting `json:"expect"`
	Parameters  []string       `json:"parameters"`
	Failures    []string       `json:"failures,omitempty"`
	Caching     []string       `json:"caching,omitempty"`
	Timeout     string         `json:"timeout"`

	Implementations map[string][]string `json:"implementations,omitempty"` // that can do it; empty: all

	Set []AboutSetting   `json:"set,omitempty"`
	Own []AboutParameter `json:"own_parameters,omitempty"` // that only this task has, or has otherwise
}

// AboutParameter is a controlled value. Bounds, default and law are as written.
type AboutParameter struct {
	Name    string     `json:"name"`
	Type    value.Type `json:"type"`
	Of      value.Type `json:"of,omitempty"` // what a law is of
	Default string     `json:"default,omitempty"`
	Drawn   bool       `json:"drawn,omitempty"` // when nothing is said
	Law     string     `json:"law,omitempty"`   // for "~"
	Min     string     `json:"min,omitempty"`
	Max     string     `json:"max,omitempty"`
	Values  []string   `json:"values,omitempty"`

	Needs []AboutSetting `json:"needs,omitempty"` // of some values: what they need, in words

	Pattern     string   `json:"pattern,omitempty"`
	Description string   `json:"description,omitempty"`
	Tasks       []string `json:"tasks,omitempty"` // empty: all
}

// AboutVariant is a failure or a caching option.
type AboutVariant struct {
	Name            string              `json:"name"`
	Title           string              `json:"title"`
	Description     string              `json:"description,omitempty"`
	Tasks           []string            `json:"tasks"`
	Implementations map[string][]string `json:"implementations,omitempty"` // it is offered for; empty: all
	Set             []AboutSetting      `json:"set,omitempty"`
	Without         []string            `json:"without,omitempty"`
	Expect          []AboutSetting      `json:"expect,omitempty"`
}

// AboutSetting is a key and a value.
type AboutSetting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// About tells what there is to know of the scenario.
func (s *Scenario) About() *About {
	a := &About{
		Scenario: s.Name, Title: s.Title, Description: strings.TrimSpace(s.Description), Extends: s.Extends,
		Class: s.Class, Family: s.Family, Technique: s.Technique, Networks: s.NetworkNames(), Set: aboutSettings(s.Set),
	}
	for _, name := range strictyaml.InOrder(s.Hosts) {
		a.Hosts = append(a.Hosts, s.aboutHost(name))
	}
	for _, name := range strictyaml.InOrder(s.Parameters) {
		a.Parameters = append(a.Parameters, aboutParameter(name, s.Parameters[name]))
	}
	for _, name := range strictyaml.InOrder(s.Tasks) {
		a.Tasks = append(a.Tasks, s.aboutTask(name))
	}
	for _, name := range strictyaml.InOrder(s.Failures) {
		a.Failures = append(a.Failures, s.aboutVariant(name, s.Failures[name]))
	}
	for _, name := range strictyaml.InOrder(s.Caching) {
		a.Caching = append(a.Caching, s.aboutVariant(name, s.Caching[name]))
	}
	return a
}

func aboutSettings(settings spec.Settings) []AboutSetting {
	var list []AboutSetting
	for _, s := range settings {
		list = append(list, AboutSetting{s.Key, s.Value})
	}
	return list
}

func aboutTexts(texts map[string]Text) []AboutSetting {
	var list []AboutSetting
	for _, name := range strictyaml.InOrder(texts) {
		list = append(list, AboutSetting{name, texts[name].Text})
	}
	return list
}

func texts(list []Text) []string {
	var out []string
	for _, t := range list {
		out = append(out, t.Text)
	}
	return out
}

func (s *Scenario) aboutHost(name string) AboutHost {
	h := s.Hosts[name]
	a := AboutHost{Name: name, Description: h.Description, Count: h.Count.Text, Networks: texts(h.Networks), Forward: h.Forward, Image: h.Image.Text}
	if len(a.Networks) == 0 {
		a.Networks = s.NetworkNames()[:1]
	}
	for i, in := range strictyaml.InOrder(h.Implementations) {
		isDefault := in == h.Default.Text || !h.Default.Set() && i == 0
		a.Implementations = append(a.Implementations, AboutImplementation{in, h.Implementations[in].Title, h.Implementations[in].Image.Text, isDefault})
	}
	return a
}

func aboutParameter(name string, p *Parameter) AboutParameter {
	a := AboutParameter{
		Name: name, Type: p.Type, Of: p.Of, Default: p.Default.Text, Drawn: !p.Default.Set(), Min: p.Min.Text, Max: p.Max.Text,
		Values: texts(p.Values), Pattern: p.Pattern.Text, Description: p.Description, Tasks: texts(p.Tasks), Needs: aboutNeeds(p.Needs),
	}
	a.Law, _ = p.Definition(name).LawText() // without a law there is none to show
	return a
}

func (s *Scenario) aboutTask(name string) AboutTask {
	t := s.Tasks[name]
	labels := OverLabels(s.Labels, t.Labels)
	a := AboutTask{
		Name: name, Title: t.Title, Description: strings.TrimSpace(t.Description),
		Class: labels.Class, Family: labels.Family, Technique: labels.Technique,
		Hosts: texts(t.Hosts), Scripts: strictyaml.InOrder(t.Scripts), Phases: texts(t.Phases), Expect: aboutTexts(t.Expect),
		Parameters: ParameterOrder(s, t), Failures: s.VariantNames(s.Failures, t)[1:], Caching: s.VariantNames(s.Caching, t)[1:],
		Timeout: t.Timeout.Text, Set: aboutSettings(t.Set),
	}
	_, a.Twin = s.twinOf(t)
	if len(a.Hosts) == 0 {
		a.Hosts = strictyaml.InOrder(s.Hosts)
	}
	if a.Timeout == "" {
		a.Timeout = DefaultTimeout
	}
	a.Implementations = aboutImplementations(t.Implementations)
	for _, p := range strictyaml.InOrder(t.Parameters) {
		a.Own = append(a.Own, aboutParameter(p, t.Parameters[p]))
	}
	return a
}

func (s *Scenario) aboutVariant(name string, v *Variant) AboutVariant {
	a := AboutVariant{
		Name: name, Title: v.Title, Description: strings.TrimSpace(v.Description), Set: aboutSettings(v.Set),
		Without: texts(v.Without), Expect: aboutTexts(v.Expect), Implementations: aboutImplementations(v.Implementations),
	}
	for _, task := range strictyaml.InOrder(s.Tasks) {
		if v.OfferedFor(s, s.Tasks[task]) {
			a.Tasks = append(a.Tasks, task)
		}
	}
	return a
}

func aboutNeeds(needs map[string]*Need) []AboutSetting {
	var out []AboutSetting
	for _, v := range strictyaml.InOrder(needs) {
		out = append(out, AboutSetting{v, needs[v].Because.Text})
	}
	return out
}

func aboutImplementations(offered map[string][]Text) map[string][]string {
	out := map[string][]string{}
	for host, names := range offered {
		out[host] = texts(names)
	}
	return out
}

// AboutTask gives what there is to know of one task: the scenario's page with only that task
// and what belongs to it.
func (s *Scenario) AboutTask(name string) (*About, error) {
	if s.Tasks[name] == nil {
		return nil, fmt.Errorf("no such task: %s", problem.Nearest(name, strictyaml.InOrder(s.Tasks)))
	}
	a := s.About()
	i := slices.IndexFunc(a.Tasks, func(t AboutTask) bool { return t.Name == name })
	task := a.Tasks[i]
	one := *a
	one.Tasks = []AboutTask{task}
	one.Hosts = slices.DeleteFunc(slices.Clone(a.Hosts), func(h AboutHost) bool { return !slices.Contains(task.Hosts, h.Name) })
	own := func(p AboutParameter) bool {
		return slices.ContainsFunc(task.Own, func(o AboutParameter) bool { return o.Name == p.Name })
	}
	one.Parameters = slices.DeleteFunc(slices.Clone(a.Parameters), func(p AboutParameter) bool {
		return !slices.Contains(task.Parameters, p.Name) || own(p)
	})
	one.Failures = slices.DeleteFunc(slices.Clone(a.Failures), func(v AboutVariant) bool { return !slices.Contains(v.Tasks, name) })
	one.Caching = slices.DeleteFunc(slices.Clone(a.Caching), func(v AboutVariant) bool { return !slices.Contains(v.Tasks, name) })
	return &one, nil
}
