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

	"detgen/record"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Owners attributes what a host sends to its programs: each program runs in a control group
// (v2) of its own, and an eBPF program on the host's group notes, for each pair of addresses,
// the group of the socket that sent (bpf-helpers(7), bpf_skb_cgroup_id). The group is that of
// the process that made the socket, so two downloads to the same server and port are told
// apart, whoever answers.
type Owners struct {
	host     string
	dir      string             // the host's control group
	group    *os.File           // the same
	groups   []*os.File         // in the order of the programs
	names    map[uint64]Program // control group -> program
	seen     *ebpf.Map
	program  *ebpf.Program
	attached link.Link
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

// OpenGroups gives the v2 control groups. The mount is nowhere in the tree of files, so that no path
// leads from it, or from a group in it, to another file. The caller closes it.
func OpenGroups() (*os.File, error) {
	fail := func(err error) (*os.File, error) {
		return nil, fmt.Errorf("mount the v2 control groups: %w", err)
	}
	fs, err := unix.Fsopen("cgroup2", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fail(err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return fail(err)
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	if err != nil {
		return fail(err)
	}
	return os.NewFile(uintptr(fd), "control groups"), nil
}

// New makes the control groups of a host's programs and starts noting. The host's control group is
// name in the v2 tree groups, which stays open as long; programs are the names of all programs that
// will run. The host's init, whose ID is first, may start programs in the groups.
func New(host string, groups *os.File, name string, first int, programs []Program) (_ *Owners, err error) {
	dir := fmt.Sprintf("/proc/self/fd/%d/%s", groups.Fd(), name)
	o := &Owners{host: host, dir: dir, names: map[uint64]Program{}}
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
	if o.seen, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Hash, KeySize: ownerKeySize, ValueSize: 8, MaxEntries: maxOwners, Flags: unix.BPF_F_NO_PREALLOC}); err != nil {
		return nil, err
	}
	o.program, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetEgress, License: "Dual MIT/GPL", Instructions: noteOwner(o.seen.FD()),
	})
	if err != nil {
		return nil, err
	}
	o.attached, err = link.AttachCgroup(link.CgroupOptions{Path: dir, Attach: ebpf.AttachCGroupInetEgress, Program: o.program})
	return o, err
}

// The key of the table, as the program lays it out: group, source and destination address (IPv4 in the first four
// bytes of each), source and destination port (network order), protocol, version of IP, padding.
const (
	ownerKeySize   = 48
	keyGroup       = 0
	keySource      = 8
	keyDestination = 24
	keyPorts       = 40
	keyProtocol    = 44
	keyVersion     = 45
	ipHeader       = 20 // what the program reads of an IPv4 header
	ipFragment     = 6
	ipProtocol     = 9
	ipSource       = 12
	ip6Header      = 40
	ip6Next        = 6
	ip6Source      = 8
	fragmentMask   = 0xff1f // offset bits as a little-endian load sees them
	mapNoExist     = 1      // BPF_NOEXIST: the first packet's time stays
	frameKey       = -48    // on the program's stack
	frameTime      = -56
	frameIPHeader  = -96
)

// noteOwner is the program: it puts (group, addresses, ports, protocol) -> time into the table
// and lets every packet pass. It sees packets before they are cut into fragments, and follows no extension header of
// IPv6: what has one is noted without ports.
func noteOwner(table int) asm.Instructions {
	pass := asm.Instructions{asm.Mov.Imm(asm.R0, 1).WithSymbol("pass"), asm.Return()}
	load := func(size int32) asm.Instructions { // the IP header to the stack
		return asm.Instructions{
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.Mov.Imm(asm.R2, 0),
			asm.Mov.Reg(asm.R3, asm.RFP), asm.Add.Imm(asm.R3, frameIPHeader),
			asm.Mov.Imm(asm.R4, size),
			asm.FnSkbLoadBytes.Call(),
			asm.JNE.Imm(asm.R0, 0, "pass"),
		}
	}
	copyTo := func(key, header int16, size asm.Size) asm.Instructions {
		return asm.Instructions{
			asm.LoadMem(asm.R1, asm.RFP, frameIPHeader+header, size),
			asm.StoreMem(asm.RFP, frameKey+key, asm.R1, size),
		}
	}
	i := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1), asm.Mov.Imm(asm.R1, 0)}
	for at := int16(0); at < ownerKeySize; at += 8 {
		i = append(i, asm.StoreMem(asm.RFP, frameKey+at, asm.R1, asm.DWord))
	}
	i = append(i, load(ipHeader)...)
	i = append(i,
		asm.LoadMem(asm.R7, asm.RFP, frameIPHeader, asm.Byte),
		asm.Mov.Reg(asm.R8, asm.R7),
		asm.RSh.Imm(asm.R8, 4),
		asm.StoreMem(asm.RFP, frameKey+keyVersion, asm.R8, asm.Byte),
		asm.JEq.Imm(asm.R8, 6, "ipv6"),
		asm.JNE.Imm(asm.R8, 4, "pass"),
		// a later fragment has no ports
		asm.LoadMem(asm.R8, asm.RFP, frameIPHeader+ipFragment, asm.Half),
		asm.And.Imm(asm.R8, fragmentMask),
		asm.JNE.Imm(asm.R8, 0, "pass"),
	)
	i = append(i, copyTo(keySource, ipSource, asm.Word)...)
	i = append(i, copyTo(keyDestination, ipSource+4, asm.Word)...)
	i = append(i,
		asm.LoadMem(asm.R8, asm.RFP, frameIPHeader+ipProtocol, asm.Byte),
		asm.And.Imm(asm.R7, 0x0f),
		asm.LSh.Imm(asm.R7, 2),
		asm.Ja.Label("protocol"),
	)
	six := load(ip6Header)
	six[0] = six[0].WithSymbol("ipv6")
	i = append(i, six...)
	for n := int16(0); n < 16; n += 8 {
		i = append(i, copyTo(keySource+n, ip6Source+n, asm.DWord)...)
		i = append(i, copyTo(keyDestination+n, ip6Source+16+n, asm.DWord)...)
	}
	i = append(i,
		asm.LoadMem(asm.R8, asm.RFP, frameIPHeader+ip6Next, asm.Byte),
		asm.Mov.Imm(asm.R7, ip6Header),
		asm.StoreMem(asm.RFP, frameKey+keyProtocol, asm.R8, asm.Byte).WithSymbol("protocol"),
		// ports of TCP, UDP, SCTP
		asm.JEq.Imm(asm.R8, unix.IPPROTO_TCP, "ports"),
		asm.JEq.Imm(asm.R8, unix.IPPROTO_UDP, "ports"),
		asm.JNE.Imm(asm.R8, unix.IPPROTO_SCTP, "note"),
		asm.Mov.Reg(asm.R1, asm.R6).WithSymbol("ports"),
		asm.Mov.Reg(asm.R2, asm.R7),
		asm.Mov.Reg(asm.R3, asm.RFP), asm.Add.Imm(asm.R3, frameKey+keyPorts),
		asm.Mov.Imm(asm.R4, 4),
		asm.FnSkbLoadBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, "pass"),
		asm.Mov.Reg(asm.R1, asm.R6).WithSymbol("note"),
		asm.FnSkbCgroupId.Call(),
		asm.StoreMem(asm.RFP, frameKey+keyGroup, asm.R0, asm.DWord),
		asm.FnKtimeGetNs.Call(),
		asm.StoreMem(asm.RFP, frameTime, asm.R0, asm.DWord),
		asm.LoadMapPtr(asm.R1, table),
		asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, frameKey),
		asm.Mov.Reg(asm.R3, asm.RFP), asm.Add.Imm(asm.R3, frameTime),
		asm.Mov.Imm(asm.R4, mapNoExist),
		asm.FnMapUpdateElem.Call(),
	)
	return append(i, pass...)
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
	var real, monotonic unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &real); err != nil {
		return nil, err
	}
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &monotonic); err != nil {
		return nil, err
	}
	epoch := real.Nano() - monotonic.Nano()
	var list []record.Owner
	var key [ownerKeySize]byte
	var at uint64
	entries := o.seen.Iterate()
	for entries.Next(&key, &at) {
		p, ok := o.names[binary.NativeEndian.Uint64(key[keyGroup:])]
		if !ok {
			continue // the kernel's own: echo replies, resets to closed ports
		}
		address := func(at, port int) netip.AddrPort {
			a := netip.AddrFrom16([16]byte(key[at : at+16]))
			if key[keyVersion] == 4 {
				a = netip.AddrFrom4([4]byte(key[at : at+4]))
			}
			return netip.AddrPortFrom(a, binary.BigEndian.Uint16(key[port:]))
		}
		list = append(list, record.Owner{
			Host: o.host, Protocol: key[keyProtocol],
			Local: address(keySource, keyPorts), Remote: address(keyDestination, keyPorts+2),
			Program: p.Name, Activity: p.Activity, Time: time.Unix(0, epoch+int64(at)).UTC(),
		})
	}
	if err := entries.Err(); err != nil {
		return nil, fmt.Errorf("host %q: read owners of connections: %w", o.host, err)
	}
	if len(list) >= maxOwners {
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
	if o.attached != nil {
		o.attached.Close()
	}
	if o.program != nil {
		o.program.Close()
	}
	if o.seen != nil {
		o.seen.Close()
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
