package link

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
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
	if _, _, err := compileAll(p.Up); err != nil {
		return fmt.Errorf("up: %w", err)
	}
	if _, _, err := compileAll(p.Down); err != nil {
		return fmt.Errorf("down: %w", err)
	}
	return nil
}
