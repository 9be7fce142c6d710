package scenario

import (
	"fmt"

	"detgen/record"
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
	layered
	value Value
}

// shape applies links, transport, load and CPU limits to the machines that this activity
// brought. Those of a background activity first get what the main one sets for all.
func (r *resolver) shape() {
	for _, p := range r.parts {
		if !p.shared {
			p.Transport = defaultTransport()
			p.Forward = p.declared.Forward
		}
	}
	if r.main != nil {
		for _, a := range r.main.general {
			r.apply(a)
		}
	}
	for _, kind := range []keyKind{linkKey, transportKey, loadKey, hostCPUKey} {
		for _, s := range r.factorsOf(kind) {
			v, ok := r.evaluate(s)
			if !ok {
				continue
			}
			a := applied{s, v}
			if s.host == "" && s.network == "" {
				r.general = append(r.general, a)
			}
			if hit := r.apply(a); !hit && s.layer == userLayer {
				r.problems.add(s.at, s.text, s.value, "concerns no interface of task %s/%s: its hosts are %v", r.scenario.Name, r.taskName, r.partNames())
			}
		}
	}
	for _, p := range r.parts {
		for _, card := range p.Interfaces {
			for direction, l := range map[string]record.Link{"up": card.Up, "down": card.Down} {
				if wrong := checkLink(l); wrong != "" && !p.shared {
					r.problems.add(Position{}, fmt.Sprintf("link.%s.%s", p.Name, direction), "", "%s", wrong)
				}
			}
		}
	}
}

// apply applies a setting; false when it concerns no machine.
func (r *resolver) apply(a applied) bool {
	hit := false
	for _, p := range r.parts {
		if a.host != "" && !p.called(a.host) {
			continue
		}
		if p.shared {
			if a.host != "" {
				r.problems.add(a.at, a.text, a.layered.value, "host %q is the main activity's: set this there", p.Name)
			}
			continue
		}
		switch a.kind {
		case transportKey:
			a.carried(&p.Transport, a.value)
		case loadKey:
			a.load(&p.Load, a.value)
		case hostCPUKey:
			p.CPU = a.value.number
		case linkKey:
			if !r.applyLink(p, a) {
				continue
			}
		}
		hit = true
	}
	return hit
}

// applyLink sets a link's setting on a machine's interfaces; false when it has none of them.
func (r *resolver) applyLink(p *part, a applied) bool {
	network := record.Network{}
	if a.network != "" {
		network, _ = r.network(a.network)
	}
	hit := false
	for i := range p.Interfaces {
		card := &p.Interfaces[i]
		if a.network != "" && network.Name != card.Network {
			continue
		}
		hit = true
		if a.direction != "down" {
			a.link(&card.Up, a.value)
		}
		if a.direction != "up" {
			a.link(&card.Down, a.value)
		}
	}
	return hit
}

// checkLink says what combination of settings NetEm does not know.
func checkLink(l record.Link) string {
	switch {
	case l.Loss > 0 && (l.GilbertElliott != nil || l.FourState != nil):
		return "has both loss and loss_model: leave out one"
	case l.Reorder > 0 && l.Delay == 0:
		return "has reorder without a delay: only frames that are not delayed overtake others, so give a delay"
	case l.ReorderGap > 0 && l.Reorder == 0:
		return "has reorder_gap without reorder: give reorder, too"
	}
	return ""
}
