package resolve

import (
	"fmt"
	"maps"
	"time"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/value"
)

// perform makes what an activity does, without its name and start.
func perform(in *activity) record.Activity {
	a := record.Activity{
		Scenario: in.scenario.Name, Task: in.taskName, Failure: in.failure, Caching: in.caching,
		Labels: record.Labels(in.labelled()), Expect: map[string]string{},
	}
	field := "tasks." + in.taskName
	scripts, expect, expectField, timeout := maps.Clone(in.task.Scripts), in.task.Expect, field, in.task.Timeout
	phases, phasesField := in.task.Phases, field
	folders := map[string]format.Folder{}
	for host := range scripts {
		folders[host] = in.task.Folder
	}
	// A failure's word counts more than caching's, so it is applied last.
	variants := in.variants()
	for i := len(variants) - 1; i >= 0; i-- {
		v := variants[i]
		for host, script := range v.Scripts {
			scripts[host], folders[host] = script, v.Folder
		}
		if len(v.Expect) > 0 {
			expect, expectField = v.Expect, in.variantText()
		}
		if len(v.Phases) > 0 {
			phases, phasesField = v.Phases, in.variantText()
		}
		if v.Timeout.Set() {
			timeout = v.Timeout
		}
		for _, host := range strictyaml.InOrder(v.Warmup) {
			a.Warmup = append(a.Warmup, in.scripts(host, v.Warmup[host], v.Folder, "warmup."+host)...)
		}
	}
	for _, host := range strictyaml.InOrder(scripts) {
		a.Scripts = append(a.Scripts, in.scripts(host, scripts[host], folders[host], field+".scripts."+host)...)
	}
	a.Phases = in.texts(phases, phasesField+".phases")
	for _, key := range strictyaml.InOrder(expect) {
		where := expectField + ".expect." + key
		a.Expect[key] = in.must(expect[key], where)
		if err := format.CheckExpectation(a.Expect[key]); err != nil {
			in.problems.Add(expect[key].At, where, a.Expect[key], "%v", err)
		}
	}
	if in.task.Chain != nil {
		a.Chain = in.chain(in.task.Chain)
	}
	a.Timeout = record.Duration(in.limit(timeout, field+".timeout", format.DefaultTimeout))
	if in.timeout > 0 {
		a.Timeout = record.Duration(in.timeout)
	}
	return a
}

// chain makes a way over hosts: those of a failure that leaves some out are not on it.
func (in *activity) chain(c *format.Chain) *record.Chain {
	out := &record.Chain{Relayed: c.Relayed}
	for _, host := range c.Way {
		for _, p := range in.parts {
			if p.called(host.Text) {
				out.Way = append(out.Way, p.Name)
			}
		}
	}
	return out
}

// labelled gives the task's class labels: a failure's own, else the task's, else the scenario's.
func (sc *scope) labelled() format.Labels {
	l := format.OverLabels(sc.scenario.Labels, sc.task.Labels)
	for _, v := range sc.variants() {
		l = format.OverLabels(l, v.Labels)
	}
	return l
}

// scripts makes what every part called host does.
func (in *activity) scripts(host string, s *format.Script, f format.Folder, field string) []record.Script {
	var out []record.Script
	for _, p := range in.parts {
		if !p.called(host) || p.absent {
			continue
		}
		sc := in.of(p)
		data, err := f.ReadFile(field, s.File)
		sc.report(err, s.File, field)
		text := string(data)
		if s.Template {
			text = sc.must(format.Text{Text: text, At: problem.Position{File: f.Path(s.File.Text), Line: 1}}, "")
		}
		sc.report(in.budget.spendText(len(text)), s.File, field)
		env := in.scriptEnvironment(p)
		maps.Copy(env, sc.environment(s.Environment, field+".environment"))
		script := record.Script{Host: p.Name, Text: text, User: sc.must(s.User, field+".user"), Environment: env}
		if s.Labels != (format.Labels{}) {
			labels := record.Labels(format.OverLabels(in.labelled(), s.Labels))
			script.Labels = &labels
		}
		out = append(out, script)
	}
	return out
}

// scriptEnvironment is what the scripts of a part find in their environment.
func (in *activity) scriptEnvironment(p *part) map[string]string {
	env := maps.Clone(p.Environment)
	if env == nil {
		env = map[string]string{}
	}
	env["SCENARIO"], env["TASK"] = in.scenario.Name, in.taskName
	env["FAILURE"], env["CACHING"] = orNone(in.failure), orNone(in.caching)
	env["HOST"], env["IMPLEMENTATION"], env["INDEX"] = p.name, p.programs, fmt.Sprint(p.index)
	counts := map[string]int{}
	for _, other := range in.parts {
		prefix := format.VariableName(other.name)
		env[prefix+"_NAME"] = other.Name
		env[prefix+"_ADDRESS"] = other.Interfaces[0].Address.Addr().String()
		env[prefix+"_IMPLEMENTATION"] = other.programs
		if len(other.Interfaces) > 1 {
			for i, network := range networksOf(in.scenario, other.declared) {
				if i < len(other.Interfaces) {
					env[prefix+"_"+format.VariableName(network)+"_ADDRESS"] = other.Interfaces[i].Address.Addr().String()
				}
			}
		}
		if other.index > 0 {
			counts[format.VariableName(other.group)+"_COUNT"]++
		}
	}
	in.familyEnvironment(env)
	for name, n := range counts {
		env[name] = fmt.Sprint(n)
	}
	for _, name := range in.parameters.order {
		env[format.VariableName(name)] = fmt.Sprint(in.params[name])
	}
	return env
}

// timeLimit bounds time limits of services and tasks.
var timeLimit = value.Definition{Type: value.Time, Min: "1ms", Max: "24h"}

// limit reads a time limit.
func (sc *scope) limit(t format.Text, field, fallback string) time.Duration {
	v, err := sc.bounded(timeLimit, t, field, fallback)
	sc.report(err, t, field)
	return v.Duration()
}
