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
}

func newLab(seed uint64, fixed bool) *lab {
	return &lab{addresses: &addressing{seed: seed, fixed: fixed, hosts: map[netip.Addr]bool{}}}
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
		prefix := l.addresses.prefix(full) // also of one that is not used here: other tasks number alike
		if used[name] {
			l.networks = append(l.networks, record.Network{Name: full, Prefix: prefix, Tap: sc.scenario.Tapped(name)})
		}
	}
	for _, p := range sc.parts {
		if p.shared {
			continue
		}
		for i, name := range networksOf(sc.scenario, p.declared) {
			n, _ := l.network(sc.choice, name)
			address, err := l.addresses.address(n.Prefix, n.Name, p.Name)
			if err != nil {
				sc.problems.Wrap(p.declared.At, "hosts."+p.group, "", err)
				return
			}
			p.Interfaces = append(p.Interfaces, record.Interface{
				Name: "eth" + strconv.Itoa(i), Network: n.Name, Address: address,
				MAC: l.addresses.mac(address, n.Name, p.Name),
			})
		}
	}
}

func networksOf(s *format.Scenario, h *format.Host) []string {
	if len(h.Networks) == 0 {
		return s.NetworkNames()[:1]
	}
	return texts(h.Networks)
}

// addressing gives out the addresses of a lab: every network is a private /24 (RFC 1918), every
// interface has an address in it and a locally administered unicast MAC. Drawn ones each have a
// stream of their own; a draw that is taken already is repeated from the same stream.
type addressing struct {
	seed     uint64
	fixed    bool
	prefixes []netip.Prefix
	hosts    map[netip.Addr]bool
}

const networkBits = 24

// prefix gives the prefix of a network.
func (a *addressing) prefix(network string) netip.Prefix {
	n := len(a.prefixes)
	r := seed.Stream(a.seed, "address."+network)
	for {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(n), 0}), networkBits)
		if !a.fixed {
			p = drawPrefix(r)
		}
		if !slices.Contains(a.prefixes, p) {
			a.prefixes = append(a.prefixes, p)
			return p
		}
		n++
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

// address gives an address of the prefix to a host: 2 to 254 drawn, or from 10 on.
func (a *addressing) address(prefix netip.Prefix, network, host string) (netip.Prefix, error) {
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

// mac gives a locally administered unicast MAC address: from the IP address when fixed.
func (a *addressing) mac(address netip.Prefix, network, host string) string {
	ip := address.Addr().As4()
	m := [6]byte{2, 0, ip[0], ip[1], ip[2], ip[3]}
	if !a.fixed {
		r := seed.Source(a.seed, "mac."+network+"."+host)
		_, _ = r.Read(m[:]) // never fails
		m[0] = m[0]&^1 | 2
	}
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}
