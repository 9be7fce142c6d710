package lab

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"detgen/record"

	"github.com/vishvananda/netlink"
)

// isolate prepares a host's namespace before any interface is up: no IPv6 unless asked, and
// the transport factors that are sysctls.
func isolate(n *namespace, h *record.Host) error {
	settings := transportSettings(h)
	if !h.Transport.IPv6 {
		settings = append(slices.Clone(noIPv6), settings...)
	}
	return n.sysctl(settings)
}

// noIPv6 turns IPv6 off, on every interface.
var noIPv6 = []setting{{"net.ipv6.conf.all.disable_ipv6", "1"}, {"net.ipv6.conf.default.disable_ipv6", "1"}}

// transportSettings are the transport factors that are sysctls, but IPv6.
func transportSettings(h *record.Host) []setting {
	t := h.Transport
	settings := []setting{
		{"net.ipv4.tcp_sack", flag(t.SACK)},
		{"net.ipv4.tcp_timestamps", flag(t.Timestamps)},
		{"net.ipv4.tcp_ecn", strconv.Itoa(t.ECN)},
		{"net.ipv4.tcp_window_scaling", flag(t.WindowScaling)},
		{"net.ipv4.tcp_no_metrics_save", flag(t.NoMetricsSave)},
		{"net.ipv4.ip_local_port_range", fmt.Sprintf("%d %d", t.EphemeralPorts[0], t.EphemeralPorts[1])},
		{"net.ipv4.ip_forward", flag(h.Forward)},
		{"net.ipv4.ping_group_range", "0 2147483647"},
	}
	if t.Congestion != "" {
		settings = append(settings, setting{"net.ipv4.tcp_congestion_control", t.Congestion})
	}
	if t.TTL != 0 {
		settings = append(settings, setting{"net.ipv4.ip_default_ttl", strconv.Itoa(t.TTL)})
	}
	return settings
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// configure gives the interfaces of a host, which the link driver has made, their addresses
// and routes, brings them up, and reads everything back.
func configure(n *namespace, h *record.Host) error {
	lo, err := n.handle.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("loopback interface: %w", err)
	}
	if err := n.handle.LinkSetUp(lo); err != nil {
		return fmt.Errorf("loopback interface up: %w", err)
	}
	for _, i := range h.Interfaces {
		if err := configureInterface(n, h, i); err != nil {
			return fmt.Errorf("interface %s: %w", i.Name, err)
		}
	}
	for _, r := range h.Routes {
		route := &netlink.Route{Dst: prefixNet(r.Destination.Masked()), Gw: r.Via.AsSlice(),
			InitCwnd: h.Transport.InitialCwnd, InitRwnd: h.Transport.InitialRwnd}
		if err := n.handle.RouteAdd(route); err != nil {
			return fmt.Errorf("route to %s by %s: %w", r.Destination, r.Via, err)
		}
	}
	return nil
}

func configureInterface(n *namespace, h *record.Host, i record.Interface) error {
	link, err := n.handle.LinkByName(i.Name)
	if err != nil {
		return err
	}
	if err := n.handle.AddrAdd(link, &netlink.Addr{IPNet: addressNet(i.Address), Broadcast: broadcast(i.Address)}); err != nil {
		return fmt.Errorf("address %s: %w", i.Address, err)
	}
	if err := n.handle.LinkSetUp(link); err != nil {
		return fmt.Errorf("up: %w", err)
	}
	if h.Transport.InitialCwnd != 0 || h.Transport.InitialRwnd != 0 {
		route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: prefixNet(i.Address.Masked()), Scope: netlink.SCOPE_LINK,
			Src: i.Address.Addr().AsSlice(), Protocol: 2, InitCwnd: h.Transport.InitialCwnd, InitRwnd: h.Transport.InitialRwnd}
		if err := n.handle.RouteReplace(route); err != nil {
			return fmt.Errorf("initial windows: %w", err)
		}
	}
	return readBack(n, h, i)
}

// readBack compares an interface with what was asked for.
func readBack(n *namespace, h *record.Host, i record.Interface) error {
	link, err := n.handle.LinkByName(i.Name)
	if err != nil {
		return err
	}
	if got := link.Attrs().HardwareAddr.String(); got != i.MAC {
		return fmt.Errorf("MAC address reads back as %s, not %s", got, i.MAC)
	}
	if got := link.Attrs().MTU; got != h.Transport.MTU {
		return fmt.Errorf("MTU reads back as %d, not %d", got, h.Transport.MTU)
	}
	addresses, err := n.handle.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	if len(addresses) != 1 || addresses[0].IPNet.String() != addressNet(i.Address).String() {
		return fmt.Errorf("addresses read back as %v, not %s", addresses, i.Address)
	}
	return nil
}

func addressNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func prefixNet(p netip.Prefix) *net.IPNet { return addressNet(p.Masked()) }

// broadcast is the last address of the prefix.
func broadcast(p netip.Prefix) net.IP {
	a := p.Masked().Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	return a[:]
}
