package resolve

import (
	"slices"
	"strings"

	"detgen/internal/problem"
	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/spec"
)

// The layers of settings; a later one overrides an earlier one.
const (
	scenarioLayer = iota
	taskLayer
	userLayer
	variantLayer
)

// setting is a setting with its key understood.
type setting struct {
	spec.Key
	value string
	at    problem.Position
	layer int
	field string
	needs map[string]*format.Need // of those values of a choice that are not always possible
}

// origin is how a value that was written, not drawn, came to be.
func (s setting) origin() record.Origin {
	if s.layer == userLayer {
		return record.Given
	}
	return record.Default
}

// factors is a choice with the settings of all layers.
type factors struct {
	*choice
	settings []setting
	failure  string // "" for none
	caching  string
}

// layer collects the settings of all layers and, with them, decides failure and caching, because
// these two bring settings of their own.
func layer(c *choice, user spec.Settings) *scope {
	f := &factors{choice: c}
	sc := newScope(f)
	f.add(c.scenario.Set, scenarioLayer, "set")
	f.add(c.task.Set, taskLayer, "tasks."+c.taskName+".set")
	f.add(user, userLayer, "")
	if c.failed() {
		return sc
	}
	f.failure = sc.pickVariant(spec.FailureKey, "failure", c.scenario.Failures)
	f.caching = sc.pickVariant(spec.CachingKey, "caching", c.scenario.Caching)
	for _, v := range f.variants() {
		f.add(v.Set, variantLayer, "set")
	}
	for _, fixed := range f.settings {
		if fixed.layer != variantLayer {
			continue
		}
		for _, given := range f.settings {
			if given.layer == userLayer && given.Text == fixed.Text {
				c.problems.Add(given.at, given.Text, given.value, "is set by %s: leave out one of them", f.variantText())
			}
		}
	}
	return sc
}

// variants gives the failure or caching options in force, the failure first.
func (f *factors) variants() []*format.Variant {
	var in []*format.Variant
	if f.failure != "" {
		in = append(in, f.scenario.Failures[f.failure])
	}
	if f.caching != "" {
		in = append(in, f.scenario.Caching[f.caching])
	}
	return in
}

func (f *factors) variantText() string {
	var parts []string
	if f.failure != "" {
		parts = append(parts, "failure="+f.failure)
	}
	if f.caching != "" {
		parts = append(parts, "caching="+f.caching)
	}
	return strings.Join(parts, " and ")
}

// add understands the settings of a layer.
func (f *factors) add(settings spec.Settings, layer int, field string) {
	for _, s := range settings {
		k, err := f.scenario.ParseKey(s.Key, f.task)
		if err != nil {
			if layer == scenarioLayer && strings.HasPrefix(s.Key, "params.") {
				continue // a default for a parameter that this task does not have
			}
			f.problems.Add(s.At, problem.Join(field, s.Key), s.Value, "%v", err)
			continue
		}
		if (k.Kind == spec.FailureKey || k.Kind == spec.CachingKey) && layer == variantLayer {
			f.problems.Add(s.At, problem.Join(field, s.Key), s.Value, "cannot be set here")
			continue
		}
		f.settings = append(f.settings, setting{Key: k, value: s.Value, at: s.At, layer: layer, field: problem.Join(field, s.Key)})
	}
}

// last gives the setting in force among those of a kind whose key matches.
func (f *factors) last(kind spec.Kind, match func(spec.Key) bool) (setting, bool) {
	var best setting
	found := false
	for _, s := range f.settings {
		if s.Kind != kind || !match(s.Key) {
			continue
		}
		if !found || s.layer > best.layer || s.layer == best.layer && s.Specificity() >= best.Specificity() {
			best, found = s, true
		}
	}
	return best, found
}

// all gives the settings of a kind that are in force, the least specific first, so that applying
// them in turn leaves the right ones.
func (f *factors) all(kind spec.Kind) []setting {
	var in []setting
	for _, s := range f.settings {
		if s.Kind == kind {
			in = append(in, s)
		}
	}
	slices.SortStableFunc(in, func(a, b setting) int {
		if last := slices.Contains(spec.LastLinkKeys, a.Name); last != slices.Contains(spec.LastLinkKeys, b.Name) {
			return map[bool]int{true: 1, false: -1}[last]
		}
		if a.layer != b.layer {
			return a.layer - b.layer
		}
		return a.Specificity() - b.Specificity()
	})
	// A later layer's setting of the same key replaces the earlier one altogether.
	return slices.DeleteFunc(in, func(s setting) bool {
		return slices.ContainsFunc(in, func(o setting) bool { return o.Text == s.Text && o.layer > s.layer })
	})
}

// pickVariant decides failure or caching: "" for none.
func (sc *scope) pickVariant(kind spec.Kind, name string, all map[string]*format.Variant) string {
	s, ok := sc.last(kind, func(spec.Key) bool { return true })
	if !ok {
		sc.note(record.Value{Name: sc.named(name), Value: spec.None, Origin: record.Default})
		return ""
	}
	// What is offered depends on the implementations, too.
	s.Values = slices.DeleteFunc(slices.Clone(s.Values), func(v string) bool {
		return v != spec.None && !sc.offered(all[v])
	})
	v, ok := sc.evaluate(s)
	if !ok || v.Plain() == spec.None {
		return ""
	}
	return v.Plain()
}

// offered is true when a variant is offered for the implementations in force.
func (sc *scope) offered(v *format.Variant) bool {
	for host, names := range v.Implementations {
		in, _ := sc.implementation(host, host)
		if !slices.ContainsFunc(names, func(t format.Text) bool { return t.Text == in }) {
			return false
		}
	}
	return true
}

// implementation decides which programs play the part of a host: "" for a host without a choice.
func (sc *scope) implementation(name, group string) (string, setting) {
	h := sc.scenario.Hosts[group]
	choices := sc.scenario.ImplementationNames(group, sc.task)
	if len(choices) == 0 {
		return "", setting{}
	}
	s, ok := sc.last(spec.ImplementationKey, func(k spec.Key) bool { return k.Host == name || k.Host == group })
	if ok && !strings.HasPrefix(s.value, "~") {
		return s.value, s
	}
	if ok {
		v, _ := sc.evaluate(s)
		return v.Plain(), s
	}
	if slices.Contains(choices, h.Default.Text) {
		return h.Default.Text, setting{}
	}
	return choices[0], setting{}
}
