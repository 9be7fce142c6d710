// Package link connects the hosts of a lab: it makes the network interfaces of the hosts,
// joins them to their networks, and does to the frames between them what record.Link asks
// for, separately for each interface and direction. Frames meet the link after the sender's
// interface and before the receiver's, so a capture on a sender shows what was sent and a
// capture on a receiver what arrived.
//
// There are two drivers with the same meaning. "netem" lets the kernel do it (sch_netem, see
// tc-netem(8) and net/sched/sch_netem.c); "soft" is a switch in user space behind TAP devices,
// which works on every kernel, draws every decision from a seeded stream and keeps a log of
// all of them.
package link

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"detgen/record"
)

// The drivers' names.
const (
	Soft  = "soft"
	NetEm = "netem"
)

// Port is one interface of one host, to be plugged into a network.
type Port struct {
	Host      string
	Interface string // its name in the host: "eth0"; at most 15 bytes
	Network   string // ports with the same network are in one broadcast domain
	MAC       string // "02:00:00:00:00:01"
	NetNS     int    // descriptor of the host's network namespace; stays the caller's
	MTU       int    // bytes, 68 to 65521 - 14
	Offload   bool   // leave segmentation and checksum offloads on: frames may exceed the MTU
	Up, Down  record.Link

	// Twin, when not nil, counts instead of Up and Down: the settings of two twin runs, of
	// which this is the one named Side.
	Twin *record.TwinLinks
	Side string
}

// Driver is the links of one lab while they live. Its methods may be called by several
// goroutines at once.
type Driver interface {
	// Name is Soft or NetEm.
	Name() string
	// Tap gives the devices, by their index in the switch's namespace, at which everything that comes into the switch
	// of a tapped network comes in: each frame once, and nothing else. A frame comes in when it has left the line of
	// its sender, and before it gets to the line of a receiver.
	Tap(network string) ([]int, error)
	// Start tells when the main activity started: the times of the links' schedules count
	// from there. Without a call, no scheduled change happens.
	Start(t time.Time)
	// Drain returns when no frame is queued or on its way, or with ctx's error. It does
	// not stop hosts from sending more.
	Drain(ctx context.Context) error
	// Results gives two entries for each port, up and down, in the order of the ports: the
	// settings read back and the counters. It works after Close too, as of then or of the last call before.
	Results() ([]record.LinkResult, error)
	// Ended is closed when the links have ended, by Close or, what Err tells about, by themselves. It is nil for
	// links that the kernel makes.
	Ended() <-chan struct{}
	// Err is why the links ended, when Ended is closed.
	Err() error
	// Close takes the interfaces out of the hosts and frees everything. Frames still
	// queued are lost. It returns the error that stopped the driver before, if one did.
	Close() error
}

// DecisionLog is a driver that logs what it does to each frame: the soft driver.
type DecisionLog interface {
	// Log gives the log so far. It works after Close too, as of then or of the last call before.
	Log() (*record.LinkLog, error)
}

// Open makes the interfaces of the ports and joins them, with the named driver. In each host's
// namespace the interface exists then: down, without an address, with the port's name, MAC and
// MTU, offloads off unless the port asks for them. Giving it addresses and setting it up is the
// caller's (sysctl values that new interfaces inherit must be set before Open). switchNS is the
// descriptor of the namespace in which the netem driver may make its bridges, and the soft driver
// its monitor ports; it stays the caller's. All random decisions come from streams of the
// seed named after host, interface, direction and cause. taps are the networks that Tap is to
// give.
//
// The caller closes the driver. Nothing that Open makes outlives the process or the
// namespaces. An error that is ErrUnsupported names what the kernel lacks.
func Open(ctx context.Context, driver string, seed uint64, switchNS int, ports []Port, taps []string, log *slog.Logger) (Driver, error) {
	if driver != Soft && driver != NetEm {
		return nil, Supported(driver)
	}
	for _, p := range ports {
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("link of host %q, interface %q: %w", p.Host, p.Interface, err)
		}
	}
	if err := Supported(driver); err != nil {
		return nil, err
	}
	var d Driver
	var err error
	if driver == NetEm {
		d, err = openNetEm(ctx, seed, switchNS, ports, log)
	} else {
		d, err = openSoft(ctx, seed, switchNS, ports, taps, log)
	}
	if err != nil {
		return nil, err // not d, which holds a nil pointer
	}
	return d, nil
}
