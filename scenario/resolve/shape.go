package resolve

import (
	"fmt"

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
	for _, p := range a.parts {
		if !p.shared {
			p.Transport = defaultTransport()
			p.Transport.IPv6 = a.has(record.IPv6)
			p.Forward = p.declared.Forward
		}
	}
	if first := a.lab.first; first != a {
		for _, s := range first.general {
			a.apply(s)
		}
	}
	for _, kind := range []spec.Kind{spec.LinkKey, spec.TransportKey, spec.LoadKey, spec.HostCPUKey} {
		for _, s := range a.all(kind) {
			v, ok := a.evaluate(s)
			if !ok {
				continue
			}
			set := applied{s, v}
			if s.Host == "" && s.Network == "" {
				a.general = append(a.general, set)
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
		if s.Network != "" && network.Name != card.Network {
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
