package resolve

import (
	"net/netip"

	"detgen/record"
)

// route gives every host a route to each network that it can reach through forwarding
// hosts, by the fewest of them; where several are equally near, by the one written first.
func (l *lab) route() {
	if len(l.networks) < 2 {
		return
	}
	prefixes := map[string][]netip.Prefix{}
	for _, n := range l.networks {
		prefixes[n.Name] = n.Prefixes()
	}
	for _, h := range l.hosts {
		// Breadth first from the host's own networks, remembering the first step.
		first := map[string][]netip.Addr{} // in each family
		var frontier []string
		for _, card := range h.Interfaces {
			first[card.Network] = nil
			frontier = append(frontier, card.Network)
		}
		for len(frontier) > 0 {
			network := frontier[0]
			frontier = frontier[1:]
			for _, router := range l.hosts {
				entry := router.addressesOn(network)
				if entry == nil || router == h || !router.Forward || router.absent {
					continue
				}
				for _, card := range router.Interfaces {
					if _, known := first[card.Network]; known {
						continue
					}
					via := first[network]
					if via == nil {
						via = entry
					}
					first[card.Network] = via
					frontier = append(frontier, card.Network)
					for n, prefix := range prefixes[card.Network] {
						h.Routes = append(h.Routes, record.Route{Destination: prefix, Via: via[n]})
					}
				}
			}
		}
	}
}

// addressesOn gives the host's addresses on a network, one of each family that the run has; nil when it is not on it.
func (h *host) addressesOn(network string) []netip.Addr {
	var list []netip.Addr
	for i := range h.Interfaces {
		if card := &h.Interfaces[i]; card.Network == network && list == nil {
			for _, a := range card.Addresses() {
				list = append(list, a.Addr())
			}
		}
	}
	return list
}
