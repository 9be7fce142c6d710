package resolve

import (
	"slices"
	"strconv"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/spec"
)

// host is a host of the run in the making.
type host struct {
	record.Host
	absent  bool            // its address is reserved and nothing is there
	stopped map[string]bool // services that the main activity's failure takes away

	paths     map[string]int // where each file is in Files
	generated int64          // bytes of its generated files

	imageGiven bool // by the user, who answers for what is in it
}

// part is a host of the lab as a host of one scenario: several activities can share a host.
type part struct {
	*host
	name           string // in the scenario: "server", "peer-2"
	group          string // the declared host it comes from: "peer"
	index          int    // 1, 2, ... in a group; 0 alone
	declared       *format.Host
	programs       string // name of the implementation; "" for a host without a choice
	implementation *format.Implementation
	shared         bool // another activity brought the host
}

// called is true when a name of the scenario means this part: its own or its group's.
func (p *part) called(name string) bool { return p.name == name || p.group == name }

// view is the part as templates see it.
func (p *part) view() map[string]any {
	v := map[string]any{
		"name":           p.Name,
		"role":           p.name,
		"index":          p.index,
		"implementation": p.programs,
		"aliases":        p.Aliases,
		"address":        "",
		"mac":            "",
		"prefix":         "",
		"interface":      "",
		"address6":       "",
		"urlhost":        "",
	}
	interfaces := map[string]any{}
	for i := range p.Interfaces {
		card := &p.Interfaces[i]
		about := map[string]any{
			"address": card.Address.Addr().String(), "mac": card.MAC, "prefix": card.Address.Masked().String(), "interface": card.Name,
			"address6": address6(card), "urlhost": inURL(card),
		}
		interfaces[card.Network] = about
		if !p.shared && i < len(p.declared.Networks) {
			interfaces[p.declared.Networks[i].Text] = about // also where a path divides the network
		}
		if i == 0 {
			for k, value := range about {
				v[k] = value
			}
		}
	}
	v["on"] = interfaces
	return v
}

func (sc *scope) partNames() []string {
	var names []string
	for _, p := range sc.parts {
		names = append(names, p.name)
	}
	return names
}

// sharing finds the host of another activity that plays a part; nil when the part gets one of
// its own.
type sharing func(*part) (*host, error)

// plug brings the hosts of the task into the lab, with their images and addresses, or takes those
// that other activities brought (nil for the main activity, which has nobody to share with).
func plug(sc *scope, lab *lab, share sharing) []*part {
	sc.lab = lab
	taking := texts(sc.task.Hosts)
	for _, v := range sc.variants() {
		if len(v.Hosts) > 0 {
			taking = texts(v.Hosts)
			break
		}
	}
	for _, name := range strictyaml.InOrder(sc.scenario.Hosts) {
		if len(taking) > 0 && !slices.Contains(taking, name) {
			continue
		}
		h := sc.scenario.Hosts[name]
		n, err := sc.count(h.Count, "hosts."+name+".count")
		if err != nil {
			sc.problems.Wrap(h.Count.At, "hosts."+name+".count", h.Count.Text, err)
			continue
		}
		if len(lab.hosts)+n > maxHosts {
			sc.problems.Add(h.At, "hosts."+name, "", "makes more than %d hosts: %s", maxHosts, fewer)
			return nil
		}
		for i := 1; i <= n; i++ {
			p := &part{name: name, group: name, declared: h}
			if h.Count.Set() {
				p.index = i
				p.name = name + "-" + strconv.Itoa(i)
			}
			sc.plugPart(p, share)
		}
	}
	if sc.failed() {
		return nil
	}
	lab.address(sc)
	for _, p := range sc.parts {
		if !p.shared {
			p.Aliases = sc.of(p).texts(p.declared.Aliases, "hosts."+p.group+".aliases")
		}
	}
	sc.takeAway()
	return sc.parts
}

func texts(list []format.Text) []string {
	var out []string
	for _, t := range list {
		out = append(out, t.Text)
	}
	return out
}

// takeAway makes hosts absent that a failure or caching option goes without.
func (sc *scope) takeAway() {
	for _, v := range sc.variants() {
		for _, t := range v.Without {
			for _, p := range sc.parts {
				if !p.called(t.Text) {
					continue
				}
				if p.shared {
					sc.problems.Add(t.At, "without", t.Text, "the main activity needs this host, too: let %s play on hosts of its own (hosts: {%s: own})", sc.name, p.name)
				}
				p.absent = true
			}
		}
	}
}

// plugPart finds or makes the host that plays a part, and decides the part's programs.
func (sc *scope) plugPart(p *part, share sharing) {
	if share != nil {
		h, err := share(p)
		if err != nil {
			sc.problems.Wrap(p.declared.At, "hosts."+p.name, "", err)
			return
		}
		p.host, p.shared = h, h != nil
	}
	if !p.shared {
		p.host = &host{paths: map[string]int{}}
		p.Name = sc.hostName(p)
		sc.lab.hosts = append(sc.lab.hosts, p.host)
	}
	sc.implement(p)
	sc.refuseFamily(p)
	sc.parts = append(sc.parts, p)
}

// implement decides a part's programs and finds their image.
func (sc *scope) implement(p *part) {
	image := p.declared.Image
	field := "hosts." + p.group + ".image"
	name, asked := sc.implementation(p.name, p.group)
	if p.shared {
		name = p.programsFor(name, asked)
	}
	if name != "" {
		i, ok := p.declared.Implementations[name]
		if choices := sc.scenario.ImplementationNames(p.group, sc.task); !ok || !slices.Contains(choices, name) {
			sc.problems.Add(asked.at, asked.Text, name, "no such implementation of host %q in this task: %s", p.group, problem.Nearest(name, choices))
			return
		}
		p.implementation, p.programs = i, name
		image, field = i.Image, "hosts."+p.group+".implementations."+name+".image"
		if asked.Kind != spec.ImplementationKey {
			sc.note(record.Value{Name: sc.named(p.name + ".implementation"), Value: name, Origin: record.Default})
		} else {
			sc.evaluate(asked) // which notes it
		}
	}
	if p.shared {
		if image.Text != record.ImageRecipe(p.Image) && !p.imageGiven {
			sc.problems.Add(image.At, field, image.Text, "host %q has image %q: what shares a host shares its image; let %s play on a host of its own (hosts: {%s: own})", p.Name, p.Image, sc.name, p.name)
		}
		return
	}
	if s, ok := sc.last(spec.HostImageKey, func(k spec.Key) bool { return p.called(k.Host) }); ok {
		if v, ok := sc.evaluate(s); ok {
			image, field, p.imageGiven = format.Text{At: s.at, Text: v.Plain()}, s.Text, true
		}
	}
	if s, ok := sc.last(spec.HostReleaseKey, func(k spec.Key) bool { return p.called(k.Host) }); ok {
		if v, ok := sc.evaluate(s); ok {
			image, field = format.Text{At: s.at, Text: record.ImageOfRelease(image.Text, v.Plain())}, s.Text
		}
	}
	p.Implementation, p.Image = p.programs, image.Text
	digest, err := sc.digests(p.Image)
	if err != nil {
		sc.problems.Wrap(image.At, field, image.Text, err)
		return
	}
	p.Digest = digest
}

// programsFor gives the implementation of a part that shares a host: the one asked for, else
// one with the host's own name and image, else one with its image.
func (p *part) programsFor(name string, asked setting) string {
	if asked.value != "" {
		return name
	}
	if own := p.declared.Implementations[p.Implementation]; own != nil && own.Image.Text == record.ImageRecipe(p.Image) {
		return p.Implementation
	}
	for _, other := range strictyaml.InOrder(p.declared.Implementations) {
		if p.declared.Implementations[other].Image.Text == record.ImageRecipe(p.Image) {
			return other
		}
	}
	return name
}
