// Package owners attributes what a host sends to its programs.
package owners

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"detgen/internal/boundary"
	"detgen/lab/internal/network"
	"detgen/record"

	"golang.org/x/sys/unix"
)

// Owners attributes what a host sends to its programs: each program runs in a control group
// (v2) of its own, and the kernel notes, for each pair of addresses, the group of the socket
// that sent: by an eBPF program, or by rules of nf_tables where this process may not load one.
// The group is that of the process that made the socket, so two downloads to the same server
// and port are told apart, whoever answers.
type Owners struct {
	host   string
	dir    string             // the host's control group
	group  *os.File           // the same
	groups []*os.File         // in the order of the programs
	level  int                // how many groups are above the programs'
	names  map[uint64]Program // control group -> program
	notes  notes
}

// Program is one that will run on the host, and the activity that it is part of, if any.
type Program struct{ Name, Activity string }

// Load is the name of the load generator among a host's programs.
const Load = "load"

// Programs names what will run on a host: its services, and the activities that have scripts there. The warm-up of an
// activity is attributed to the activity. Each has a control group, and the host's init a descriptor of it, so an activity
// that is elsewhere has none here: a day of a site has hundreds.
func Programs(run *record.Run, h *record.Host) []Program {
	list := []Program{{Name: Load}}
	for _, s := range h.Services {
		list = append(list, Program{Name: s.Name})
	}
	here := func(s record.Script) bool { return s.Host == h.Name }
	for _, a := range run.Activities {
		if slices.ContainsFunc(a.Scripts, here) || slices.ContainsFunc(a.Warmup, here) {
			list = append(list, Program{Name: a.Name, Activity: a.Name})
		}
	}
	return list
}

// maxOwners bounds the table of address pairs of one host.
const maxOwners = 1 << 17

// key is what is noted once: group, source and destination address (IPv4 in the first four bytes of each), source and
// destination port (network order), protocol, version of IP, padding.
type key [keySize]byte

func (k *key) group() uint64 { return binary.NativeEndian.Uint64(k[keyGroup:]) }

// Where the parts of a key are, in bytes.
const (
	keySize        = 48
	keyGroup       = 0
	keySource      = 8
	keyDestination = 24
	keyPorts       = 40
	keyProtocol    = 44
	keyVersion     = 45
)

// Offsets in the headers of IP, in bytes.
const (
	ipSource  = 12
	ip6Source = 8
)

// notes are what the kernel notes of a host, by one of its mechanisms.
type notes interface {
	// read calls take with each key, and the time at which it was first seen, in nanoseconds of CLOCK_REALTIME.
	read(take func(k *key, at int64)) error
	close()
}

// New makes the control groups of a host's programs; Watch starts noting. The host's control group is
// name in the v2 tree groups, which stays open as long; programs are the names of all programs that
// will run. The host's init, whose ID is first, may start programs in the groups.
func New(host string, groups *Groups, name string, first int, programs []Program) (_ *Owners, err error) {
	dir := fmt.Sprintf("/proc/self/fd/%d/%s", groups.dir.Fd(), name)
	o := &Owners{host: host, dir: dir, level: groups.depth + 2, names: map[uint64]Program{}}
	defer func() {
		if err != nil {
			o.Close()
			err = fmt.Errorf("attribution: %w", err)
		}
	}()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if o.group, err = os.Open(dir); err != nil {
		return nil, err
	}
	// clone3(2), CLONE_INTO_CGROUP: the caller must be allowed to write to both groups, and to the
	// one above both.
	allow := func(group string) error { return os.Chown(filepath.Join(group, "cgroup.procs"), first, first) }
	if err := allow(dir); err != nil {
		return nil, err
	}
	for _, p := range programs {
		path := filepath.Join(dir, strings.ReplaceAll(p.Name, "/", "-"))
		if err := os.MkdirAll(path, 0o755); err != nil {
			return nil, err
		}
		if err := allow(path); err != nil {
			return nil, err
		}
		group, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		o.groups = append(o.groups, group)
		var info unix.Stat_t
		if err := unix.Fstat(int(group.Fd()), &info); err != nil {
			return nil, err
		}
		o.names[info.Ino] = p
	}
	return o, nil
}

// Watch starts noting what is sent in a host's network namespace, where nothing has been sent yet.
func (o *Owners) Watch(n *network.Namespace) (err error) {
	if boundary.Rootless() {
		o.notes, err = watchByRules(n, o.level)
	} else {
		o.notes, err = watchByProgram(o.dir)
	}
	if err != nil {
		return fmt.Errorf("attribution: %w", err)
	}
	return nil
}

// Group is the host's control group.
func (o *Owners) Group() *os.File { return o.group }

// Groups are the control groups of the programs, in their order.
func (o *Owners) Groups() []*os.File { return o.groups }

// Busy tells if there are programs in a control group, the one with this index.
func (o *Owners) Busy(index int) (bool, error) {
	events, err := os.ReadFile(filepath.Join(o.groups[index].Name(), "cgroup.events")) // Documentation/admin-guide/cgroup-v2.rst
	return !strings.Contains(string(events), "populated 0"), err
}

// Results gives what was noted, by time.
func (o *Owners) Results() ([]record.Owner, error) {
	var list []record.Owner
	pairs := 0
	err := o.notes.read(func(k *key, at int64) {
		pairs++
		p, ok := o.names[k.group()]
		if !ok {
			return // the kernel's own: echo replies, resets to closed ports
		}
		address := func(at, port int) netip.AddrPort {
			a := netip.AddrFrom16([16]byte(k[at : at+16]))
			if k[keyVersion] == 4 {
				a = netip.AddrFrom4([4]byte(k[at : at+4]))
			}
			return netip.AddrPortFrom(a, binary.BigEndian.Uint16(k[port:]))
		}
		list = append(list, record.Owner{
			Host: o.host, Protocol: k[keyProtocol],
			Local: address(keySource, keyPorts), Remote: address(keyDestination, keyPorts+2),
			Program: p.Name, Activity: p.Activity, Time: time.Unix(0, at).UTC(),
		})
	})
	if err != nil {
		return nil, fmt.Errorf("host %q: read owners of connections: %w", o.host, err)
	}
	if pairs >= maxOwners {
		return nil, fmt.Errorf("host %q: more than %d address pairs: not all could be attributed", o.host, maxOwners)
	}
	slices.SortStableFunc(list, func(a, b record.Owner) int {
		if c := a.Time.Compare(b.Time); c != 0 {
			return c
		}
		return strings.Compare(a.Local.String()+a.Remote.String(), b.Local.String()+b.Remote.String())
	})
	return list, nil
}

// Close ends noting and removes the programs' control groups, which must be empty.
func (o *Owners) Close() {
	if o.notes != nil {
		o.notes.close()
	}
	for _, g := range o.groups {
		os.Remove(g.Name())
		g.Close()
	}
	if o.group != nil {
		o.group.Close()
	}
	os.Remove(o.dir)
}
