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
	prefixes := map[string]netip.Prefix{}
	for _, n := range l.networks {
		prefixes[n.Name] = n.Prefix
	}
	for _, h := range l.hosts {
		// Breadth first from the host's own networks, remembering the first step.
		first := map[string]netip.Addr{}
		var frontier []string
		for _, card := range h.Interfaces {
			first[card.Network] = netip.Addr{}
			frontier = append(frontier, card.Network)
		}
		for len(frontier) > 0 {
			network := frontier[0]
			frontier = frontier[1:]
			for _, router := range l.hosts {
				entry, ok := router.addressOn(network)
				if !ok || router == h || !router.Forward || router.absent {
					continue
				}
				for _, card := range router.Interfaces {
					if _, known := first[card.Network]; known {
						continue
					}
					via := first[network]
					if !via.IsValid() {
						via = entry
					}
					first[card.Network] = via
					frontier = append(frontier, card.Network)
					h.Routes = append(h.Routes, record.Route{Destination: prefixes[card.Network], Via: via})
				}
			}
		}
	}
}

// addressOn gives the host's address on a network.
func (h *host) addressOn(network string) (netip.Addr, bool) {
	for _, card := range h.Interfaces {
		if card.Network == network {
			return card.Address.Addr(), true
		}
	}
	return netip.Addr{}, false
}
