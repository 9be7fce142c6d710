package resolve

import (
	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/scenario/format"
	"detgen/scenario/spec"
	"detgen/scenario/value"
)

// parameters are the values of a task's parameters.
type parameters struct {
	values map[string]value.Value
	order  []string // their names
}

// setParameters gives every parameter of the task its value, in the order of the file. Each sees
// those before it.
func setParameters(sc *scope) parameters {
	out := parameters{values: map[string]value.Value{}}
	own := sc.scenario.TaskParameters(sc.task)
	for _, name := range format.ParameterOrder(sc.scenario, sc.task) {
		v, ok := sc.parameter(own[name], name)
		if !ok {
			continue
		}
		sc.params[name], sc.written[name], out.values[name] = v.ForTemplate(), v.String(), v
		out.order = append(out.order, name)
	}
	return out
}

// checkLimits reports the limits that the parameters exceed together.
func checkLimits(sc *scope) {
	for _, name := range strictyaml.InOrder(sc.scenario.Limits) {
		l, field := sc.scenario.Limits[name], "limits."+name
		v, err := sc.value(value.Int, l.Of, field+".of", "")
		switch {
		case err != nil:
			sc.report(err, l.Of, field+".of")
		case v.Number() > float64(l.Max):
			sc.problems.Add(l.At, field, v.String(), "is more than %d: %s", l.Max, l.Because.Text)
		}
	}
}

// parameter gives a parameter its value: the main activity's, the one set, the default, or one
// drawn.
func (sc *scope) parameter(p *format.Parameter, name string) (value.Value, bool) {
	s, given := sc.last(spec.ParamKey, func(k spec.Key) bool { return k.Name == name })
	if !given {
		s = setting{Key: spec.Key{Text: "params." + name}, layer: scenarioLayer}
		if p.Default.Set() {
			given = true
			s.value, s.at, s.field = p.Default.Text, p.Default.At, "parameters."+name+".default"
		}
	}
	s.Definition = p.Definition(name)
	s.Values, s.needs = sc.possible(p, name), p.Needs
	if v, ok := sc.inherited(p, s, given); ok {
		return v, true
	}
	if given {
		return sc.evaluate(s)
	}
	if _, err := s.LawText(); err != nil {
		sc.problems.Add(problem.Position{}, s.Text, "", "has no default: give it, with -s %s=VALUE (%s)", s.Text, s.Type.How())
		return value.Value{}, false
	}
	s.at = p.At
	return sc.draw(s, "", "parameters."+name+".law")
}

// inherited gives the main activity's value of a parameter that a background activity with the
// same hosts has, too, and does not set itself: what is on the hosts depends on it. A value that
// the main activity's failure or caching fixed is its own affair.
func (sc *scope) inherited(p *format.Parameter, s setting, given bool) (value.Value, bool) {
	if !sc.related() || given && s.layer > scenarioLayer {
		return value.Value{}, false
	}
	v, ok := sc.main.parameters.values[s.Name]
	if sc.time != nil && !given {
		ok = false // drawn for each time
	}
	if !ok || v.Type != p.Type {
		return value.Value{}, false
	}
	if in, set := sc.main.last(spec.ParamKey, func(k spec.Key) bool { return k.Name == s.Name }); set && in.layer == variantLayer {
		return value.Value{}, false
	}
	for _, known := range sc.values {
		if known.Name == sc.main.named("params."+s.Name) {
			known.Name = sc.named(known.Name)
			sc.note(known)
			break
		}
	}
	return v, true
}

// possible gives the values of a choice that have what they need.
func (sc *scope) possible(p *format.Parameter, name string) []string {
	var values []string
	for _, v := range p.Values {
		if need := p.Needs[v.Text]; need == nil || sc.holds(need.When, "parameters."+name+".needs."+v.Text) {
			values = append(values, v.Text)
		}
	}
	return values
}
