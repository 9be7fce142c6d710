package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"detgen/lab/inside"
	"detgen/record"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Machine is a virtual machine that is a host of labs, one after the other, instead of a container of
// this kernel. It outlives the lab.
type Machine interface {
	// Cards are the names of the machine's TAP devices, one for each interface of the host. They are in the
	// lab's own network namespace when no lab uses them.
	Cards() []string
	// Start lets the machine become a host, and gives the connection to its init, whose closing ends
	// what the lab started in it. Logs come into the directory logs.
	Start(ctx context.Context, s Setup, logs string) (io.ReadWriteCloser, error)
	// Owners gives what the machine's kernel saw the host's programs send, with times of this computer.
	Owners(ctx context.Context) ([]record.Owner, error)
	// Ended is closed when the machine is gone.
	Ended() <-chan struct{}
}

// Setup is what a machine is told to become a host.
type Setup struct {
	Run  *record.Run `json:"run"`
	Host string      `json:"host"` // its name
}

// plug joins the cards of a host's machine to the interfaces that the link driver made, each by a bridge in the
// host's namespace. The MAC address belongs to the machine's card, so the interface gets another.
func (h *host) plug() error {
	cards := h.machine.Cards()
	if len(cards) < len(h.Interfaces) {
		return fmt.Errorf("the machine has %d cards for %d interfaces", len(cards), len(h.Interfaces))
	}
	for n, i := range h.Interfaces {
		if err := h.plugCard(n, cards[n], i); err != nil {
			return fmt.Errorf("interface %s: %w", i.Name, err)
		}
	}
	return nil
}

func (h *host) plugCard(n int, card string, i record.Interface) error {
	mac, err := net.ParseMAC(i.MAC)
	if err != nil {
		return err
	}
	mac[0] ^= 0x40 // a local address that no card of the lab has
	own, err := netlink.LinkByName(card)
	if err != nil {
		return fmt.Errorf("card %s of the machine: %w", card, err)
	}
	if err := netlink.LinkSetNsFd(own, int(h.net.fd)); err != nil {
		return fmt.Errorf("move the machine's card: %w", err)
	}
	h.plugged = append(h.plugged, card)
	off := false
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: fmt.Sprintf("br%d", n), HardwareAddr: mac}, MulticastSnooping: &off}
	if err := h.net.handle.LinkAdd(bridge); err != nil {
		return fmt.Errorf("make a bridge: %w", err)
	}
	for _, name := range []string{i.Name, card} {
		link, err := h.net.handle.LinkByName(name)
		if err != nil {
			return err
		}
		if name == i.Name {
			err = h.net.handle.LinkSetHardwareAddr(link, mac)
		} else {
			err = h.net.handle.LinkSetMTU(link, h.Transport.MTU)
		}
		if err == nil {
			err = h.net.handle.LinkSetMaster(link, bridge)
		}
		if err == nil {
			err = h.net.handle.LinkSetUp(link)
		}
		if err != nil {
			return fmt.Errorf("join %s to the bridge: %w", name, err)
		}
	}
	return h.net.handle.LinkSetUp(bridge)
}

// unplug brings the machine's cards back into the lab's own namespace.
func (h *host) unplug() error {
	home, err := os.Open("/proc/thread-self/ns/net") // the first thread may be in a host's namespace
	if err != nil {
		return err
	}
	defer home.Close()
	var errs []error
	for _, card := range h.plugged {
		link, err := h.net.handle.LinkByName(card)
		if err == nil {
			err = h.net.handle.LinkSetNsFd(link, int(home.Fd()))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("host %q: take back the machine's card %s: %w", h.Name, card, err))
		}
	}
	return errors.Join(errs...)
}

// startMachine makes the host's machine a host of this lab.
func (h *host) startMachine(ctx context.Context, run *record.Run) error {
	conn, err := h.machine.Start(ctx, Setup{Run: run, Host: h.Name}, h.logs)
	if err != nil {
		return fmt.Errorf("host %q: %w", h.Name, err)
	}
	h.ended = make(chan struct{})
	go func() {
		<-h.machine.Ended()
		close(h.ended)
	}()
	h.connect(conn)
	return h.awaitInit(ctx)
}

// onThisClock gives a message of a machine, whose clock is its own, the time of its coming.
func onThisClock(m *inside.Message) {
	m.Time = time.Now()
	if m.Report != nil {
		m.Report.Time = m.Time
	}
}

// read gives the content of a file of the host: of its process table when the path is in /proc/net.
func (h *host) read(ctx context.Context, path string) ([]byte, error) {
	m, err := h.request(ctx, inside.Request{Operation: inside.Read, Path: path})
	if err == nil && m.Missing {
		err = fmt.Errorf("%s: %w", path, os.ErrNotExist)
	}
	return m.Content, err
}

// Furnish makes a machine's directory tree root, on which the image is, that of a host: accounts, files, and a
// place for the init and its helpers. It is called in the machine.
func Furnish(root string, s Setup) error {
	h, err := s.find()
	if err != nil {
		return err
	}
	h.rootDir = root
	if err := h.addUsers(); err != nil {
		return err
	}
	if err := h.furnish(s.Run); err != nil {
		return err
	}
	dir := filepath.Join(root, inside.Directory)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	for _, sub := range []string{"bin", "run", "logs"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	return linkHelpers(filepath.Join(dir, "bin"))
}

// Attribution notes in a machine which of a host's programs sends what.
type Attribution struct{ owners *owners }

// Attribute starts noting. dir is a directory that the v2 control groups are mounted on for as long; it is called in
// the machine.
func Attribute(s Setup, dir string) (*Attribution, error) {
	h, err := s.find()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := unix.Mount("none", dir, "cgroup2", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return nil, fmt.Errorf("mount the v2 control groups: %w", err)
	}
	o, err := newOwners(h.Name, filepath.Join(dir, "detgen-"+h.Name), programs(s.Run, h.Host))
	if err != nil {
		return nil, errors.Join(err, unix.Unmount(dir, unix.MNT_DETACH))
	}
	return &Attribution{o}, nil
}

// Groups are the control groups of the programs, as the host's init wants them from its descriptor
// inside.FirstGroup on.
func (a *Attribution) Groups() []*os.File { return a.owners.groups }

// Results gives what was noted, by time, on the machine's clock.
func (a *Attribution) Results() ([]record.Owner, error) { return a.owners.results() }

// Close ends noting. The host's programs must have ended.
func (a *Attribution) Close() error {
	a.owners.close()
	return unix.Unmount(filepath.Dir(a.owners.dir), unix.MNT_DETACH)
}

// find gives the host that a setup is about.
func (s Setup) find() (*host, error) {
	for i := range s.Run.Hosts {
		if s.Run.Hosts[i].Name == s.Host {
			return &host{Host: &s.Run.Hosts[i]}, nil
		}
	}
	return nil, fmt.Errorf("the run has no host %q", s.Host)
}

// ConfigureMachine gives the interfaces of this machine, eth0 and so on, the addresses of a host, and sets the
// transport factors that are sysctls. IPv6 stays as the system has it. It is called in the machine.
func ConfigureMachine(s Setup) error {
	h, err := s.find()
	if err != nil {
		return err
	}
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
	n := &namespace{fd: own, handle: handle}
	if err := n.sysctl(transportSettings(h.Host)); err != nil {
		return err
	}
	for _, i := range h.Interfaces {
		if err := clearInterface(n, h.Host, i); err != nil {
			return fmt.Errorf("interface %s: %w", i.Name, err)
		}
	}
	return configure(n, h.Host)
}

// clearInterface takes what an earlier run left from an interface, and gives it its MAC address and MTU.
func clearInterface(n *namespace, h *record.Host, i record.Interface) error {
	mac, err := net.ParseMAC(i.MAC)
	if err != nil {
		return err
	}
	link, err := n.handle.LinkByName(i.Name)
	if err != nil {
		return err
	}
	if err := n.handle.LinkSetDown(link); err != nil { // its routes go with this
		return err
	}
	addresses, err := n.handle.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	for _, a := range addresses {
		if err := n.handle.AddrDel(link, &a); err != nil {
			return fmt.Errorf("remove address %s: %w", a.IPNet, err)
		}
	}
	if err := n.handle.LinkSetHardwareAddr(link, mac); err != nil {
		return fmt.Errorf("set MAC %s: %w", mac, err)
	}
	return n.handle.LinkSetMTU(link, h.Transport.MTU)
}
