package resolve

import (
	"slices"
	"strconv"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/record"
	"detgen/scenario/spec"
)

// pathway is the routers between the hosts of one network, which becomes two: the hosts before the path stay, the others get
// a network behind it.
//
//	hosts -- NETWORK -- hop-1 -- path-1 -- hop-2 -- ... -- hop-N -- NETWORK-far -- hosts
//
// The first one is the bottleneck in both directions: a queue before each of its interfaces, where real ones have it.
type pathway struct {
	spec.Path
	near, far record.Network
	between   []record.Network
	routers   []*host
}

// hopImage is the image of routers.
const hopImage = "base"

// layPath makes the networks and routers of the path, in the network of the main activity's host that begins.
func (l *lab) layPath(sc *scope) {
	p := l.path
	for _, name := range p.Near {
		if !slices.ContainsFunc(sc.parts, func(part *part) bool { return part.called(name) }) {
			sc.problems.Add(problem.Position{}, "path.near", name, "no such host in this task: %s", problem.Nearest(name, sc.partNames()))
			return
		}
	}
	var before *part
	for _, part := range sc.parts {
		if before == nil && sc.begins(part) {
			before = part
		}
	}
	if before == nil {
		return
	}
	network := networksOf(sc.scenario, before.declared)[0]
	p.near, _ = l.network(sc.choice, network)
	beyond := slices.ContainsFunc(sc.parts, func(part *part) bool {
		return !sc.begins(part) && slices.Contains(networksOf(sc.scenario, part.declared), network)
	})
	if !beyond {
		sc.problems.Add(problem.Position{}, "path.hops", strconv.Itoa(p.Hops), "nothing is behind the path: all hosts of network %q are before it; name those that are with path.near", network)
		return
	}
	digest, err := sc.digests(hopImage)
	if err != nil {
		sc.problems.Wrap(problem.Position{}, "path.hops", strconv.Itoa(p.Hops), err)
		return
	}
	for i := 1; i < p.Hops; i++ {
		p.between = append(p.between, l.addresses.network("path-"+strconv.Itoa(i)))
	}
	p.far = l.addresses.network(p.near.Name + "-far")
	ways := append(append([]record.Network{p.near}, p.between...), p.far)
	l.networks = append(l.networks, ways[1:]...)
	for i := range p.Hops {
		h := &host{paths: map[string]int{}}
		h.Name, h.Image, h.Digest, h.Forward = "hop-"+strconv.Itoa(i+1), hopImage, digest, true
		if slices.ContainsFunc(l.hosts, func(o *host) bool { return o.Name == h.Name }) {
			sc.problems.Add(problem.Position{}, "path.hops", strconv.Itoa(p.Hops), "the task has a host %q of its own", h.Name)
			return
		}
		for k, n := range ways[i : i+2] {
			card, err := l.addresses.card("eth"+strconv.Itoa(k), n, h.Name)
			if err != nil {
				sc.problems.Wrap(problem.Position{}, "path.hops", strconv.Itoa(p.Hops), err)
				return
			}
			if i == 0 {
				card.Up = record.Link{Rate: p.Rate, Queue: p.Queue}
				if p.Rate > 0 {
					card.Up.Limit = max(p.Limit, 1)
					if p.Limit == 0 {
						card.Up.Limit = spec.MaxQueue
					}
				} else {
					card.Up.Queue = ""
				}
				card.Down = record.Link{Delay: p.Delay}
			}
			h.Interfaces = append(h.Interfaces, card)
		}
		p.routers = append(p.routers, h)
		l.hosts = append(l.hosts, h)
	}
	if p.Rate == 0 && p.Queue != "" && p.Queue != record.FIFO {
		sc.problems.Add(problem.Position{}, "path.queue", p.Queue, "needs a rate: set path.rate, too")
	}
}

// side gives the network that a part is in when its scenario has it in n: n itself, or, for a part behind the path, the
// one there.
func (l *lab) side(sc *scope, p *part, n record.Network) record.Network {
	if l.path == nil || n.Name != l.path.near.Name || l.path.far.Name == "" || sc.begins(p) {
		return n
	}
	return l.path.far
}

// base is the name of a network as scenarios call it.
func (l *lab) base(network string) string {
	if l.path != nil && network == l.path.far.Name {
		return l.path.near.Name
	}
	return network
}

// begins reports whether a part is before the path: it is named there, or nothing is and its script is the first of the
// task's. Where all hosts are alike, only the first of them is.
func (sc *scope) begins(p *part) bool {
	if near := sc.lab.path.Near; len(near) > 0 {
		return slices.ContainsFunc(near, p.called)
	}
	first := strictyaml.InOrder(sc.task.Scripts)
	if len(first) == 0 || !p.called(first[0]) {
		return false
	}
	alike := !slices.ContainsFunc(sc.parts, func(o *part) bool { return !o.called(first[0]) })
	return !alike || p.index <= 1
}

// setUpPath gives the routers the transport of all hosts, and makes sure that packets get over them.
func (l *lab) setUpPath(main *activity) {
	if l.path == nil {
		return
	}
	for _, h := range l.path.routers {
		h.Transport = defaultTransport()
		h.Transport.IPv6 = main.has(record.IPv6)
		for _, s := range main.general {
			if s.Kind == spec.TransportKey {
				s.Transport(&h.Transport, s.value)
			}
		}
	}
	for _, h := range l.hosts {
		if ttl := h.Transport.TTL; ttl != 0 && ttl <= l.path.Hops && !h.Forward {
			main.problems.Add(problem.Position{}, "path.hops", strconv.Itoa(l.path.Hops), "packets of host %q have a time to live of %d (transport.ttl), which ends on the way: fewer hops, or a longer life", h.Name, ttl)
			return
		}
	}
}

// networks of the path, as record.Network values of the lab, that nobody named.
func (l *lab) ofPath(name string) bool {
	if l.path == nil {
		return false
	}
	return name == l.path.far.Name || slices.ContainsFunc(l.path.between, func(n record.Network) bool { return n.Name == name })
}
