package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"detgen/lab/guest"
	"detgen/lab/inside"
	"detgen/lab/internal/network"
	"detgen/record"

	"github.com/vishvananda/netlink"
)

// Machine is a virtual machine that is a host of labs, one after the other, instead of a container of
// this kernel. It outlives the lab.
type Machine interface {
	// Cards are the names of the machine's TAP devices, one for each interface of the host. They are in the
	// lab's own network namespace when no lab uses them.
	Cards() []string
	// Start lets the machine become a host, and gives the connection to its init, whose closing ends
	// what the lab started in it. What the init prints goes to log.
	Start(ctx context.Context, s guest.Setup, log io.Writer) (io.ReadWriteCloser, error)
	// Owners gives what the machine's kernel saw the host's programs send, with times of this computer.
	Owners(ctx context.Context) ([]record.Owner, error)
}

// machine is a host that is a virtual machine.
type machine struct {
	*host
	Machine
	plugged []string // its cards that are in the host's namespace
	session io.Closer
}

func (m *machine) prepare(l *lab) error {
	l.result.Systems = true
	return nil
}

// isolate implements system: the machine's own network has what the run wants.
func (m *machine) isolate(*lab) (err error) {
	if m.net, err = network.New(); err != nil {
		return err
	}
	return m.net.WithoutIPv6() // the machine has what the run wants
}

// join implements system: it joins the machine's cards to the interfaces that the link driver made, each by a bridge in the
// host's namespace. The MAC address belongs to the machine's card, so the interface gets another.
func (m *machine) join() error {
	cards := m.Cards()
	if len(cards) < len(m.Interfaces) {
		return fmt.Errorf("the machine has %d cards for %d interfaces", len(cards), len(m.Interfaces))
	}
	for n, i := range m.Interfaces {
		if err := m.plugCard(n, cards[n], i); err != nil {
			return fmt.Errorf("interface %s: %w", i.Name, err)
		}
	}
	return nil
}

func (m *machine) plugCard(n int, card string, i record.Interface) error {
	mac, err := net.ParseMAC(i.MAC)
	if err != nil {
		return err
	}
	mac[0] ^= 0x40 // a local address that no card of the lab has
	own, err := netlink.LinkByName(card)
	if err != nil {
		return fmt.Errorf("card %s of the machine: %w", card, err)
	}
	if err := netlink.LinkSetNsFd(own, int(m.net.FD)); err != nil {
		return fmt.Errorf("move the machine's card: %w", err)
	}
	m.plugged = append(m.plugged, card)
	off := false
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: fmt.Sprintf("br%d", n), HardwareAddr: mac}, MulticastSnooping: &off}
	if err := m.net.Handle.LinkAdd(bridge); err != nil {
		return fmt.Errorf("make a bridge: %w", err)
	}
	for _, name := range []string{i.Name, card} {
		link, err := m.net.Handle.LinkByName(name)
		if err != nil {
			return err
		}
		if name == i.Name {
			err = m.net.Handle.LinkSetHardwareAddr(link, mac)
		} else {
			err = m.net.Handle.LinkSetMTU(link, m.Transport.MTU)
		}
		if err == nil {
			err = m.net.Handle.LinkSetMaster(link, bridge)
		}
		if err == nil {
			err = m.net.Handle.LinkSetUp(link)
		}
		if err != nil {
			return fmt.Errorf("join %s to the bridge: %w", name, err)
		}
	}
	return m.net.Handle.LinkSetUp(bridge)
}

// unplug brings the machine's cards back into the lab's own namespace.
func (m *machine) unplug() error {
	home, err := os.Open("/proc/thread-self/ns/net") // the first thread may be in a host's namespace
	if err != nil {
		return err
	}
	defer home.Close()
	var errs []error
	for _, card := range m.plugged {
		link, err := m.net.Handle.LinkByName(card)
		if err == nil {
			err = m.net.Handle.LinkSetNsFd(link, int(home.Fd()))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("host %q: take back the machine's card %s: %w", m.Name, card, err))
		}
	}
	return errors.Join(errs...)
}

// start implements system.
func (m *machine) start(ctx context.Context, l *lab, log io.Writer) (io.ReadWriteCloser, error) {
	conn, err := m.Machine.Start(ctx, guest.Setup{Run: l.run, Host: m.Name}, log)
	if err != nil {
		return nil, fmt.Errorf("host %q: %w", m.Name, err)
	}
	m.session = conn
	return conn, nil
}

// failed implements system: the machine goes on without the init.
func (m *machine) failed() <-chan struct{} { return m.calls.Gone() }

// when implements system: the machine's clock is its own.
func (m *machine) when(time.Time) time.Time { return time.Now() }

func (m *machine) table(ctx context.Context, name string) ([]byte, error) {
	path := "/proc/net/" + name
	answer, err := m.request(ctx, inside.Request{Operation: inside.Read, Path: path})
	if err == nil && answer.Missing {
		err = fmt.Errorf("%s: %w", path, os.ErrNotExist)
	}
	return answer.Content, err
}

func (m *machine) exists(ctx context.Context, path string) (bool, error) {
	answer, err := m.request(ctx, inside.Request{Operation: inside.Exists, Path: path})
	return !answer.Missing, err
}

// view implements system: a machine's scripts see its root.
func (m *machine) view(context.Context, string) (string, error) { return "", nil }

// unview implements system.
func (m *machine) unview(string, int) error { return nil }

func (m *machine) owners(ctx context.Context) ([]record.Owner, error) { return m.Machine.Owners(ctx) }

func (m *machine) stop() error {
	err := m.unplug()
	if m.session != nil {
		err = errors.Join(err, m.session.Close())
	}
	return err
}
