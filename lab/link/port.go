package link

import (
	"errors"
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
	return nil
}

// Supported says whether the kernel, as this process sees it, has what a driver needs. The
// error is ErrUnsupported, names the missing feature and says what to do.
func Supported(driver string) error {
	switch driver {
	case Soft:
		if errno := probeWait(); errno == unix.ENOSYS {
			return fmt.Errorf("link driver %q: epoll_pwait2(2): %w; use Linux 5.11 or later", driver, ErrUnsupported)
		}
		fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err == nil {
			return unix.Close(fd)
		}
		mend := "load the kernel module tun"
		if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
			mend = "run as root"
		}
		return fmt.Errorf("link driver %q: TAP devices (%s: %w): %w; %s", driver, tunDevice, err, ErrUnsupported, mend)
	case NetEm:
		return fmt.Errorf("link driver %q: %w", driver, ErrUnsupported)
	}
	return fmt.Errorf("link driver %q: must be %q or %q", driver, Soft, NetEm)
}
