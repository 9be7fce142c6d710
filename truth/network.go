package truth

import (
	"fmt"
	"net"
	"net/netip"

	"detgen/record"
)

// network is who is where in a lab.
type network struct {
	stations  []station
	byMAC     map[hardware]int   // network and MAC -> index into stations
	hosts     []string           // names
	byAddress map[netip.Addr]int // -> index into hosts
	forwards  []bool             // by host
}

// station is one interface of a host, or the tap of a network.
type station struct {
	host    int // index into network.hosts; -1: none, it is a tap
	name    string
	segment string // the broadcast domain it is in
	mac     [6]byte
	capture int // index into Truth.Captures; -1: not captured
}

type hardware struct {
	segment string
	mac     [6]byte
}

// newNetwork reads who is where from a run.
func newNetwork(run *record.Run) (*network, error) {
	n := &network{byMAC: map[hardware]int{}, byAddress: map[netip.Addr]int{}}
	for h, host := range run.Hosts {
		n.hosts = append(n.hosts, host.Name)
		n.forwards = append(n.forwards, host.Forward)
		for _, i := range host.Interfaces {
			mac, err := net.ParseMAC(i.MAC)
			if err != nil || len(mac) != 6 {
				return nil, fmt.Errorf("host %q, interface %s: MAC %q is not an Ethernet address", host.Name, i.Name, i.MAC)
			}
			s := station{host: h, name: i.Name, segment: i.Network, mac: [6]byte(mac), capture: -1}
			n.byMAC[hardware{s.segment, s.mac}] = len(n.stations)
			n.stations = append(n.stations, s)
			for _, a := range i.Addresses() {
				n.byAddress[a.Addr()] = h
			}
			n.byAddress[linkLocal(s.mac)] = h
		}
	}
	for _, network := range run.Networks {
		if network.Tap {
			n.stations = append(n.stations, station{host: noHost, segment: network.Name, capture: -1})
		}
	}
	return n, nil
}

// noHost is the host of a tap.
const noHost = -1

// tap reports whether the station only looks on.
func (s *station) tap() bool { return s.host == noHost }

// linkLocal is the IPv6 address that the kernel gives to an interface (RFC 4291, appendix A).
func linkLocal(mac [6]byte) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: mac[0] ^ 2, 9: mac[1], 10: mac[2], 11: 0xff, 12: 0xfe, 13: mac[3], 14: mac[4], 15: mac[5]})
}

// findCapture gives the station of a capture.
func (n *network) findCapture(c *record.Capture) (int, bool) {
	if !c.IsTap() {
		return n.find(c.Host, c.Interface)
	}
	for i, s := range n.stations {
		if s.tap() && s.segment == c.Network {
			return i, true
		}
	}
	return 0, false
}

// find gives the station with a name.
func (n *network) find(host, name string) (int, bool) {
	for i, s := range n.stations {
		if !s.tap() && n.hosts[s.host] == host && s.name == name {
			return i, true
		}
	}
	return 0, false
}

// host names the host with an address, "" when none has it.
func (n *network) host(a netip.Addr) string {
	if h, ok := n.byAddress[a]; ok {
		return n.hosts[h]
	}
	return ""
}

// everyone is the addressee of frames to a group or to a MAC that no station has: a switch gives
// them to all.
const everyone = -1

// addressees gives a function that finds the station, of those on one segment with a given
// one, that has a MAC.
func (n *network) addressees(from int) func(mac [6]byte) int32 {
	segment := n.stations[from].segment
	var last [6]byte
	lastStation := int32(everyone)
	return func(mac [6]byte) int32 {
		if mac != last {
			last, lastStation = mac, everyone
			if s, ok := n.byMAC[hardware{segment, mac}]; ok {
				lastStation = int32(s)
			}
		}
		return lastStation
	}
}
