package link

import (
	"errors"
	"fmt"

	"detgen/internal/thread"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ErrUnsupported is what errors about missing kernel features are (errors.Is).
var ErrUnsupported = errors.New("not supported by this kernel")

// Supported says whether the kernel, as this process sees it, has what a driver needs. The
// error is ErrUnsupported, names the missing feature and says what to do.
func Supported(driver string) error {
	switch driver {
	case Soft:
		return softSupported()
	case NetEm:
		return netemSupported()
	}
	return fmt.Errorf("link driver %q: must be %q or %q", driver, Soft, NetEm)
}

// unsupported is the error for a missing feature.
func unsupported(driver, feature string, err error, mend string) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		mend = "run as root"
	}
	return fmt.Errorf("link driver %q: %s (%w): %w; %s", driver, feature, err, ErrUnsupported, mend)
}

func softSupported() error {
	if err := probeWait(); err == unix.ENOSYS {
		return unsupported(Soft, "epoll_pwait2(2)", err, "use Linux 5.11 or later")
	}
	fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EACCES) {
		return fmt.Errorf("link driver %q: %s: %w: %w; let all users open it, as udev does (chmod 666 %[2]s), or run as root", Soft, tunDevice, err, ErrUnsupported)
	}
	if err != nil {
		return unsupported(Soft, "TAP devices, "+tunDevice, err, "load the kernel module tun")
	}
	return unix.Close(fd)
}

// netemSupported tries everything that the driver uses in a network namespace of its own.
func netemSupported() error {
	result := make(chan error, 1)
	thread.Go(func() {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			result <- unsupported(NetEm, "network namespaces", err, "use a kernel with CONFIG_NET_NS")
			return
		}
		result <- tryNetEm()
	})
	return <-result
}

func tryNetEm() error {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("link driver %q: open netlink: %w", NetEm, err)
	}
	defer h.Close()
	namespace, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("link driver %q: find own network namespace: %w", NetEm, err)
	}
	defer unix.Close(namespace)
	q, err := openQdiscs(namespace)
	if err != nil {
		return fmt.Errorf("link driver %q: %w", NetEm, err)
	}
	defer q.close()
	load := func(module string) string {
		return fmt.Sprintf("load the kernel module %s, or use the link driver %q", module, Soft)
	}
	attributes := func(name string) netlink.LinkAttrs {
		a := netlink.NewLinkAttrs()
		a.Name = name
		return a
	}
	pair := &netlink.Veth{LinkAttrs: attributes("pair"), PeerName: "peer"}
	for _, device := range []struct {
		what   string
		link   netlink.Link
		module string
	}{
		{"virtual Ethernet devices", pair, "veth"},
		{"bridges", &netlink.Bridge{LinkAttrs: attributes("bridge")}, "bridge"},
	} {
		if err := h.LinkAdd(device.link); err != nil {
			return unsupported(NetEm, device.what, err, load(device.module))
		}
	}
	if err := q.set(pair.Index, &parameters{limit: defaultLimit}, 0, false); err != nil {
		return unsupported(NetEm, "the network emulator's qdisc", err, load("sch_netem"))
	}
	if err := redirect(h, pair.Index, pair.Index); err != nil {
		return unsupported(NetEm, err.Error(), errors.Unwrap(err), load("sch_ingress, cls_matchall and act_mirred"))
	}
	return nil
}
