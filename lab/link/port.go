package link

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"

	"detgen/record"
)

// ethernetHeader is the length of a frame's header, with one VLAN tag.
const ethernetHeader = 14 + 4

// check finds what is wrong with a port before anything is made.
func (p Port) check() error {
	switch {
	case p.Interface == "" || len(p.Interface) >= unix.IFNAMSIZ:
		return fmt.Errorf("interface name %q: must have 1 to %d bytes", p.Interface, unix.IFNAMSIZ-1)
	case p.MTU < 68 || p.MTU > 65521:
		return fmt.Errorf("MTU %d: must be from 68 to 65521 bytes", p.MTU)
	}
	mac, err := net.ParseMAC(p.MAC)
	if err != nil || len(mac) != 6 || mac[0]&1 != 0 {
		return fmt.Errorf("MAC %q: must be six bytes like 02:00:00:00:00:01, not a multicast address", p.MAC)
	}
	for _, d := range p.directions() {
		for _, l := range d.both {
			if _, _, err := compileAll(l); err != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
		}
	}
	return nil
}

// direction is the settings of one direction of a port.
type direction struct {
	name record.Direction
	both []record.Link // of the port alone, or of both twins
	own  int           // which counts
}

func (d direction) link() record.Link { return d.both[d.own] }

// directions gives up and down.
func (p *Port) directions() [2]direction {
	if p.Twin == nil {
		return [2]direction{{record.Up, []record.Link{p.Up}, 0}, {record.Down, []record.Link{p.Down}, 0}}
	}
	own := record.TwinIndex(p.Side)
	return [2]direction{{record.Up, p.Twin.Up[:], own}, {record.Down, p.Twin.Down[:], own}}
}
