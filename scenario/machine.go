package scenario

import (
	"net/netip"
	"slices"
	"strconv"

	"detgen/record"
)

// machine is a host of the run in the making.
type machine struct {
	record.Host
	absent  bool            // its address is reserved and nothing is there
	stopped map[string]bool // services that the main activity's failure takes away

	imageGiven bool // by the user, who answers for what is in it
}

// part is a machine as a host of one scenario: several activities can share a machine.
type part struct {
	*machine
	part           string // its name in the scenario: "server", "peer-2"
	group          string // the declared host it comes from: "peer"
	index          int    // 1, 2, ... in a group; 0 alone
	declared       *Host
	programs       string // name of the implementation; "" for a host without a choice
	implementation *Implementation
	shared         bool // another activity made the machine
}

// called says whether a name of the scenario means this part: its own or its group's.
func (p *part) called(name string) bool { return p.part == name || p.group == name }

// view is the part as templates see it.
func (p *part) view() map[string]any {
	v := map[string]any{
		"name":           p.Name,
		"index":          p.index,
		"implementation": p.programs,
		"aliases":        p.Aliases,
		"address":        "",
		"mac":            "",
		"prefix":         "",
		"interface":      "",
	}
	interfaces := map[string]any{}
	for i, card := range p.Interfaces {
		about := map[string]any{"address": card.Address.Addr().String(), "mac": card.MAC, "prefix": card.Address.Masked().String(), "interface": card.Name}
		interfaces[card.Network] = about
		if i == 0 {
			for k, value := range about {
				v[k] = value
			}
		}
	}
	v["on"] = interfaces
	return v
}

func (r *resolver) partNames() []string {
	var names []string
	for _, p := range r.parts {
		names = append(names, p.part)
	}
	return names
}

// plug makes the machines of the task, with their images and addresses, or takes those that
// others made (sharing; nil for the main activity).
func (r *resolver) plug(sharing func(*part) (*machine, error)) {
	taking := texts(r.task.Hosts)
	for _, v := range r.variants() {
		if len(v.Hosts) > 0 {
			taking = texts(v.Hosts)
			break
		}
	}
	for _, name := range inOrder(r.scenario.Hosts) {
		if len(taking) > 0 && !slices.Contains(taking, name) {
			continue
		}
		h := r.scenario.Hosts[name]
		n, err := r.count(h.Count, "hosts."+name+".count")
		if err != nil {
			r.problems.wrap(h.Count.At, "hosts."+name+".count", h.Count.Text, err)
			continue
		}
		for i := 1; i <= n; i++ {
			p := &part{part: name, group: name, declared: h}
			if h.Count.set() {
				p.index = i
				p.part = name + "-" + strconv.Itoa(i)
			}
			r.cast(p, sharing)
		}
	}
	if r.failed() {
		return
	}
	r.address()
	for _, p := range r.parts {
		if !p.shared {
			r.self = p
			p.Aliases = r.texts(p.declared.Aliases, "hosts."+p.group+".aliases")
			r.self = nil
		}
	}
	for _, v := range r.variants() {
		for _, t := range v.Without {
			for _, p := range r.parts {
				if !p.called(t.Text) {
					continue
				}
				if p.shared {
					r.problems.add(t.At, "without", t.Text, "the main activity needs this host, too: let %s play on hosts of its own (hosts: {%s: own})", r.name, p.part)
				}
				p.absent = true
			}
		}
	}
}

// cast finds or makes the machine that plays a part, and the part's programs.
func (r *resolver) cast(p *part, sharing func(*part) (*machine, error)) {
	if sharing != nil {
		m, err := sharing(p)
		if err != nil {
			r.problems.wrap(p.declared.At, "hosts."+p.part, "", err)
			return
		}
		p.machine, p.shared = m, m != nil
	}
	if !p.shared {
		p.machine = &machine{}
		p.Name = p.part
		if r.name != "" {
			p.Name = r.name + "-" + p.part
		}
		r.machines = append(r.machines, p.machine)
	}
	r.implement(p)
	r.parts = append(r.parts, p)
}

// network gives the network of the lab that plays a network of the scenario.
func (r *resolver) network(name string) (record.Network, bool) {
	for _, full := range []string{name, r.name + "-" + name} {
		for _, n := range r.networks {
			if n.Name == full {
				return n, true
			}
		}
	}
	return record.Network{}, false
}

// address makes the networks that are missing and gives new machines their addresses.
func (r *resolver) address() {
	used := map[string]bool{}
	for _, p := range r.parts {
		for _, network := range r.networksOf(p.declared) {
			used[network] = used[network] || !p.shared
		}
	}
	for _, name := range r.scenario.networks() {
		if _, known := r.network(name); known {
			continue
		}
		full := name
		if r.name != "" {
			full = r.name + "-" + name
		}
		prefix := r.addresses.prefix(full) // also of one that is not used here: other tasks number alike
		if used[name] {
			r.networks = append(r.networks, record.Network{Name: full, Prefix: prefix})
		}
	}
	for _, p := range r.parts {
		if p.shared {
			continue
		}
		for i, name := range r.networksOf(p.declared) {
			n, _ := r.network(name)
			address, err := r.addresses.address(n.Prefix, n.Name, p.Name)
			if err != nil {
				r.problems.wrap(p.declared.At, "hosts."+p.group, "", err)
				return
			}
			p.Interfaces = append(p.Interfaces, record.Interface{
				Name: "eth" + strconv.Itoa(i), Network: n.Name, Address: address,
				MAC: r.addresses.mac(address, n.Name, p.Name),
			})
		}
	}
}

func (r *resolver) networksOf(h *Host) []string {
	if len(h.Networks) == 0 {
		return r.scenario.networks()[:1]
	}
	return texts(h.Networks)
}

// implement decides a part's programs and finds their image.
func (r *resolver) implement(p *part) {
	image := p.declared.Image
	field := "hosts." + p.group + ".image"
	name, asked := r.implementation(p.part, p.group)
	if p.shared {
		name = r.programsFor(p, name, asked)
	}
	if name != "" {
		i, ok := p.declared.Implementations[name]
		if choices := r.scenario.implementations(p.group, r.task); !ok || !slices.Contains(choices, name) {
			r.problems.add(asked.at, asked.text, name, "no such implementation of host %q in this task: %s", p.group, nearest(name, choices))
			return
		}
		p.implementation, p.programs = i, name
		image, field = i.Image, "hosts."+p.group+".implementations."+name+".image"
		if asked.kind != implementationKey {
			r.note(record.Value{Name: r.named(p.part + ".implementation"), Value: name, Origin: record.Default})
		} else {
			r.evaluate(asked) // which notes it
		}
	}
	if p.shared {
		if image.Text != p.Image && !p.imageGiven {
			r.problems.add(image.At, field, image.Text, "host %q has image %q: what shares a host shares its image; let %s play on a host of its own (hosts: {%s: own})", p.Name, p.Image, r.name, p.part)
		}
		return
	}
	if s, ok := r.last(hostImageKey, func(k key) bool { return p.called(k.host) }); ok {
		if v, ok := r.evaluate(s); ok {
			image, field, p.imageGiven = Text{At: s.at, Text: v.text}, s.text, true
		}
	}
	p.Implementation, p.Image = p.programs, image.Text
	digest, err := r.digests(p.Image)
	if err != nil {
		r.problems.wrap(image.At, field, image.Text, err)
		return
	}
	p.Digest = digest
}

// programsFor gives the implementation of a part that shares a machine: the one asked for, else
// one with the machine's own name and image, else one with its image.
func (r *resolver) programsFor(p *part, name string, asked layered) string {
	if asked.value != "" {
		return name
	}
	if own := p.declared.Implementations[p.Implementation]; own != nil && own.Image.Text == p.Image {
		return p.Implementation
	}
	for _, other := range inOrder(p.declared.Implementations) {
		if p.declared.Implementations[other].Image.Text == p.Image {
			return other
		}
	}
	return name
}

// netmask writes a prefix's mask as four numbers.
func netmask(p netip.Prefix) string {
	bits := uint32(0xffffffff) << (32 - p.Bits())
	return netip.AddrFrom4([4]byte{byte(bits >> 24), byte(bits >> 16), byte(bits >> 8), byte(bits)}).String()
}
