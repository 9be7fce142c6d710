package resolve

import (
	"strconv"
	"strings"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/spec"
	"detgen/seed"
)

// request is what is asked of one activity.
type request struct {
	name  string                     // of a background activity; "" for the main one
	main  *activity                  // nil for the main one
	hosts map[string]strictyaml.Text // of a time line: PART: HOST
	task  string                     // SCENARIO/TASK
	at    problem.Position
	field string
	set   spec.Settings
}

// occasion is one of the times that an activity of the background goes on.
type occasion struct {
	name   string
	values []record.Value // drawn for it
}

// choice is whose task an activity performs.
type choice struct {
	*draft
	name     string                     // of a background activity; "" for the main one
	main     *activity                  // nil for the main one
	hosts    map[string]strictyaml.Text // of a time line: which host of the lab plays which part
	time     *occasion                  // one of its times, where it has several
	scenario *format.Scenario
	taskName string
	task     *format.Task
}

// choose finds the scenario and the task that "SCENARIO/TASK" names.
func choose(d *draft, q request) (*choice, bool) {
	c := &choice{draft: d, name: q.name, main: q.main, hosts: q.hosts}
	wrong := func(form string, args ...any) (*choice, bool) {
		d.problems.Add(q.at, q.field, q.task, form, args...)
		return nil, false
	}
	scenarioName, taskName, ok := strings.Cut(q.task, "/")
	if !ok || scenarioName == "" || taskName == "" {
		s, err := d.catalogue.Scenario(scenarioName)
		switch {
		case err == nil:
			return wrong("names no task: %s has %s", scenarioName, strings.Join(strictyaml.InOrder(s.Tasks), ", "))
		case scenarioName != "":
			d.problems.Wrap(q.at, q.field, q.task, err)
			return nil, false
		}
		return wrong("must be SCENARIO/TASK")
	}
	s, err := d.catalogue.Scenario(scenarioName)
	if err != nil {
		if d.catalogue.Has(scenarioName) {
			space := " "
			if strings.Contains(err.Error(), "\n") { // a problem a line
				space = "\n"
			}
			return wrong("the scenario's own file is wrong:%s%v", space, err)
		}
		return wrong("no such scenario: %s", problem.Nearest(scenarioName, d.catalogue.Names()))
	}
	if taskName == "~" {
		names := strictyaml.InOrder(s.Tasks)
		taskName = names[seed.Stream(d.seed, c.named("task")).IntN(len(names))]
		d.note(record.Value{Name: c.named("task"), Value: scenarioName + "/" + taskName, Origin: record.Drawn, Law: "choice(" + strings.Join(names, ", ") + ")"})
	}
	task, ok := s.Tasks[taskName]
	if !ok {
		return wrong("scenario %q has no task %q: %s", scenarioName, taskName, problem.Nearest(taskName, strictyaml.InOrder(s.Tasks)))
	}
	c.scenario, c.task, c.taskName = s, task, taskName
	return c, true
}

// named is a name of a value or a stream: those of background activities stand apart, and so does what each of their times
// has of its own.
func (c *choice) named(name string) string {
	if c.time != nil {
		return problem.Join(c.time.name, name)
	}
	return problem.Join(c.name, name)
}

// stream is the name of a stream of what is made for hosts. Background activities that can share
// the main one's hosts must make the same.
func (c *choice) stream(name string) string {
	if c.main != nil && c.related() {
		return c.main.stream(name)
	}
	return c.named(name)
}

// related is true when the scenario of a background activity has hosts in common with the main
// one's, because it is the same or one extends the other. They share parameters then, too.
func (c *choice) related() bool {
	if c.main == nil {
		return false
	}
	for name, h := range c.scenario.Hosts {
		if c.main.scenario.Hosts[name] == h {
			return true
		}
	}
	return false
}

// hostName is the name in the lab of a host that the activity brings: the one asked for in a time line, else its own.
func (c *choice) hostName(p *part) string {
	if h, ok := c.hosts[p.name]; ok {
		return h.Text
	}
	if h, ok := c.hosts[p.group]; ok {
		return h.Text + "-" + strconv.Itoa(p.index)
	}
	return c.own(p.name)
}

// own is the name in the lab of a host, or a network, that the activity brings.
func (c *choice) own(name string) string {
	if c.name == "" {
		return name
	}
	return c.name + "-" + name
}
