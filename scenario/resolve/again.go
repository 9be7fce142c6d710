package resolve

import (
	"maps"
	"slices"
	"strings"

	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/value"
)

// again is one of the times that an activity of the background goes on, the one with number i. The hosts are the same each
// time, and so are the parameters that they depend on; the others are drawn for each time.
func (in *activity) again(i int) *activity {
	if len(in.starts) < 2 {
		return in
	}
	if in.kept == nil {
		in.kept = in.scenario.HostParameters(in.task)
		in.forget()
	}
	c, f, sc, a := *in.choice, *in.factors, *in.scope, *in
	c.time = &occasion{name: in.names[i]}
	f.choice, sc.factors, a.scope = &c, &f, &sc
	sc.params, sc.written = maps.Clone(in.params), maps.Clone(in.written)
	sc.evaluated = maps.Clone(in.evaluated)
	maps.DeleteFunc(sc.evaluated, func(id evaluation, _ value.Value) bool {
		name, ok := strings.CutPrefix(id.key, "params.")
		return ok && !in.kept[name]
	})
	a.parameters.values = maps.Clone(in.parameters.values)
	own := in.scenario.TaskParameters(in.task)
	for _, name := range format.ParameterOrder(in.scenario, in.task) {
		if in.kept[name] {
			continue
		}
		if v, ok := sc.parameter(own[name], name); ok {
			sc.params[name], sc.written[name], a.parameters.values[name] = v.ForTemplate(), v.String(), v
		}
	}
	if !in.failed() {
		checkLimits(&sc)
	}
	return &a
}

// forget takes the values that are drawn for each of the activity's times from the run's list.
func (in *activity) forget() {
	in.draft.values = slices.DeleteFunc(in.draft.values, func(v record.Value) bool {
		name, ok := strings.CutPrefix(v.Name, in.named("params."))
		return ok && !in.kept[name] && !strings.Contains(name, ".")
	})
	in.draft.noted = map[string]int{}
	for i, v := range in.draft.values {
		in.draft.noted[v.Name] = i
	}
}
