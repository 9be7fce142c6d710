package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/boundary"
	"detgen/record"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// connections is how many lists a host's table of TCP connections has. To read /proc/net/tcp the kernel goes through all of
// them; the machine's own table, which a namespace shares otherwise, has up to 524288.
const connections = 2048

// OwnTables lets each namespace that is made from now on have a table of TCP connections of its own (Linux 6.1 and later;
// Documentation/networking/ip-sysctl.rst, tcp_child_ehash_entries). Isolate gives it the limits of the machine's.
func OwnTables() error {
	err := os.WriteFile("/proc/sys/net/ipv4/tcp_child_ehash_entries", []byte(strconv.Itoa(connections)), 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// tableLimits are those that the kernel derives from the size of a table (net/ipv4/tcp_ipv4.c, tcp_set_hashinfo), as they
// are in this process's namespace.
func tableLimits() ([]setting, error) {
	var settings []setting
	for _, key := range []string{"tcp_max_syn_backlog", "tcp_max_tw_buckets"} {
		value, err := os.ReadFile("/proc/sys/net/ipv4/" + key)
		if err != nil {
			return nil, err
		}
		settings = append(settings, setting{"net.ipv4." + key, strings.TrimSpace(string(value))})
	}
	return settings, nil
}

// Isolate prepares a host's namespace before any interface is up: no IPv6 unless asked, and
// the transport factors that are sysctls.
func (n *Namespace) Isolate(h *record.Host) error {
	limits, err := tableLimits()
	if err != nil {
		return err
	}
	settings := append(limits, transportSettings(h)...)
	switch {
	case !h.Transport.IPv6:
		settings = append(slices.Clone(noIPv6), settings...)
	case hasIPv6(h):
		settings = append(settings, ipv6Settings(h)...)
	}
	return n.sysctl(settings)
}

// hasIPv6 is true when a host has IPv6 addresses of the run, not just the link-local ones that the kernel gives.
func hasIPv6(h *record.Host) bool {
	for i := range h.Interfaces {
		for _, a := range h.Interfaces[i].Addresses() {
			if a.Addr().Is6() {
				return true
			}
		}
	}
	return false
}

// ipv6Settings set a host up whose addresses somebody wrote down, as most servers are: it looks for duplicates of its
// addresses as the kernel does (RFC 4862, section 5.4), and neither asks for routers nor makes addresses up.
func ipv6Settings(h *record.Host) []setting {
	settings := []setting{
		{"net.ipv6.conf.default.accept_ra", "0"},
		{"net.ipv6.conf.default.autoconf", "0"},
		{"net.ipv6.conf.default.router_solicitations", "0"},
		{"net.ipv6.conf.default.use_tempaddr", "0"},
		{"net.ipv6.conf.default.addr_gen_mode", "0"}, // link-local addresses from the MAC
		{"net.ipv6.conf.default.accept_dad", "1"},
		{"net.ipv6.conf.default.dad_transmits", "1"},
		{"net.ipv6.conf.all.forwarding", flag(h.Forward)},
		{"net.ipv6.bindv6only", "0"},
	}
	if h.Transport.NoICMPLimit {
		settings = append(settings, setting{"net.ipv6.icmp.ratelimit", "0"})
	}
	if h.Transport.TTL != 0 {
		settings = append(settings, setting{"net.ipv6.conf.default.hop_limit", strconv.Itoa(h.Transport.TTL)},
			setting{"net.ipv6.conf.all.hop_limit", strconv.Itoa(h.Transport.TTL)})
	}
	return settings
}

// WithoutIPv6 turns IPv6 off, on every interface.
func (n *Namespace) WithoutIPv6() error { return n.sysctl(noIPv6) }

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
		{"net.ipv4.ping_group_range", fmt.Sprintf("0 %d", boundary.LastID())}, // all groups
	}
	if t.Congestion != "" {
		settings = append(settings, setting{"net.ipv4.tcp_congestion_control", t.Congestion})
	}
	if t.NoICMPLimit {
		settings = append(settings, setting{"net.ipv4.icmp_ratelimit", "0"})
	}
	if t.NoSYNCookies {
		settings = append(settings, setting{"net.ipv4.tcp_syncookies", "0"})
	}
	if t.SYNACKRetries != 0 {
		settings = append(settings, setting{"net.ipv4.tcp_synack_retries", strconv.Itoa(t.SYNACKRetries)})
	}
	if t.ReceiveBuffer != 0 {
		// The first two numbers are the kernel's defaults: of a connection under pressure, and at its start.
		start := min(131072, t.ReceiveBuffer)
		settings = append(settings, setting{"net.ipv4.tcp_rmem", fmt.Sprintf("%d %d %d", min(4096, start), start, t.ReceiveBuffer)})
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

// Configure gives the interfaces of a host, which the link driver has made, their addresses
// and routes, brings them up, and reads everything back.
func (n *Namespace) Configure(h *record.Host) error {
	lo, err := n.Handle.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("loopback interface: %w", err)
	}
	if err := n.Handle.LinkSetUp(lo); err != nil {
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
		if err := n.Handle.RouteAdd(route); err != nil {
			return fmt.Errorf("route to %s by %s: %w", r.Destination, r.Via, err)
		}
	}
	return nil
}

func configureInterface(n *Namespace, h *record.Host, i record.Interface) error {
	link, err := n.Handle.LinkByName(i.Name)
	if err != nil {
		return err
	}
	for _, a := range i.Addresses() {
		address := &netlink.Addr{IPNet: addressNet(a)}
		if a.Addr().Is4() {
			address.Broadcast = broadcast(a)
		}
		if err := n.Handle.AddrAdd(link, address); err != nil {
			return fmt.Errorf("address %s: %w", a, err)
		}
	}
	if err := n.Handle.LinkSetUp(link); err != nil {
		return fmt.Errorf("up: %w", err)
	}
	if h.Transport.InitialCwnd != 0 || h.Transport.InitialRwnd != 0 {
		for _, a := range i.Addresses() {
			route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: prefixNet(a.Masked()), Protocol: unix.RTPROT_KERNEL,
				InitCwnd: h.Transport.InitialCwnd, InitRwnd: h.Transport.InitialRwnd}
			if a.Addr().Is4() {
				route.Scope, route.Src = netlink.SCOPE_LINK, a.Addr().AsSlice()
			} else {
				route.Priority = 256 // IP6_RT_PRIO_ADDRCONF: the kernel's own, which this replaces
			}
			if err := n.Handle.RouteReplace(route); err != nil {
				return fmt.Errorf("initial windows: %w", err)
			}
		}
	}
	return readBack(n, h, i)
}

// readBack compares an interface with what was asked for.
func readBack(n *Namespace, h *record.Host, i record.Interface) error {
	link, err := n.Handle.LinkByName(i.Name)
	if err != nil {
		return err
	}
	if got := link.Attrs().HardwareAddr.String(); got != i.MAC {
		return fmt.Errorf("MAC address reads back as %s, not %s", got, i.MAC)
	}
	if got := link.Attrs().MTU; got != h.Transport.MTU {
		return fmt.Errorf("MTU reads back as %d, not %d", got, h.Transport.MTU)
	}
	families := []int{netlink.FAMILY_V4}
	if hasIPv6(h) {
		families = append(families, netlink.FAMILY_V6)
	}
	var got, want []string
	for _, family := range families {
		addresses, err := n.Handle.AddrList(link, family)
		if err != nil {
			return err
		}
		for _, a := range addresses {
			if a.Scope != int(netlink.SCOPE_LINK) { // what the kernel adds
				got = append(got, a.IPNet.String())
			}
		}
	}
	for _, a := range i.Addresses() {
		want = append(want, addressNet(a).String())
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("addresses read back as %v, not %v", got, want)
	}
	return nil
}

// AwaitAddresses waits until the kernel has found that nobody else has the IPv6 addresses of a host, which its programs
// can use only then (RFC 4862, section 5.4): one second and up to one more after the interfaces came up.
func (n *Namespace) AwaitAddresses(ctx context.Context, h *record.Host) error {
	if !hasIPv6(h) {
		return nil
	}
	index := map[int]string{}
	for _, i := range h.Interfaces {
		link, err := n.Handle.LinkByName(i.Name)
		if err != nil {
			return fmt.Errorf("interface %s: %w", i.Name, err)
		}
		index[link.Attrs().Index] = i.Name
	}
	changes, done := make(chan netlink.AddrUpdate), make(chan struct{})
	defer close(done)
	err := netlink.AddrSubscribeWithOptions(changes, done, netlink.AddrSubscribeOptions{Namespace: &n.FD})
	if err != nil {
		return fmt.Errorf("watch addresses: %w", err)
	}
	for {
		tentative, err := n.tentative(index)
		if err != nil || !tentative {
			return err
		}
		select {
		case _, ok := <-changes:
			if !ok {
				return errors.New("watch addresses: the kernel's messages ended")
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// tentative is true when the kernel still looks for duplicates of an IPv6 address of an interface.
func (n *Namespace) tentative(interfaces map[int]string) (bool, error) {
	addresses, err := n.Handle.AddrList(nil, netlink.FAMILY_V6)
	if err != nil {
		return false, err
	}
	waits := false
	for _, a := range addresses {
		name, ours := interfaces[a.LinkIndex]
		switch {
		case !ours:
		case a.Flags&unix.IFA_F_DADFAILED != 0:
			return false, fmt.Errorf("interface %s: another host has the address %s", name, a.IPNet)
		case a.Flags&unix.IFA_F_TENTATIVE != 0:
			waits = true
		}
	}
	return waits, nil
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

// ConfigureAgain gives the namespace that the calling process is in, with interfaces eth0 and so on that may have
// been another host's, the addresses of a host, and sets the transport factors that are sysctls. IPv6 stays as it is.
func ConfigureAgain(h *record.Host) error {
	own, err := netns.Get()
	if err != nil {
		return err
	}
	defer own.Close()
	handle, err := netlink.NewHandleAt(own, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer handle.Close()
	n := &Namespace{FD: own, Handle: handle}
	if err := n.sysctl(transportSettings(h)); err != nil {
		return err
	}
	for _, i := range h.Interfaces {
		if err := clearInterface(n, h, i); err != nil {
			return fmt.Errorf("interface %s: %w", i.Name, err)
		}
	}
	return n.Configure(h)
}

// clearInterface takes what an earlier run left from an interface, and gives it its MAC address and MTU.
func clearInterface(n *Namespace, h *record.Host, i record.Interface) error {
	mac, err := net.ParseMAC(i.MAC)
	if err != nil {
		return err
	}
	link, err := n.Handle.LinkByName(i.Name)
	if err != nil {
		return err
	}
	if err := n.Handle.LinkSetDown(link); err != nil { // its routes go with this
		return err
	}
	addresses, err := n.Handle.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	for _, a := range addresses {
		if err := n.Handle.AddrDel(link, &a); err != nil {
			return fmt.Errorf("remove address %s: %w", a.IPNet, err)
		}
	}
	if err := n.Handle.LinkSetHardwareAddr(link, mac); err != nil {
		return fmt.Errorf("set MAC %s: %w", mac, err)
	}
	return n.Handle.LinkSetMTU(link, h.Transport.MTU)
}
