package scenario

import (
	"cmp"
	"fmt"
	"maps"
	"strings"

	"detgen/record"
)

// activity makes the activity of the resolved task, without name and start.
func (r *resolver) activity() record.Activity {
	a := record.Activity{
		Scenario: r.scenario.Name, Task: r.taskName, Failure: r.failure, Caching: r.caching,
		Labels: record.Labels(r.labelled()), Expect: map[string]string{},
	}
	field := "tasks." + r.taskName
	scripts, expect, expectField, timeout := maps.Clone(r.task.Scripts), r.task.Expect, field, r.task.Timeout
	phases, phasesField := r.task.Phases, field
	folders := map[string]folder{}
	for host := range scripts {
		folders[host] = r.task.folder
	}
	// A failure's word counts more than caching's, so it is applied last.
	variants := r.variants()
	for i := len(variants) - 1; i >= 0; i-- {
		v := variants[i]
		for host, script := range v.Scripts {
			scripts[host], folders[host] = script, v.folder
		}
		if len(v.Expect) > 0 {
			expect, expectField = v.Expect, r.variantText()
		}
		if len(v.Phases) > 0 {
			phases, phasesField = v.Phases, r.variantText()
		}
		if v.Timeout.set() {
			timeout = v.Timeout
		}
		for _, host := range inOrder(v.Warmup) {
			a.Warmup = append(a.Warmup, r.scripts(host, v.Warmup[host], v.folder, "warmup."+host)...)
		}
	}
	for _, host := range inOrder(scripts) {
		a.Scripts = append(a.Scripts, r.scripts(host, scripts[host], folders[host], field+".scripts."+host)...)
	}
	a.Phases = r.texts(phases, phasesField+".phases")
	for _, key := range inOrder(expect) {
		where := expectField + ".expect." + key
		a.Expect[key] = r.must(expect[key], where)
		if err := checkExpectation(a.Expect[key]); err != nil {
			r.problems.add(expect[key].At, where, a.Expect[key], "%v", err)
		}
	}
	a.Timeout = record.Duration(r.limit(timeout, field+".timeout", defaultTimeout))
	if r.timeout > 0 {
		a.Timeout = record.Duration(r.timeout)
	}
	return a
}

// labelled gives the task's class labels: a failure's own, else the task's, else the scenario's.
func (r *resolver) labelled() Labels {
	l := overLabels(r.scenario.Labels, r.task.Labels)
	for _, v := range r.variants() {
		l = overLabels(l, v.Labels)
	}
	return l
}

// overLabels puts labels over others. Another class keeps no family of the old one.
func overLabels(base, over Labels) Labels {
	if over.Class != "" && over.Class != base.Class {
		base = Labels{}
	}
	return Labels{
		Class:     cmp.Or(over.Class, base.Class),
		Family:    cmp.Or(over.Family, base.Family),
		Technique: cmp.Or(over.Technique, base.Technique),
	}
}

// scripts makes what every part called host does.
func (r *resolver) scripts(host string, s *Script, f folder, field string) []record.Script {
	var out []record.Script
	for _, p := range r.parts {
		if !p.called(host) || p.absent {
			continue
		}
		r.self = p
		data, err := f.readFile(field, s.File)
		r.report(err, s.File, field)
		env := r.scriptEnvironment(p)
		maps.Copy(env, r.environment(s.Environment, field+".environment"))
		script := record.Script{Host: p.Name, Text: string(data), User: r.must(s.User, field+".user"), Environment: env}
		if s.Labels != (Labels{}) {
			labels := record.Labels(overLabels(r.labelled(), s.Labels))
			script.Labels = &labels
		}
		out = append(out, script)
		r.self = nil
	}
	return out
}

// scriptEnvironment is what the scripts of a part find in their environment.
func (r *resolver) scriptEnvironment(p *part) map[string]string {
	env := maps.Clone(p.Environment)
	if env == nil {
		env = map[string]string{}
	}
	env["SCENARIO"], env["TASK"] = r.scenario.Name, r.taskName
	env["FAILURE"], env["CACHING"] = orNone(r.failure), orNone(r.caching)
	env["HOST"], env["IMPLEMENTATION"], env["INDEX"] = p.part, p.programs, fmt.Sprint(p.index)
	counts := map[string]int{}
	for _, other := range r.parts {
		prefix := variableName(other.part)
		env[prefix+"_NAME"] = other.Name
		env[prefix+"_ADDRESS"] = other.Interfaces[0].Address.Addr().String()
		env[prefix+"_IMPLEMENTATION"] = other.programs
		if len(other.Interfaces) > 1 {
			for i, network := range r.networksOf(other.declared) {
				if i < len(other.Interfaces) {
					env[prefix+"_"+variableName(network)+"_ADDRESS"] = other.Interfaces[i].Address.Addr().String()
				}
			}
		}
		if other.index > 0 {
			counts[variableName(other.group)+"_COUNT"]++
		}
	}
	for name, n := range counts {
		env[name] = fmt.Sprint(n)
	}
	for _, name := range r.order {
		env[variableName(name)] = fmt.Sprint(r.params[name])
	}
	return env
}

// variableName is a name in capitals, as environment variables have them.
func variableName(name string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
}
