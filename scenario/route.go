package scenario

import (
	"net/netip"

	"detgen/record"
)

// route gives every machine a route to each network that it can reach through forwarding
// machines, by the fewest of them; where several are equally near, by the one written first.
func (st *stage) route() {
	if len(st.networks) < 2 {
		return
	}
	prefixes := map[string]netip.Prefix{}
	for _, n := range st.networks {
		prefixes[n.Name] = n.Prefix
	}
	for _, m := range st.machines {
		// Breadth first from the machine's own networks, remembering the first step.
		first := map[string]netip.Addr{}
		var frontier []string
		for _, card := range m.Interfaces {
			first[card.Network] = netip.Addr{}
			frontier = append(frontier, card.Network)
		}
		for len(frontier) > 0 {
			network := frontier[0]
			frontier = frontier[1:]
			for _, router := range st.machines {
				entry, ok := router.addressOn(network)
				if !ok || router == m || !router.Forward || router.absent {
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
					m.Routes = append(m.Routes, record.Route{Destination: prefixes[card.Network], Via: via})
				}
			}
		}
	}
}

// addressOn gives the machine's address on a network.
func (m *machine) addressOn(network string) (netip.Addr, bool) {
	for _, card := range m.Interfaces {
		if card.Network == network {
			return card.Address.Addr(), true
		}
	}
	return netip.Addr{}, false
}
