package resolve

import (
	"fmt"
	"slices"

	"detgen/internal/problem"
	"detgen/record"
	"detgen/scenario/spec"
	"detgen/scenario/value"
)

// defaultTransport is how a host's network stack is set up when nothing is said.
func defaultTransport() record.Transport {
	return record.Transport{
		MTU: 1500, SACK: true, Timestamps: true, ECN: 2, WindowScaling: true, NoMetricsSave: true,
		EphemeralPorts: [2]int{32768, 60999},
		ReceiveBuffer:  6 << 20,
	}
}

// shapeNetworks sets up the networks that an activity brought, those of a background activity first by what the main one
// sets for all.
func shapeNetworks(a *activity) {
	first := a.lab.first == a
	if !first {
		for _, s := range a.lab.first.general {
			if s.Kind == spec.NetworkKey {
				a.applyNetwork(s, false)
			}
		}
	}
	for _, s := range a.all(spec.NetworkKey) {
		v, ok := a.evaluate(s)
		if !ok {
			continue
		}
		set := applied{s, v}
		if s.Network == "" {
			a.general = append(a.general, set)
		}
		if hit := a.applyNetwork(set, first); !hit && s.layer == userLayer {
			a.problems.Add(s.at, s.Text, s.value, "concerns no network of task %s/%s", a.scenario.Name, a.taskName)
		}
	}
}

// applyNetwork sets a network's setting; false when it concerns none. The first activity also sets those that no scenario has.
func (sc *scope) applyNetwork(s applied, first bool) bool {
	hit := false
	for _, name := range sc.scenario.NetworkNames() {
		if s.Network != "" && s.Network != name {
			continue
		}
		n, ok := sc.lab.network(sc.choice, name)
		switch {
		case !ok:
			continue
		case n.Name == sc.own(name) || sc.lab.site && first:
			i := slices.IndexFunc(sc.lab.networks, func(o record.Network) bool { return o.Name == n.Name })
			s.Switch(&sc.lab.networks[i], s.value)
		case s.Network != "" && s.layer == userLayer:
			sc.problems.Add(s.at, s.Text, s.setting.value, "network %q is the main activity's: set this there", n.Name)
		}
		hit = true
	}
	for i := range sc.lab.networks {
		if n := &sc.lab.networks[i]; s.Network == "" && first && sc.lab.ofPath(n.Name) {
			s.Switch(n, s.value)
		}
	}
	return hit
}

// checkChanges finds a schedule and a trace for the same link.
func (sc *scope) checkChanges() {
	all := sc.all(spec.LinkKey)
	for _, s := range all {
		for _, t := range all {
			if s.Name == spec.ScheduleKey && t.Name == spec.TraceKey && s.layer == t.layer && s.Host == t.Host && s.Network == t.Network &&
				(s.Direction == t.Direction || s.Direction == "both" || t.Direction == "both") {
				sc.problems.Add(t.at, t.Text, t.value, "the link has %s, too: leave out one of them", s.Text)
			}
		}
	}
}

// trace reads the file of a link's trace, and gives what it does to a link.
func (sc *scope) trace(s setting, file string) (func(*record.Link, value.Value), bool) {
	text, err := readUserFile(s.at, file)
	if err != nil {
		sc.problems.Add(s.at, s.Text, file, "%v", err)
		return nil, false
	}
	t, err := spec.ParseTrace(file, text)
	if err != nil {
		sc.problems.Wrap(s.at, s.Text, file, err)
		return nil, false
	}
	return func(l *record.Link, _ value.Value) { t.Apply(l) }, true
}

// fromEachStart makes a schedule count from each start of the activity: the link is then as it was in the beginning, and
// changes anew.
func (a *activity) fromEachStart(schedule func(*record.Link, value.Value)) func(*record.Link, value.Value) {
	return func(l *record.Link, v value.Value) {
		base := *l
		base.Schedule, base.Period, base.Trace, base.Interventions = nil, 0, nil, nil
		schedule(l, v)
		once := l.Schedule
		l.Schedule = nil
		starts := slices.Sorted(slices.Values(a.starts))
		for i, start := range starts {
			if i > 0 {
				l.Schedule = append(l.Schedule, record.LinkChange{At: start, Link: base})
			}
			for _, c := range once {
				c.At += start
				if i+1 == len(starts) || c.At < starts[i+1] {
					l.Schedule = append(l.Schedule, c)
				}
			}
		}
	}
}

// applied is a setting with its value.
type applied struct {
	setting
	value value.Value
}

// shape applies links, transport, load and CPU limits to the hosts that an activity brought. Those
// of a background activity first get what the main one sets for all.
func shape(a *activity) {
	shapeNetworks(a)
	for _, p := range a.parts {
		if !p.shared {
			p.Transport = defaultTransport()
			p.Transport.IPv6 = a.has(record.IPv6)
			p.Forward = p.declared.Forward
		}
	}
	first := a.lab.first
	if first != a {
		for _, s := range first.general {
			if s.Kind != spec.NetworkKey {
				a.apply(s)
			}
		}
	}
	a.checkChanges()
	for _, kind := range []spec.Kind{spec.LinkKey, spec.TransportKey, spec.LoadKey, spec.HostCPUKey} {
		for _, s := range a.all(kind) {
			v, ok := a.evaluate(s)
			if !ok {
				continue
			}
			set := applied{s, v}
			if s.Name == spec.TraceKey && s.Kind == spec.LinkKey {
				if set.setting.Link, ok = a.trace(s, v.Plain()); !ok {
					continue
				}
			}
			if s.Host == "" && s.Network == "" {
				a.general = append(a.general, set)
			}
			// What is set for a whole site counts from the lab's start.
			if s.Kind == spec.LinkKey && s.Name == spec.ScheduleKey && !(first == a && s.layer == userLayer) {
				set.setting.Link = a.fromEachStart(set.setting.Link)
			}
			if hit := a.apply(set); !hit && s.layer == userLayer {
				a.problems.Add(s.at, s.Text, s.value, "concerns no interface of task %s/%s: its hosts are %v", a.scenario.Name, a.taskName, a.partNames())
			}
		}
	}
	a.checkIPv6()
	for _, p := range a.parts {
		for _, card := range p.Interfaces {
			for direction, l := range map[record.Direction]*record.Link{record.Up: &card.Up, record.Down: &card.Down} {
				if err := l.Check(); err != nil && !p.shared {
					a.problems.Add(problem.Position{}, fmt.Sprintf("link.%s.%s", p.Name, direction), "", "%v", err)
				}
			}
		}
	}
}

// apply applies a setting; false when it concerns no host.
func (sc *scope) apply(s applied) bool {
	hit := false
	for _, p := range sc.parts {
		if s.Host != "" && !p.called(s.Host) {
			continue
		}
		if p.shared {
			if s.Host != "" {
				sc.problems.Add(s.at, s.Text, s.setting.value, "host %q is the main activity's: set this there", p.Name)
			}
			continue
		}
		switch s.Kind {
		case spec.TransportKey:
			s.Transport(&p.Transport, s.value)
		case spec.LoadKey:
			s.Load(&p.Load, s.value)
		case spec.HostCPUKey:
			p.CPU = s.value.Number()
		case spec.LinkKey:
			if !sc.applyLink(p, s) {
				continue
			}
		}
		hit = true
	}
	return hit
}

// applyLink sets a link's setting on a host's interfaces; false when it has none of them.
func (sc *scope) applyLink(p *part, s applied) bool {
	network := record.Network{}
	if s.Network != "" {
		network, _ = sc.lab.network(sc.choice, s.Network)
	}
	hit := false
	for i := range p.Interfaces {
		card := &p.Interfaces[i]
		if s.Network != "" && network.Name != sc.lab.base(card.Network) {
			continue
		}
		hit = true
		if s.Direction != string(record.Down) {
			s.Link(&card.Up, s.value)
		}
		if s.Direction != string(record.Up) {
			s.Link(&card.Down, s.value)
		}
	}
	return hit
}
