package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"detgen/record"
	"detgen/seed"
)

// netem is the driver in the kernel. A pair of virtual Ethernet devices joins a host to a port
// in the switch's namespace; a bridge joins the ports of a network:
//
//	host's eth0 -- port -- bridge
//
// Down frames leave the port through a netem qdisc at its root, before they reach the host.
// With up settings, a second pair stands between port and bridge:
//
//	host's eth0 -- port = out -- in -- bridge
//
// What comes in at the port is redirected out by "out", which has the netem qdisc of the up
// line at its root; what comes in at "out" is redirected out by the port. (An intermediate
// functional block device in the port's ingress would need no second pair, but frames that
// netem copies to corrupt them lose the length of their header there and bring the kernel
// down: skb_copy does not keep mac_len, which ifb_ri_tasklet in drivers/net/ifb.c relies on.)
type netem struct {
	log     *slog.Logger
	handle  *netlink.Handle // in the switch's namespace
	qdiscs  *qdiscs
	devices []netlink.Link // in the switch's namespace, in the order in which they were made
	ports   []*netemPort

	mu      sync.Mutex // of what follows, and of the lines' settings
	changed error      // of the first scheduled change that failed
	closed  bool
	after   []record.LinkResult // results as of Close
}

type netemPort struct {
	Port
	device   netlink.Link // in the switch's namespace
	member   netlink.Link // of the bridge: the device, or the end of its detour
	up, down netemLine
}

// netemLine is one direction of a port.
type netemLine struct {
	direction record.Direction
	mtu       int
	device    int // with the qdisc at its root; 0 when the link is perfect for ever
	seed      uint64
	link      record.Link // in force
	settings  parameters
	timer     *time.Timer // of the next change; nil: none
	changes   schedule
}

// openNetEm makes the devices.
func openNetEm(ctx context.Context, seed uint64, switchNS int, ports []Port, log *slog.Logger) (_ *netem, err error) {
	n := &netem{log: log}
	for _, p := range ports {
		port := &netemPort{Port: p}
		links := p.directions()
		if port.up, err = newNetEmLine(seed, p, record.Up, links[0].link()); err == nil {
			port.down, err = newNetEmLine(seed, p, record.Down, links[1].link())
		}
		if err != nil {
			return nil, fmt.Errorf("link of host %q, interface %q: %w", p.Host, p.Interface, err)
		}
		n.ports = append(n.ports, port)
	}
	if n.handle, err = netlink.NewHandleAt(netns.NsHandle(switchNS), unix.NETLINK_ROUTE); err != nil {
		return nil, fmt.Errorf("open netlink in the switch's namespace: %w", err)
	}
	if n.qdiscs, err = openQdiscs(switchNS); err != nil {
		n.handle.Close()
		return nil, err
	}
	defer func() {
		if err != nil {
			n.remove()
		}
	}()
	bridges := map[string]netlink.Link{}
	for i, p := range n.ports {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		bridge := bridges[p.Network]
		if bridge == nil {
			if bridge, err = n.addBridge(fmt.Sprintf("br%d", len(bridges))); err != nil {
				return nil, fmt.Errorf("bridge of network %q: %w", p.Network, err)
			}
			bridges[p.Network] = bridge
		}
		if err := n.plug(p, i, switchNS, bridge); err != nil {
			return nil, fmt.Errorf("link of host %q, interface %q: %w", p.Host, p.Interface, err)
		}
	}
	return n, nil
}

func newNetEmLine(s uint64, p Port, direction record.Direction, l record.Link) (netemLine, error) {
	settings, changes, err := compileAll(l)
	if err != nil {
		return netemLine{}, fmt.Errorf("%s: %w", direction, err)
	}
	if len(l.Interventions) > 0 {
		return netemLine{}, fmt.Errorf("%s: intervention %s: use the link driver %q: %w", direction, l.Interventions[0], Soft, ErrUnsupported)
	}
	name := fmt.Sprintf("link/%s/%s/%s/netem", p.Host, p.Interface, direction)
	n := netemLine{direction: direction, mtu: p.MTU, seed: seed.Derive(s, name), link: l, settings: settings, changes: schedule{all: changes, period: time.Duration(l.Period)}}
	n.giveUniformTables()
	return n, nil
}

// giveUniformTables gives the uniform settings of a schedule a table when others have one:
// the kernel cannot take a table away again.
func (l *netemLine) giveUniformTables() {
	tables := l.settings.table != nil
	for _, c := range l.changes.all {
		tables = tables || c.settings.table != nil
	}
	if !tables {
		return
	}
	if l.settings.table == nil {
		l.settings.table = uniformTable()
	}
	for i := range l.changes.all {
		if l.changes.all[i].settings.table == nil {
			l.changes.all[i].settings.table = uniformTable()
		}
	}
}

// perfect says whether the line needs no qdisc.
func (l *netemLine) perfect() bool { return l.settings.perfect() && len(l.changes.all) == 0 }

// bridgeAgeing is how long a bridge remembers a station, in 1/100 s: longer than any lab.
const bridgeAgeing = 100 * 3600 * 24 * 30

func (n *netem) addBridge(name string) (netlink.Link, error) {
	snooping, ageing := false, uint32(bridgeAgeing)
	bridge := &netlink.Bridge{LinkAttrs: netlink.NewLinkAttrs(), MulticastSnooping: &snooping, AgeingTime: &ageing}
	bridge.Name = name
	if err := n.handle.LinkAdd(bridge); err != nil {
		return nil, err
	}
	n.devices = append(n.devices, bridge)
	return bridge, n.handle.LinkSetUp(bridge)
}

// plug makes the devices of one port and joins them.
func (n *netem) plug(p *netemPort, index, switchNS int, bridge netlink.Link) error {
	name := fmt.Sprintf("port%d", index)
	if err := n.addPair(p, name, switchNS); err != nil {
		return err
	}
	var err error
	if p.device, err = n.handle.LinkByName(name); err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	n.devices = append(n.devices, p.device)
	member := p.device
	if !p.up.perfect() {
		if member, err = n.detour(p, index); err != nil {
			return err
		}
	}
	p.member = member
	if err := n.handle.LinkSetMaster(member, bridge); err != nil {
		return fmt.Errorf("join %s to the bridge: %w", member.Attrs().Name, err)
	}
	// The bridge knows its stations from the start, as the soft driver does.
	station, _ := net.ParseMAC(p.MAC)
	err = n.handle.NeighSet(&netlink.Neigh{
		LinkIndex: member.Attrs().Index, Family: unix.AF_BRIDGE,
		State: netlink.NUD_NOARP, Flags: netlink.NTF_MASTER, HardwareAddr: station,
	})
	if err != nil {
		return fmt.Errorf("tell the bridge about %s: %w", p.MAC, err)
	}
	if !p.down.perfect() {
		p.down.device = p.device.Attrs().Index
		if err := n.apply(&p.down, false); err != nil {
			return err
		}
	}
	return n.handle.LinkSetUp(p.device)
}

// addPair makes the pair of devices: one end in the host, the other in the switch.
func (n *netem) addPair(p *netemPort, peer string, switchNS int) error {
	host, err := netlink.NewHandleAt(netns.NsHandle(p.NetNS), unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink in the host: %w", err)
	}
	defer host.Close()
	attributes := netlink.NewLinkAttrs()
	attributes.Name, attributes.MTU, attributes.TxQLen = p.Interface, p.MTU, -1
	attributes.HardwareAddr, _ = net.ParseMAC(p.MAC) // check has seen that it parses
	pair := &netlink.Veth{LinkAttrs: attributes, PeerName: peer, PeerNamespace: netlink.NsFd(switchNS), PeerMTU: uint32(p.MTU)}
	if err := host.LinkAdd(pair); err != nil {
		return fmt.Errorf("make a pair of virtual Ethernet devices: %w", err)
	}
	if p.Offload {
		return nil
	}
	for _, end := range []struct {
		namespace int
		name      string
	}{{p.NetNS, p.Interface}, {switchNS, peer}} {
		err := inNetNS(end.namespace, func() error {
			d, err := openDevice(end.name)
			if err != nil {
				return err
			}
			defer d.close()
			return d.offloadsOff()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// detour puts a second pair of devices, with the up line's qdisc, behind a port, and gives the
// end that is for the bridge.
func (n *netem) detour(p *netemPort, index int) (netlink.Link, error) {
	outName, inName := fmt.Sprintf("out%d", index), fmt.Sprintf("in%d", index)
	attributes := netlink.NewLinkAttrs()
	attributes.Name, attributes.MTU, attributes.TxQLen = outName, p.MTU, -1
	pair := &netlink.Veth{LinkAttrs: attributes, PeerName: inName, PeerMTU: uint32(p.MTU)}
	if err := n.handle.LinkAdd(pair); err != nil {
		return nil, fmt.Errorf("make a pair of virtual Ethernet devices: %w", err)
	}
	out, err := n.handle.LinkByName(outName)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", outName, err)
	}
	n.devices = append(n.devices, out)
	in, err := n.handle.LinkByName(inName)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", inName, err)
	}
	p.up.device = out.Attrs().Index
	if err := n.apply(&p.up, false); err != nil {
		return nil, err
	}
	for _, end := range []netlink.Link{out, in} {
		if err := n.handle.LinkSetUp(end); err != nil {
			return nil, fmt.Errorf("set %s up: %w", end.Attrs().Name, err)
		}
	}
	port := p.device.Attrs().Index
	return in, errors.Join(redirect(n.handle, port, p.up.device), redirect(n.handle, p.up.device, port))
}

// redirect sends everything that comes in at one device out by another.
func redirect(h *netlink.Handle, from, to int) error {
	ingress := &netlink.Ingress{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: from, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_INGRESS,
	}}
	if err := h.QdiscAdd(ingress); err != nil {
		return fmt.Errorf("add an ingress qdisc (sch_ingress): %w", err)
	}
	filter := &netlink.MatchAll{
		FilterAttrs: netlink.FilterAttrs{LinkIndex: from, Parent: ingress.Handle, Priority: 1, Protocol: unix.ETH_P_ALL},
		Actions:     []netlink.Action{netlink.NewMirredAction(to)},
	}
	if err := h.FilterAdd(filter); err != nil {
		return fmt.Errorf("add a filter that redirects (cls_matchall, act_mirred): %w", err)
	}
	return nil
}

// apply gives a line's settings to the kernel, reads them back and compares.
func (n *netem) apply(l *netemLine, change bool) error {
	if l.link.Managed() {
		if err := n.qdiscs.shape(l.device, &l.link, l.mtu); err != nil {
			return fmt.Errorf("%s: %w", l.direction, err)
		}
		return nil
	}
	if err := n.qdiscs.set(l.device, &l.settings, l.seed, change); err != nil {
		return fmt.Errorf("%s: set a netem qdisc (sch_netem): %w", l.direction, err)
	}
	has, err := n.qdiscs.get(l.device)
	if err != nil {
		return fmt.Errorf("%s: read the netem qdisc back: %w", l.direction, err)
	}
	if d := l.settings.difference(&has.settings); d != "" {
		return fmt.Errorf("%s: the kernel's netem qdisc differs from what was asked: %s", l.direction, d)
	}
	if has.seeded && has.seed != l.seed {
		return fmt.Errorf("%s: the kernel's netem qdisc differs from what was asked: seed %d, has %d", l.direction, l.seed, has.seed)
	}
	return nil
}

// Ended implements Driver.
func (n *netem) Ended() <-chan struct{} { return nil }

// Err implements Driver.
func (n *netem) Err() error { return nil }

// Tap implements Driver: the members of the bridge.
func (n *netem) Tap(network string) (devices []int, err error) {
	for _, p := range n.ports {
		if p.Network == network {
			devices = append(devices, p.member.Attrs().Index)
		}
	}
	if len(devices) == 0 {
		return nil, fmt.Errorf("no port is in network %q", network)
	}
	return devices, nil
}

// Name implements Driver.
func (n *netem) Name() string { return NetEm }

// Start implements Driver.
func (n *netem) Start(t time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.ports {
		for _, l := range []*netemLine{&p.up, &p.down} {
			n.await(p, l, t)
		}
	}
}

// await lets the next scheduled change of a line be made at its time, and those behind it.
func (n *netem) await(p *netemPort, l *netemLine, start time.Time) {
	c, at, ok := l.changes.due()
	if !ok {
		return
	}
	l.changes.next++
	l.timer = time.AfterFunc(time.Until(start.Add(at)), func() { n.change(p, l, *c, start) })
}

// change makes a scheduled change.
func (n *netem) change(p *netemPort, l *netemLine, c change, start time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	n.await(p, l, start)
	l.link, l.settings = c.link, c.settings
	if err := n.apply(l, true); err != nil {
		err = fmt.Errorf("link of host %q, interface %q: change at %v: %w", p.Host, p.Interface, c.at, err)
		n.changed = errors.Join(n.changed, err)
		n.log.Error("links", "error", err)
	}
}

// drainCheck is how often Drain looks: the kernel does not tell when a qdisc gets empty.
const drainCheck = time.Millisecond

// Drain implements Driver.
func (n *netem) Drain(ctx context.Context) error {
	tick := time.NewTicker(drainCheck)
	defer tick.Stop()
	for {
		queued, err := n.queued()
		if err != nil || queued == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %d frames under way: %w", queued, ctx.Err())
		}
	}
}

// queued gives how many frames all qdiscs hold.
func (n *netem) queued() (queued int, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return 0, nil
	}
	for _, p := range n.ports {
		for _, l := range []*netemLine{&p.up, &p.down} {
			if l.device == 0 {
				continue
			}
			has, err := n.qdiscs.get(l.device)
			if err != nil {
				return 0, fmt.Errorf("link of host %q: %s: read the netem qdisc: %w", p.Host, l.direction, err)
			}
			queued += int(has.queued)
		}
	}
	return queued, nil
}

// Results implements Driver. The kernel counts losses and a full queue together (Lost), and
// neither corrupted nor duplicated frames; Duplicated on an up line is what left or was lost
// beyond what came in, and Frames on a down line holds duplicates.
func (n *netem) Results() ([]record.LinkResult, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return n.after, n.changed
	}
	results, err := n.count()
	return results, errors.Join(err, n.changed)
}

func (n *netem) count() ([]record.LinkResult, error) {
	var results []record.LinkResult
	for _, p := range n.ports {
		device, err := n.handle.LinkByIndex(p.device.Attrs().Index)
		if err != nil {
			return nil, fmt.Errorf("link of host %q: read counters: %w", p.Host, err)
		}
		counters := device.Attrs().Statistics
		for _, l := range []*netemLine{&p.up, &p.down} {
			r := record.LinkResult{Host: p.Host, Interface: p.Interface, Direction: l.direction, ReadBack: l.link}
			r.Frames = counters.TxPackets
			if l == &p.up {
				r.Frames = counters.RxPackets
			}
			if l.device != 0 {
				has, err := n.qdiscs.get(l.device)
				if err != nil {
					return nil, fmt.Errorf("link of host %q: %s: read counters: %w", p.Host, l.direction, err)
				}
				r.Lost, r.Reordered = has.drops, has.requeues
				out := has.sent + has.drops + uint64(has.queued)
				if l == &p.up {
					r.Duplicated = max(out, r.Frames) - r.Frames
				} else {
					r.Frames = out
				}
			}
			results = append(results, r)
		}
	}
	return results, nil
}

// Close implements Driver.
func (n *netem) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return n.changed
	}
	n.closed = true
	for _, p := range n.ports {
		for _, l := range []*netemLine{&p.up, &p.down} {
			if l.timer != nil {
				l.timer.Stop()
			}
		}
	}
	results, err := n.count()
	n.after = results
	n.changed = errors.Join(n.changed, err)
	n.remove()
	return n.changed
}

// remove takes away what was made. What cannot be removed goes with the namespaces.
func (n *netem) remove() {
	for i := len(n.devices) - 1; i >= 0; i-- {
		if err := n.handle.LinkDel(n.devices[i]); err != nil {
			n.log.Debug("remove a device", "name", n.devices[i].Attrs().Name, "error", err)
		}
	}
	n.qdiscs.close()
	n.handle.Close()
}
