package resolve

import (
	"fmt"
	"strconv"
	"strings"

	"detgen/internal/problem"
	"detgen/scenario/format"
	"detgen/scenario/spec"
)

// background prepares the activities that go on with the main one, and plugs their hosts in.
func background(lab *lab, list []*spec.Background, main *activity) []*activity {
	d := main.draft
	var all []*activity
	taken, total := map[string]bool{mainActivity: true}, 0
	for i, b := range list {
		field := fmt.Sprintf("background[%d]", i)
		name := b.Name
		if name == "" {
			name = "background-" + strconv.Itoa(i+1)
		}
		if !format.HostName.MatchString(name) || len(name) > 40 {
			d.problems.Add(b.At, field+".name", name, "must be small letters, digits and single hyphens, at most 40")
			continue
		}
		starts, err := d.starts(b, name, field)
		if err != nil {
			d.problems.Wrap(b.At, field+".schedule", "", err)
			continue
		}
		for _, task := range sortedKeys(starts) {
			own := name
			if len(starts) > 1 {
				own = name + "-" + strings.ReplaceAll(task, "/", "-")
			}
			a, ok := backgroundActivity(lab, b, request{name: own, main: main, task: task, at: b.At, field: field + ".task", set: b.Set}, field)
			if !ok {
				return nil
			}
			a.starts = starts[task]
			if total += len(a.starts); total > maxStarts {
				d.problems.Add(b.At, field, "", "more than %d activities in the background", maxStarts)
				return nil
			}
			for n := range a.starts {
				full := own
				if len(a.starts) > 1 {
					full += "-" + strconv.Itoa(n+1)
				}
				if taken[full] {
					d.problems.Add(b.At, field+".name", full, "another activity has this name")
				}
				taken[full] = true
				a.names = append(a.names, full)
			}
			all = append(all, a)
		}
	}
	return all
}

// backgroundActivity prepares one background task and plugs its hosts in.
func backgroundActivity(lab *lab, b *spec.Background, q request, field string) (*activity, bool) {
	a, ok := decide(q.main.draft, q)
	if !ok {
		return nil, false
	}
	a.ownTime()
	for _, part := range sortedKeys(b.Hosts) {
		if err := a.scenario.KnowHost(part); err != nil {
			a.problems.Add(b.Hosts[part].At, field+".hosts."+part, "", "%v", err)
		}
	}
	a.parts = plug(a.scope, lab, func(p *part) (*host, error) { return a.sharedHost(p, b, field) })
	return a, !a.failed()
}

// ownTime takes the activity's time limit from its settings. Others that concern the run are not its affair.
func (a *activity) ownTime() {
	for _, s := range a.settings {
		switch {
		case s.Kind == spec.RunKey && s.Name != "timeout":
			if s.layer == userLayer {
				a.problems.Add(s.at, s.Text, s.value, "concerns the whole run: set it for the main activity")
			}
		case s.Kind == spec.RunKey:
			if v, ok := a.evaluate(s); ok {
				a.timeout = v.Duration()
			}
		}
	}
}

// sharedHost gives the host of another activity that plays a part, or nil when the part
// gets one of its own: the one that the spec names, else the main activity's host of the same
// declaration.
func (sc *scope) sharedHost(p *part, b *spec.Background, field string) (*host, error) {
	asked, ok := b.Hosts[p.name]
	if !ok {
		asked, ok = b.Hosts[p.group]
	}
	if ok && asked.Text == spec.OwnHost {
		return nil, nil
	}
	if ok {
		var names []string
		for _, h := range sc.lab.hosts {
			if h.Name == asked.Text && !h.absent {
				return h, nil
			}
			names = append(names, h.Name)
		}
		return nil, &problem.Problem{At: asked.At, Field: field + ".hosts." + p.name, Value: asked.Text, Message: "no such host in the lab: " + problem.Nearest(asked.Text, append(names, spec.OwnHost))}
	}
	for _, mains := range sc.main.parts {
		if mains.name == p.name && mains.declared == p.declared && !mains.absent {
			return mains.host, nil
		}
	}
	return nil, nil
}
