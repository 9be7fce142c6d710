package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"detgen/record"
	"detgen/seed"
)

// resolver resolves one activity: the main one, or one of the background.
type resolver struct {
	*stage
	name string    // of a background activity; "" for the main one
	main *resolver // nil for the main one

	scenario *Scenario
	taskName string
	task     *Task
	failure  string // "" for none
	caching  string

	settings  []layered
	evaluated map[string]Value  // by the key of a setting
	typed     map[string]Value  // of the parameters
	params    map[string]any    // for templates
	written   map[string]string // for templates: with units
	order     []string          // names of the parameters

	functions template.FuncMap // see funcs

	parts   []*part
	made    map[string]map[string]any
	making  []string // things being made, to find circles
	i       int      // number of the repeated thing being rendered; 0: none
	self    *part    // whose files are being rendered
	general []applied
	timeout time.Duration
}

// prepare decides everything that does not need machines.
func (r *resolver) prepare(task string, at Position, field string, set Settings) bool {
	if r.choose(task, at, field) {
		r.layer(set)
	}
	if !r.failed() {
		r.resolveParameters()
	}
	return !r.failed()
}

// named is a name of a value or a stream: those of background activities stand apart.
func (r *resolver) named(name string) string { return join(r.name, name) }

// stream is the name of a stream of what is made for hosts. Background activities that can share
// the main one's hosts must make the same.
func (r *resolver) stream(name string) string {
	if r.main == nil || r.related() {
		return name
	}
	return r.named(name)
}

// related says whether the scenario of a background activity has hosts in common with the main
// one's, because it is the same or one extends the other. They share parameters then, too.
func (r *resolver) related() bool {
	if r.main == nil {
		return false
	}
	for name, h := range r.scenario.Hosts {
		if r.main.scenario.Hosts[name] == h {
			return true
		}
	}
	return false
}

// choose finds the scenario and the task that "SCENARIO/TASK" names.
func (r *resolver) choose(text string, at Position, field string) bool {
	scenarioName, taskName, ok := strings.Cut(text, "/")
	if !ok || scenarioName == "" || taskName == "" {
		message := "must be SCENARIO/TASK"
		if s, err := r.catalogue.Scenario(scenarioName); err == nil {
			message = fmt.Sprintf("names no task: %s has %s", scenarioName, strings.Join(inOrder(s.Tasks), ", "))
		} else if scenarioName != "" {
			r.problems.wrap(at, field, text, err)
			return false
		}
		r.problems.add(at, field, text, "%s", message)
		return false
	}
	s, err := r.catalogue.Scenario(scenarioName)
	if err != nil {
		if _, known := r.catalogue.folders[scenarioName]; known {
			r.problems.add(at, field, text, "the scenario's own file is wrong:\n%v", err)
			return false
		}
		r.problems.add(at, field, text, "no such scenario: %s", nearest(scenarioName, r.catalogue.Names()))
		return false
	}
	if taskName == "~" {
		names := inOrder(s.Tasks)
		taskName = names[seed.Stream(r.seed, r.named("task")).IntN(len(names))]
		r.note(record.Value{Name: r.named("task"), Value: scenarioName + "/" + taskName, Origin: record.Drawn, Law: "choice(" + strings.Join(names, ", ") + ")"})
	}
	task, ok := s.Tasks[taskName]
	if !ok {
		r.problems.add(at, field, text, "scenario %q has no task %q: %s", scenarioName, taskName, nearest(taskName, inOrder(s.Tasks)))
		return false
	}
	r.scenario, r.task, r.taskName = s, task, taskName
	return true
}

// variants gives the failure or caching options in force, the failure first.
func (r *resolver) variants() []*Variant {
	var in []*Variant
	if r.failure != "" {
		in = append(in, r.scenario.Failures[r.failure])
	}
	if r.caching != "" {
		in = append(in, r.scenario.Caching[r.caching])
	}
	return in
}

// orNone is a name, or "none" for "".
func orNone(name string) string {
	if name == "" {
		return none
	}
	return name
}

// data is what templates see.
func (r *resolver) data() map[string]any {
	d := map[string]any{
		"params":   r.params,
		"written":  r.written,
		"scenario": r.scenario.Name,
		"task":     r.taskName,
		"failure":  orNone(r.failure),
		"caching":  orNone(r.caching),
	}
	implementations := map[string]any{}
	for name := range r.scenario.Hosts {
		implementations[name], _ = r.implementation(name, name)
	}
	d["implementations"] = implementations
	if r.parts != nil {
		hosts, groups := map[string]any{}, map[string]any{}
		for _, p := range r.parts {
			view := p.view()
			hosts[p.part] = view
			if p.index > 0 {
				members, _ := groups[p.group].([]map[string]any)
				groups[p.group] = append(members, view)
			}
		}
		networks := map[string]any{}
		for _, name := range r.scenario.networks() {
			if n, ok := r.network(name); ok {
				networks[name] = map[string]any{"prefix": n.Prefix.String(), "netmask": netmask(n.Prefix)}
			}
		}
		d["hosts"], d["groups"], d["networks"] = hosts, groups, networks
	}
	if r.self != nil {
		d["self"] = r.self.view()
	}
	if r.i > 0 {
		d["i"] = r.i
	}
	return d
}

// text fills in a template.
func (r *resolver) text(t Text, field string) (string, error) {
	if !isTemplate(t.Text) {
		return t.Text, nil
	}
	return render(t, field, r.data(), r.funcs())
}

// must fills in a template and reports what is wrong with it.
func (r *resolver) must(t Text, field string) string {
	s, err := r.text(t, field)
	if err != nil {
		r.problems.wrap(t.At, field, t.Text, err)
	}
	return s
}

// texts fills in a list; empty results are left out.
func (r *resolver) texts(list []Text, field string) []string {
	var out []string
	for i, t := range list {
		if s := r.must(t, fmt.Sprintf("%s[%d]", field, i)); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// holds says whether a "when" is true.
func (r *resolver) holds(when Text, field string) bool {
	if !when.set() {
		return true
	}
	return r.must(Text{Text: "{{if " + when.Text + "}}true{{end}}", At: when.At}, field+".when") == "true"
}

// value fills in a template and reads what comes out; fallback when it is not set.
func (r *resolver) value(typ Type, t Text, field, fallback string) (Value, error) {
	if !t.set() {
		return ParseValue(typ, fallback)
	}
	s, err := r.text(t, field)
	if err != nil {
		return Value{}, err
	}
	v, err := ParseValue(typ, s)
	if err != nil && typ == Bytes { // {{.params.size}} gives bytes without a unit
		if plain, plainErr := ParseValue(Int, s); plainErr == nil {
			return Value{Type: typ, number: plain.number}, nil
		}
	}
	if err != nil {
		return v, &Problem{At: t.At, Field: field, Value: s, Message: err.Error()}
	}
	return v, nil
}

const maxCount = 100_000

// count fills in a template and reads a whole number of things from it.
func (r *resolver) count(t Text, field string) (int, error) {
	v, err := r.value(Int, t, field, "1")
	if err == nil && (v.number < 0 || v.number > maxCount) {
		err = &Problem{At: t.At, Field: field, Value: v.String(), Message: fmt.Sprintf("must be from 0 to %d", maxCount)}
	}
	return int(v.number), err
}

// repeated does something once, or as often as repeat says, with the number at hand for templates.
func (r *resolver) repeated(repeat Text, field string, do func()) {
	if !repeat.set() {
		do()
		return
	}
	n, err := r.count(repeat, field+".repeat")
	if err != nil {
		r.problems.wrap(repeat.At, field+".repeat", repeat.Text, err)
		return
	}
	outer := r.i
	for r.i = 1; r.i <= n && !r.failed(); r.i++ {
		do()
	}
	r.i = outer
}

// makeThing makes the thing called name once and gives one of its parts.
func (r *resolver) makeThing(name, part string) (any, error) {
	parts, ok := r.made[name]
	if !ok {
		m, number, err := r.madeCalled(name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(r.making, name) {
			return nil, fmt.Errorf("made: goes round in a circle: %s -> %s", strings.Join(r.making, " -> "), name)
		}
		r.making = append(r.making, name)
		self, i := r.self, r.i
		r.self, r.i = nil, number
		parts, err = m.make(r, name)
		r.self, r.i = self, i
		r.making = r.making[:len(r.making)-1]
		if err != nil {
			return nil, err
		}
		if r.made == nil {
			r.made = map[string]map[string]any{}
		}
		r.made[name] = parts
	}
	v, ok := parts[part]
	if !ok {
		return nil, fmt.Errorf("made: %q has no part %q: %s", name, part, nearest(part, partsOf(parts)))
	}
	return v, nil
}

// partsOf are the parts that templates can name.
func partsOf(parts map[string]any) []string {
	return slices.DeleteFunc(sortedKeys(parts), func(p string) bool { return p == authorityPart })
}

// madeCalled finds the declaration of a thing, and the number of a repeated one (else 0).
func (r *resolver) madeCalled(name string) (*Made, int, error) {
	if m, ok := r.scenario.Make[name]; ok && !m.Repeat.set() {
		return m, 0, nil
	}
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		m := r.scenario.Make[name[:i]]
		number, err := strconv.Atoi(name[i+1:])
		if m != nil && m.Repeat.set() && err == nil {
			n, err := r.count(m.Repeat, "make."+name[:i]+".repeat")
			if err == nil && (number < 1 || number > n) {
				err = fmt.Errorf("made: there are %s-1 to %s-%d, not %s", name[:i], name[:i], n, name)
			}
			return m, number, err
		}
	}
	return nil, 0, fmt.Errorf("made: nothing called %q is made: %s", name, nearest(name, inOrder(r.scenario.Make)))
}
