package resolve

import (
	"fmt"
	"strconv"
	"strings"

	"detgen/internal/problem"
	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/spec"
)

// decideFamily decides the family of addresses of the run, if the activity is the main one, and whether the task can be
// done in it.
func decideFamily(sc *scope) {
	if sc.main == nil {
		if s, ok := sc.last(spec.RunKey, func(k spec.Key) bool { return k.Name == spec.FamilyKey }); ok {
			v, ok := sc.evaluate(s)
			if !ok {
				return
			}
			sc.family = v.Plain()
		}
	}
	sc.refuse(sc.scenario.NoFamily, fmt.Sprintf("scenario %q", sc.scenario.Name), "no_family", nil)
	sc.refuse(sc.task.NoFamily, fmt.Sprintf("task %s/%s", sc.scenario.Name, sc.taskName), "tasks."+sc.taskName+".no_family", nil)
	for _, v := range sc.variants() {
		sc.refuse(v.NoFamily, sc.variantText(), "no_family", nil)
	}
}

// refuseFamily reports that the programs that play a part cannot have the run's family of addresses.
func (sc *scope) refuseFamily(p *part) {
	field := "hosts." + p.group
	sc.refuse(p.declared.NoFamily, fmt.Sprintf("host %q", p.name), field+".no_family", nil)
	if p.implementation == nil {
		return
	}
	var others []string
	for _, name := range sc.scenario.ImplementationNames(p.group, sc.task) {
		if _, cannot := p.declared.Implementations[name].NoFamily[sc.family]; !cannot {
			others = append(others, p.group+".implementation="+name)
		}
	}
	title := p.implementation.Title
	if title == "" {
		title = p.programs
	}
	sc.refuse(p.implementation.NoFamily, fmt.Sprintf("%s (%s.implementation=%s)", title, p.group, p.programs),
		field+".implementations."+p.programs+".no_family", others)
}

// refuse reports that something cannot have the run's family of addresses; instead is what can.
func (sc *scope) refuse(cannot map[string]format.Text, what, field string, instead []string) {
	why, ok := cannot[sc.family]
	if !ok {
		return
	}
	at, key := why.At, field
	if s, ok := sc.familySetting(); ok {
		at, key = s.at, s.Text
	}
	message := fmt.Sprintf("is not possible here: %s: %s", what, why.Text)
	var families []string
	for _, f := range spec.Families {
		if _, ok := cannot[f]; !ok {
			families = append(families, f)
		}
	}
	if message += "; it works with " + spec.FamilyKey + "=" + strings.Join(families, " or "); len(instead) > 0 {
		message += ", and " + sc.family + " with " + strings.Join(instead, ", ")
	}
	sc.problems.Add(at, key, sc.family, "%s", message)
}

// familySetting is the setting of the family in force, of the main activity.
func (sc *scope) familySetting() (setting, bool) {
	of := sc
	if sc.main != nil {
		of = sc.main.scope
	}
	return of.last(spec.RunKey, func(k spec.Key) bool { return k.Name == spec.FamilyKey })
}

// leastMTU is the least that IPv6 takes (RFC 8200, section 5); the kernel turns it off below.
const leastMTU = 1280

// checkIPv6 makes sure that the hosts of an activity can have their IPv6 addresses.
func (a *activity) checkIPv6() {
	if a.family == record.IPv4 {
		return
	}
	for _, p := range a.parts {
		switch {
		case p.shared:
		case !p.Transport.IPv6:
			a.problems.Add(problem.Position{}, spec.FamilyKey, a.family, "host %q has transport.ipv6=false: leave that out", p.Name)
			return
		case p.Transport.MTU < leastMTU:
			a.problems.Add(problem.Position{}, "transport.mtu", strconv.Itoa(p.Transport.MTU), "is not possible with %s=%s: IPv6 needs %d bytes or more (RFC 8200)", spec.FamilyKey, a.family, leastMTU)
			return
		}
	}
}

// familyView is the family as templates see it.
func (d *draft) familyView() map[string]any {
	view := map[string]any{
		"family": d.family, "ipv4": d.has(record.IPv4), "ipv6": d.has(record.IPv6), "dual": d.family == record.Dual,
		"any": "0.0.0.0",
	}
	if d.has(record.IPv6) {
		view["any"] = "::"
	}
	return view
}

// has is true when the run's hosts have addresses of a family, record.IPv4 or record.IPv6.
func (d *draft) has(family string) bool { return d.family == family || d.family == record.Dual }

// inURL is an address as URLs have it: an IPv6 one in brackets (RFC 3986, section 3.2.2).
func inURL(card *record.Interface) string {
	if a := card.Address.Addr(); a.Is6() {
		return "[" + a.String() + "]"
	}
	return card.Address.Addr().String()
}

// address6 is the IPv6 address of an interface, "" when it has none.
func address6(card *record.Interface) string {
	for _, a := range card.Addresses() {
		if a.Addr().Is6() {
			return a.Addr().String()
		}
	}
	return ""
}

// familyEnvironment is what scripts find in their environment where the run has IPv6.
func (in *activity) familyEnvironment(env map[string]string) {
	if in.family == record.IPv4 {
		return
	}
	env["NETWORK_FAMILY"] = in.family
	for _, other := range in.parts {
		prefix := format.VariableName(other.name)
		env[prefix+"_URLHOST"] = inURL(&other.Interfaces[0])
		env[prefix+"_ADDRESS6"] = address6(&other.Interfaces[0])
		for i, network := range networksOf(in.scenario, other.declared) {
			if len(other.Interfaces) > 1 && i < len(other.Interfaces) {
				env[prefix+"_"+format.VariableName(network)+"_ADDRESS6"] = address6(&other.Interfaces[i])
			}
		}
	}
}
