package scenario

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"detgen/record"
)

// machine is a host of the run in the making.
type machine struct {
	record.Host
	group          string // the declared host it comes from
	index          int    // 1, 2, ... in a group; 0 alone
	host           *Host
	implementation *Implementation
	absent         bool // its address is reserved and nothing is there
}

// view is the machine as templates see it.
func (m *machine) view() map[string]any {
	v := map[string]any{
		"name":           m.Name,
		"index":          m.index,
		"implementation": m.Implementation,
		"aliases":        m.Aliases,
		"address":        "",
		"mac":            "",
		"prefix":         "",
		"interface":      "",
	}
	interfaces := map[string]any{}
	for i, card := range m.Interfaces {
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

func (r *resolver) machineNames() []string {
	var names []string
	for _, m := range r.machines {
		names = append(names, m.Name)
	}
	return names
}

// plug makes the machines of the task, with their images and addresses.
func (r *resolver) plug() {
	used := map[string]bool{}
	for _, name := range inOrder(r.scenario.Hosts) {
		if len(r.task.Hosts) > 0 && !slices.ContainsFunc(r.task.Hosts, func(t Text) bool { return t.Text == name }) {
			continue
		}
		h := r.scenario.Hosts[name]
		n, err := r.count(h.Count, "hosts."+name+".count")
		if err != nil {
			r.problems.wrap(h.Count.At, "hosts."+name+".count", h.Count.Text, err)
			continue
		}
		for i := 1; i <= n; i++ {
			m := &machine{group: name, host: h}
			m.Name = name
			if h.Count.set() {
				m.index = i
				m.Name = name + "-" + strconv.Itoa(i)
			}
			r.implement(m)
			r.machines = append(r.machines, m)
			for _, network := range r.networksOf(h) {
				used[network] = true
			}
		}
	}
	if r.failed() {
		return
	}
	prefixes := map[string]netip.Prefix{}
	for _, network := range r.scenario.networks() {
		prefix := r.addresses.prefix(network)
		if used[network] {
			prefixes[network] = prefix
			r.networks = append(r.networks, record.Network{Name: network, Prefix: prefix})
		}
	}
	for _, m := range r.machines {
		for i, network := range r.networksOf(m.host) {
			address, err := r.addresses.address(prefixes[network], network, m.Name)
			if err != nil {
				r.problems.wrap(m.host.At, "hosts."+m.group, "", err)
				return
			}
			m.Interfaces = append(m.Interfaces, record.Interface{
				Name: "eth" + strconv.Itoa(i), Network: network, Address: address,
				MAC: r.addresses.mac(address, network, m.Name),
			})
		}
	}
	for _, m := range r.machines {
		r.self = m
		m.Aliases = r.texts(m.host.Aliases, "hosts."+m.group+".aliases")
		r.self = nil
	}
	for _, v := range r.variants() {
		for _, t := range v.Without {
			for _, m := range r.machines {
				m.absent = m.absent || t.Text == m.Name || t.Text == m.group
			}
		}
	}
}

func (r *resolver) networksOf(h *Host) []string {
	if len(h.Networks) == 0 {
		return r.scenario.networks()[:1]
	}
	var names []string
	for _, t := range h.Networks {
		names = append(names, t.Text)
	}
	return names
}

// implement decides a machine's programs and finds its image.
func (r *resolver) implement(m *machine) {
	image := m.host.Image
	field := "hosts." + m.group + ".image"
	name, asked := r.implementation(m.Name, m.group)
	if name != "" {
		i, ok := m.host.Implementations[name]
		if choices := r.scenario.implementations(m.group, r.task); !ok || !slices.Contains(choices, name) {
			r.problems.add(asked.at, asked.text, name, "no such implementation of host %q in this task: %s", m.group, nearest(name, choices))
			return
		}
		m.implementation, m.Implementation = i, name
		image, field = i.Image, "hosts."+m.group+".implementations."+name+".image"
		r.note(m.Name+".implementation", name, asked)
	}
	m.Image = image.Text
	digest, err := r.digests(m.Image)
	if err != nil {
		r.problems.wrap(image.At, field, image.Text, err)
		return
	}
	m.Digest = digest
}

// note records the value of an implementation unless its draw is recorded already.
func (r *resolver) note(name, value string, asked layered) {
	if slices.ContainsFunc(r.values, func(v record.Value) bool { return v.Name == name }) {
		return
	}
	origin := record.Default
	if asked.value != "" {
		origin = asked.origin()
	}
	r.values = append(r.values, record.Value{Name: name, Value: value, Origin: origin})
}

// defaultTransport is how a host's network stack is set up when nothing is said.
func defaultTransport() record.Transport {
	return record.Transport{
		MTU: 1500, SACK: true, Timestamps: true, ECN: 2, WindowScaling: true, NoMetricsSave: true,
		EphemeralPorts: [2]int{32768, 60999},
	}
}

// shape applies links, transport, load and CPU limits.
func (r *resolver) shape() {
	for _, m := range r.machines {
		m.Transport = defaultTransport()
		m.Forward = m.host.Forward
	}
	about := func(s layered, m *machine) bool { return s.host == "" || s.host == m.Name || s.host == m.group }
	for _, kind := range []keyKind{linkKey, transportKey, loadKey, hostCPUKey} {
		for _, s := range r.factorsOf(kind) {
			v, ok := r.evaluate(s)
			if !ok {
				continue
			}
			hit := false
			for _, m := range r.machines {
				if !about(s, m) {
					continue
				}
				switch kind {
				case transportKey:
					s.carried(&m.Transport, v)
				case loadKey:
					s.load(&m.Load, v)
				case hostCPUKey:
					m.CPU = v.number
				case linkKey:
					if !s.applyLink(m, v) {
						continue
					}
				}
				hit = true
			}
			if !hit && s.layer == userLayer {
				r.problems.add(s.at, s.text, s.value, "concerns no interface of task %s/%s: its hosts are %v", r.scenario.Name, r.taskName, r.machineNames())
			}
		}
	}
	for _, m := range r.machines {
		for _, card := range m.Interfaces {
			for direction, l := range map[string]record.Link{"up": card.Up, "down": card.Down} {
				if wrong := checkLink(l); wrong != "" {
					r.problems.add(Position{}, fmt.Sprintf("link.%s.%s", m.Name, direction), "", "%s", wrong)
				}
			}
		}
	}
}

// applyLink sets a link's setting on a machine's interfaces; false when it has none of them.
func (s layered) applyLink(m *machine, v Value) bool {
	hit := false
	for i := range m.Interfaces {
		card := &m.Interfaces[i]
		if s.network != "" && s.network != card.Network {
			continue
		}
		hit = true
		if s.direction != "down" {
			s.link(&card.Up, v)
		}
		if s.direction != "up" {
			s.link(&card.Down, v)
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

// netmask writes a prefix's mask as four numbers.
func netmask(p netip.Prefix) string {
	bits := uint32(0xffffffff) << (32 - p.Bits())
	return netip.AddrFrom4([4]byte{byte(bits >> 24), byte(bits >> 16), byte(bits >> 8), byte(bits)}).String()
}
