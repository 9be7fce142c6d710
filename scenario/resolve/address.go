package resolve

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"

	"detgen/record"
	"detgen/scenario/format"
	"detgen/seed"
)

// lab is the hosts and networks of all activities.
type lab struct {
	addresses *addressing
	networks  []record.Network
	hosts     []*host
	path      *pathway  // nil: none
	first     *activity // whose settings for all hosts are those of the lab
	site      bool      // the lab plays a time line: networks of one name are one
}

func newLab(seed uint64, whole wholeRun, family string) *lab {
	l := &lab{addresses: &addressing{seed: seed, fixed: whole.fixed, family: family, hosts: map[netip.Addr]bool{}}}
	if whole.path.Hops > 0 {
		l.path = &pathway{Path: whole.path}
	}
	return l
}

// network gives the network of the lab that plays a network of an activity's scenario.
func (l *lab) network(c *choice, name string) (record.Network, bool) {
	for _, full := range []string{name, c.name + "-" + name} {
		for _, n := range l.networks {
			if n.Name == full {
				return n, true
			}
		}
	}
	return record.Network{}, false
}

// address makes the networks that are missing and gives an activity's new hosts their addresses.
func (l *lab) address(sc *scope) {
	used := map[string]bool{}
	for _, p := range sc.parts {
		for _, network := range networksOf(sc.scenario, p.declared) {
			used[network] = used[network] || !p.shared
		}
	}
	for _, name := range sc.scenario.NetworkNames() {
		if _, known := l.network(sc.choice, name); known {
			continue
		}
		full := sc.own(name)
		if l.site {
			full = name
		}
		n := l.addresses.network(full) // also of one that is not used here: other tasks number alike
		if used[name] {
			n.Tap = sc.scenario.Tapped(name)
			l.networks = append(l.networks, n)
		}
	}
	if l.path != nil && l.path.near.Name == "" {
		l.layPath(sc)
	}
	for _, p := range sc.parts {
		if p.shared {
			continue
		}
		for i, name := range networksOf(sc.scenario, p.declared) {
			n, _ := l.network(sc.choice, name)
			n = l.side(sc, p, n)
			card, err := l.addresses.card("eth"+strconv.Itoa(i), n, p.Name)
			if err != nil {
				sc.problems.Wrap(p.declared.At, "hosts."+p.group, "", err)
				return
			}
			p.Interfaces = append(p.Interfaces, card)
		}
	}
}

func networksOf(s *format.Scenario, h *format.Host) []string {
	if len(h.Networks) == 0 {
		return s.NetworkNames()[:1]
	}
	return texts(h.Networks)
}

// addressing gives out the addresses of a lab: every network is a private /24 (RFC 1918) or a /64 of unique local
// addresses (RFC 4193), or both; every interface has an address in each and a locally administered unicast MAC. Drawn
// ones each have a stream of their own; a draw that is taken already is repeated from the same stream.
type addressing struct {
	seed     uint64
	fixed    bool
	family   string
	count    int // of networks
	prefixes []netip.Prefix
	hosts    map[netip.Addr]bool
}

const (
	networkBits  = 24
	networkBits6 = 64
)

// network gives a network its prefixes.
func (a *addressing) network(name string) record.Network {
	n := record.Network{Name: name}
	if a.family != record.IPv6 {
		n.Prefix = a.prefix(name)
	}
	switch a.family {
	case record.IPv6:
		n.Prefix = a.prefix6(name)
	case record.Dual:
		n.Prefix6 = a.prefix6(name)
	}
	a.count++
	return n
}

// card gives a host an interface on a network.
func (a *addressing) card(name string, n record.Network, host string) (card record.Interface, err error) {
	card = record.Interface{Name: name, Network: n.Name}
	if card.Address, err = a.address(n.Prefix, n.Name, host); err == nil && n.Prefix6.IsValid() {
		card.Address6, err = a.address(n.Prefix6, n.Name, host)
	}
	if err != nil {
		return card, err
	}
	card.MAC = a.mac(card.Address, n.Name, host)
	return card, nil
}

// prefix gives the IPv4 prefix of a network.
func (a *addressing) prefix(network string) netip.Prefix {
	n := a.count
	r := seed.Stream(a.seed, "address."+network)
	for {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(n), 0}), networkBits)
		if !a.fixed {
			p = drawPrefix(r)
		}
		if a.take(p) {
			return p
		}
		n++
	}
}

// take is true for a prefix that no network has; this one has it then.
func (a *addressing) take(p netip.Prefix) bool {
	if slices.Contains(a.prefixes, p) {
		return false
	}
	a.prefixes = append(a.prefixes, p)
	return true
}

// prefix6 gives the IPv6 prefix of a network: the networks of a lab are subnets of one site, whose 40 bits are drawn
// (RFC 4193, section 3.2).
func (a *addressing) prefix6(network string) netip.Prefix {
	base := [16]byte{0: 0xfd}
	if !a.fixed {
		_, _ = seed.Source(a.seed, "address6").Read(base[1:6]) // never fails
	}
	r := seed.Stream(a.seed, "address6."+network)
	for n := a.count; ; n++ {
		subnet := n
		if !a.fixed {
			subnet = r.IntN(1 << 16)
		}
		base[6], base[7] = byte(subnet>>8), byte(subnet)
		if p := netip.PrefixFrom(netip.AddrFrom16(base), networkBits6); a.take(p) {
			return p
		}
	}
}

// drawPrefix draws one of the three private blocks, then a /24 of it.
func drawPrefix(r *rand.Rand) netip.Prefix {
	blocks := []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	}
	block := blocks[r.IntN(len(blocks))]
	first := block.Addr().As4()
	start := binary.BigEndian.Uint32(first[:])
	start += uint32(r.IntN(1<<(networkBits-block.Bits()))) << (32 - networkBits)
	return netip.PrefixFrom(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, start))), networkBits)
}

// address gives an address of the prefix to a host: 2 to 254 drawn, or from 10 on; in an IPv6 prefix, 64 bits drawn, or
// from 10 on.
func (a *addressing) address(prefix netip.Prefix, network, host string) (netip.Prefix, error) {
	if prefix.Addr().Is6() {
		return a.address6(prefix, network, host), nil
	}
	r := seed.Stream(a.seed, "address."+network+"."+host)
	base := prefix.Addr().As4()
	for n := 10; n < 10+100*253; n++ {
		base[3] = byte(n)
		if !a.fixed {
			base[3] = byte(2 + r.IntN(253))
		} else if n > 254 {
			break
		}
		addr := netip.AddrFrom4(base)
		if !a.hosts[addr] {
			a.hosts[addr] = true
			return netip.PrefixFrom(addr, prefix.Bits()), nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("network %q: no address is left for host %q", network, host)
}

// address6 gives a host an address of an IPv6 prefix. A drawn one has an identifier without meaning, as hosts give
// themselves today (RFC 7217, RFC 8064), and none of the reserved ones (RFC 5453).
func (a *addressing) address6(prefix netip.Prefix, network, host string) netip.Prefix {
	r := seed.Stream(a.seed, "address6."+network+"."+host)
	base := prefix.Addr().As16()
	for n := uint64(10); ; n++ {
		id := n
		if !a.fixed {
			id = r.Uint64()
		}
		const anycast = 0xfdffffffffffff80 // and above: RFC 2526
		if id == 0 || id >= anycast && id < anycast+1<<7 {
			continue
		}
		binary.BigEndian.PutUint64(base[8:], id)
		if addr := netip.AddrFrom16(base); !a.hosts[addr] {
			a.hosts[addr] = true
			return netip.PrefixFrom(addr, prefix.Bits())
		}
	}
}

// mac gives a locally administered unicast MAC address: from the IP address when fixed.
func (a *addressing) mac(address netip.Prefix, network, host string) string {
	ip := address.Addr().AsSlice()
	m := [6]byte{2, 0, ip[0], ip[1], ip[2], ip[3]}
	if address.Addr().Is6() {
		m = [6]byte{2, 0, ip[6], ip[7], ip[14], ip[15]} // subnet and identifier
	}
	if !a.fixed {
		r := seed.Source(a.seed, "mac."+network+"."+host)
		_, _ = r.Read(m[:]) // never fails
		m[0] = m[0]&^1 | 2
	}
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}
