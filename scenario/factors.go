package scenario

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"detgen/record"
	"detgen/seed"
)

// The layers of settings; a later one overrides an earlier one.
const (
	scenarioLayer = iota
	taskLayer
	userLayer
	variantLayer
)

// layered is a setting with its key understood.
type layered struct {
	key
	value string
	at    Position
	layer int
	field string
}

// origin is how a value that was written, not drawn, came to be.
func (l layered) origin() record.Origin {
	if l.layer == userLayer {
		return record.Given
	}
	return record.Default
}

// layer collects the settings of all layers and, with them, decides implementations (later),
// failure and caching, because these two bring settings of their own.
func (r *resolver) layer(user Settings) {
	r.add(r.scenario.Set, scenarioLayer, "set")
	r.add(r.task.Set, taskLayer, "tasks."+r.taskName+".set")
	r.add(user, userLayer, "")
	if r.failed() {
		return
	}
	r.failure = r.pickVariant(failureKey, "failure", r.scenario.Failures)
	r.caching = r.pickVariant(cachingKey, "caching", r.scenario.Caching)
	for _, v := range r.variants() {
		r.add(v.Set, variantLayer, "set")
	}
	for _, fixed := range r.settings {
		if fixed.layer != variantLayer {
			continue
		}
		for _, given := range r.settings {
			if given.layer == userLayer && given.text == fixed.text {
				r.problems.add(given.at, given.text, given.value, "is set by %s: leave out one of them", r.variantText())
			}
		}
	}
}

func (r *resolver) variantText() string {
	var parts []string
	if r.failure != "" {
		parts = append(parts, "failure="+r.failure)
	}
	if r.caching != "" {
		parts = append(parts, "caching="+r.caching)
	}
	return strings.Join(parts, " and ")
}

// add understands the settings of a layer.
func (r *resolver) add(settings Settings, layer int, field string) {
	for _, s := range settings {
		k, err := r.scenario.parseKey(s.Key, r.task)
		if err != nil {
			if layer == scenarioLayer && strings.HasPrefix(s.Key, "params.") {
				continue // a default for a parameter that this task does not have
			}
			r.problems.add(s.At, join(field, s.Key), s.Value, "%v", err)
			continue
		}
		if (k.kind == failureKey || k.kind == cachingKey) && layer == variantLayer {
			r.problems.add(s.At, join(field, s.Key), s.Value, "cannot be set here")
			continue
		}
		r.settings = append(r.settings, layered{key: k, value: s.Value, at: s.At, layer: layer, field: join(field, s.Key)})
	}
}

// last gives the setting in force for a key of one name.
func (r *resolver) last(kind keyKind, match func(key) bool) (layered, bool) {
	var best layered
	found := false
	for _, s := range r.settings {
		if s.kind != kind || !match(s.key) {
			continue
		}
		if !found || s.layer > best.layer || s.layer == best.layer && s.specificity() >= best.specificity() {
			best, found = s, true
		}
	}
	return best, found
}

// pickVariant decides failure or caching: "" for none.
func (r *resolver) pickVariant(kind keyKind, name string, all map[string]*Variant) string {
	s, ok := r.last(kind, func(key) bool { return true })
	if !ok {
		r.note(record.Value{Name: r.named(name), Value: none, Origin: record.Default})
		return ""
	}
	// What is offered depends on the implementations, too.
	s.values = slices.DeleteFunc(slices.Clone(s.values), func(v string) bool {
		return v != none && !r.offered(all[v])
	})
	v, ok := r.evaluate(s)
	if !ok || v.text == none {
		return ""
	}
	return v.text
}

// offered says whether a variant is offered for the implementations in force.
func (r *resolver) offered(v *Variant) bool {
	for host, names := range v.Implementations {
		in, _ := r.implementation(host, host)
		if !slices.ContainsFunc(names, func(t Text) bool { return t.Text == in }) {
			return false
		}
	}
	return true
}

var drawCall = regexp.MustCompile(`^~\s*[a-z]+\(`)

// evaluate gives the value of a setting, given or drawn, and notes it among the run's values;
// when it is asked for again, it is the same.
func (r *resolver) evaluate(s layered) (Value, bool) {
	id := fmt.Sprint(s.layer, s.text)
	if v, ok := r.evaluated[id]; ok {
		return v, true
	}
	v, ok := r.read(s)
	if ok {
		if r.evaluated == nil {
			r.evaluated = map[string]Value{}
		}
		r.evaluated[id] = v
	}
	return v, ok
}

// read reads or draws the value of a setting.
func (r *resolver) read(s layered) (Value, bool) {
	text := s.value
	if isTemplate(text) && s.layer != userLayer {
		rendered, err := r.text(Text{Text: text, At: s.at}, s.field)
		if err != nil {
			r.problems.wrap(s.at, s.field, text, err)
			return Value{}, false
		}
		text = rendered
	}
	field := s.field
	if field == "" {
		field = s.text
	}
	if file, ok := strings.CutPrefix(text, "@"); ok && s.typ == TextType && s.layer == userLayer {
		content, err := readUserFile(s.at, file)
		if err != nil {
			r.problems.add(s.at, field, text, "%v", err)
			return Value{}, false
		}
		text = content
	}
	isText := s.typ == String || s.typ == TextType
	if text == "~" || drawCall.MatchString(text) || !isText && strings.HasPrefix(text, "~") {
		return r.draw(s.definition, s.text, strings.TrimSpace(text[1:]), s.at, field)
	}
	if need := s.needs[text]; need != nil && !slices.Contains(s.values, text) {
		r.problems.add(s.at, field, text, "is not possible here: %s", need.Because.Text)
		s.values = append(s.values, text) // for what refers to it, which is not at fault
	}
	v, err := s.parse(text)
	if err != nil {
		r.problems.add(s.at, field, text, "%v", err)
		return v, false
	}
	r.note(record.Value{Name: r.named(s.text), Value: v.String(), Origin: s.origin()})
	return v, true
}

// maxUserFile bounds what "@FILE" reads, because the run keeps it.
const maxUserFile = 10 << 20

// readUserFile reads the file that a user named: from the spec's folder, or, from the command
// line, the current one.
func readUserFile(at Position, name string) (string, error) {
	if at.Line > 0 && !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(at.File), name)
	}
	info, err := os.Stat(name)
	if err == nil && info.Size() > maxUserFile {
		err = fmt.Errorf("%s has %d bytes: at most %d", name, info.Size(), maxUserFile)
	}
	if err != nil {
		return "", err
	}
	content, err := os.ReadFile(name)
	return string(content), err
}

// draw takes a value from a law ("": the definition's own) in the stream called name.
func (r *resolver) draw(d definition, name, lawText string, at Position, field string) (Value, bool) {
	if d.typ == Choice && len(d.values) == 0 {
		for _, value := range sortedKeys(d.needs) {
			r.problems.add(at, field, "~", "is not possible here: %s", d.needs[value].Because.Text)
			return Value{}, false
		}
	}
	var err error
	if lawText == "" {
		if lawText, err = d.lawText(); err != nil {
			r.problems.add(at, field, "~", "%v", err)
			return Value{}, false
		}
	}
	law, err := ParseLaw(d.typ, lawText)
	if err != nil {
		r.problems.add(at, field, "~"+lawText, "%v", err)
		return Value{}, false
	}
	lo, hi := d.bounds()
	v, err := law.Draw(seed.Stream(r.seed, r.named(name)), lo, hi)
	if err == nil {
		err = d.allow(v)
	}
	if err != nil {
		r.problems.add(at, field, "~"+lawText, "%v", err)
		return Value{}, false
	}
	if d.typ == Time { // to the nanosecond, as it is written down
		v.number = v.Duration().Seconds()
	}
	r.note(record.Value{Name: r.named(name), Value: v.String(), Origin: record.Drawn, Law: lawText})
	return v, true
}

// resolveParameters gives every parameter of the task its value, in the order of the file.
func (r *resolver) resolveParameters() {
	r.params, r.written, r.typed = map[string]any{}, map[string]string{}, map[string]Value{}
	own := r.scenario.parameters(r.task)
	for _, name := range parameterOrder(r.scenario, r.task) {
		p := own[name]
		d := p.definition(name)
		s, given := r.last(paramKey, func(k key) bool { return k.name == name })
		if !given && p.Default.set() {
			s, given = layered{key: key{text: "params." + name, definition: d}, value: p.Default.Text, at: p.Default.At, layer: scenarioLayer, field: "parameters." + name + ".default"}, true
		}
		d.values, d.needs = r.possible(p, name), p.Needs
		s.values, s.needs = d.values, d.needs
		var v Value
		var ok bool
		if mains, inherited := r.inherited(name, p, s, given); inherited {
			v, ok = mains, true
		} else if given {
			v, ok = r.evaluate(s)
		} else {
			if _, err := d.lawText(); err != nil {
				r.problems.add(Position{}, "params."+name, "", "has no default: give it, with -s params.%s=VALUE (%s)", name, d.typ.how())
				continue
			}
			v, ok = r.draw(d, "params."+name, "", p.At, "parameters."+name+".law")
		}
		if !ok {
			continue
		}
		r.params[name], r.written[name], r.typed[name] = v.forTemplate(), v.String(), v
		r.order = append(r.order, name)
	}
}

// inherited gives the main activity's value of a parameter that a background activity with the
// same hosts has, too, and does not set itself: what is on the hosts depends on it. A value that
// the main activity's failure or caching fixed is its own affair.
func (r *resolver) inherited(name string, p *Parameter, s layered, given bool) (Value, bool) {
	if !r.related() || given && s.layer > scenarioLayer {
		return Value{}, false
	}
	v, ok := r.main.typed[name]
	if !ok || v.Type != p.Type {
		return Value{}, false
	}
	if in, set := r.main.last(paramKey, func(k key) bool { return k.name == name }); set && in.layer == variantLayer {
		return Value{}, false
	}
	for _, known := range r.values {
		if known.Name == "params."+name {
			known.Name = r.named(known.Name)
			r.note(known)
			break
		}
	}
	return v, true
}

// possible gives the values of a choice that have what they need.
func (r *resolver) possible(p *Parameter, name string) []string {
	var values []string
	for _, v := range p.Values {
		if need := p.Needs[v.Text]; need == nil || r.holds(need.When, "parameters."+name+".needs."+v.Text) {
			values = append(values, v.Text)
		}
	}
	return values
}

// parameterOrder gives the names of a task's parameters: the scenario's as written, then its own.
func parameterOrder(s *Scenario, task *Task) []string {
	own := s.parameters(task)
	names := slices.DeleteFunc(inOrder(s.Parameters), func(name string) bool { _, ok := own[name]; return !ok })
	for _, name := range inOrder(task.Parameters) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// resolveRunKeys decides the keys that concern the run as a whole.
func (r *resolver) resolveRunKeys() {
	for _, d := range runKeys {
		s, ok := r.last(runKey, func(k key) bool { return k.name == d.name })
		var v Value
		if ok {
			if v, ok = r.evaluate(s); !ok {
				continue
			}
		}
		switch d.name {
		case "addresses":
			if !ok {
				r.note(record.Value{Name: d.name, Value: "drawn", Origin: record.Default})
			}
			r.addresses.fixed = v.text == "fixed"
		case "epoch":
			if r.epoch = drawEpoch(r.seed); ok {
				r.epoch, _ = parseEpoch(v.text) // checked by evaluate
			} else {
				r.note(record.Value{Name: d.name, Value: r.epoch.Format(time.RFC3339), Origin: record.Drawn})
			}
		case "timeout":
			if ok {
				r.timeout = v.Duration()
			}
		}
	}
}

// implementation decides which programs play the part of a machine: "" for a host without a
// choice.
func (r *resolver) implementation(name, group string) (string, layered) {
	h := r.scenario.Hosts[group]
	choices := r.scenario.implementations(group, r.task)
	if len(choices) == 0 {
		return "", layered{}
	}
	s, ok := r.last(implementationKey, func(k key) bool { return k.host == name || k.host == group })
	if ok && s.value != "~" && !strings.HasPrefix(s.value, "~") {
		return s.value, s
	}
	if ok {
		v, _ := r.evaluate(s)
		return v.text, s
	}
	if slices.Contains(choices, h.Default.Text) {
		return h.Default.Text, layered{}
	}
	return choices[0], layered{}
}

// factorsOf gives the settings of a kind that are in force, the least specific first, so that
// applying them in turn leaves the right ones. Each is evaluated once.
func (r *resolver) factorsOf(kind keyKind) []layered {
	var in []layered
	for _, s := range r.settings {
		if s.kind == kind {
			in = append(in, s)
		}
	}
	slices.SortStableFunc(in, func(a, b layered) int {
		if last := a.name == lastLinkKey; last != (b.name == lastLinkKey) {
			return map[bool]int{true: 1, false: -1}[last]
		}
		if a.layer != b.layer {
			return a.layer - b.layer
		}
		return a.specificity() - b.specificity()
	})
	// A later layer's setting of the same key replaces the earlier one altogether.
	return slices.DeleteFunc(in, func(s layered) bool {
		return slices.ContainsFunc(in, func(o layered) bool { return o.text == s.text && o.layer > s.layer })
	})
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
