// Command escape tries to get out of a host of a lab in every way that it knows, and prints for each
// what the kernel said: the attempt, a tab, and the name of the error, or OUT when it worked. The
// tests run it as root, in a host with every capability that a scenario can ask for, and, with the argument
// "build", in the build of an image, whose first process is the build's own. It is Linux on x86-64 alone, as its
// system calls' numbers are.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// attempt is one way out.
type attempt struct {
	name string
	try  func() error // nil when it got out
}

func main() {
	runtime.LockOSThread()
	worked := false
	for _, list := range [][]attempt{kernelFiles, systemCalls, namespaces, devices, others, networks} {
		for _, a := range list {
			if len(os.Args) > 1 && os.Args[1] == "build" && slices.Contains(ownInit, a.name) {
				continue
			}
			said := "OUT"
			if err := a.try(); err != nil {
				said = errorName(err)
			} else {
				worked = true
			}
			fmt.Printf("%s\t%s\n", a.name, said)
		}
	}
	if worked {
		os.Exit(1)
	}
}

// ownInit are the attempts that show nothing of others where the first process is one's own.
var ownInit = []string{"read /proc/1/environ", "read /proc/1/root/", "read /proc/1/cwd/", "read /proc/1/map_files"}

func errorName(err error) string {
	var number syscall.Errno
	if errors.As(err, &number) {
		if name := unix.ErrnoName(number); name != "" {
			return name
		}
	}
	return strings.ReplaceAll(err.Error(), "\n", " ")
}

// call is an attempt that is one system call.
func call(name string, number uintptr, args ...uintptr) attempt {
	return attempt{name, func() error {
		var a [6]uintptr
		copy(a[:], args)
		if _, _, e := unix.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5]); e != 0 {
			return e
		}
		return nil
	}}
}

func write(path, text string) attempt {
	return attempt{"write " + path, func() error {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		if info, err := f.Stat(); err != nil {
			return err
		} else if null, err := os.Stat("/dev/null"); err == nil && os.SameFile(info, null) {
			return errNull
		}
		_, err = f.WriteString(text)
		return err
	}}
}

// errNull says that /dev/null is in the place of the file.
var errNull = errors.New("/dev/null")

// errEmpty says that a file can be opened, and shows nothing.
var errEmpty = errors.New("empty")

func read(path string) attempt {
	return attempt{"read " + path, func() error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.IsDir() {
			entries, err := os.ReadDir(path)
			if err == nil && len(entries) == 0 {
				err = errEmpty
			}
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		n, err := f.Read(make([]byte, 1))
		if n > 0 {
			return nil
		}
		if err == nil || err.Error() == "EOF" {
			return errEmpty
		}
		return err
	}}
}

var kernelFiles = []attempt{
	// what they would do to the machine is harmless: the values are those that are there, or wrong
	write("/proc/sys/kernel/core_pattern", "core"),
	write("/proc/sys/kernel/modprobe", "/nowhere"),
	write("/proc/sys/kernel/hostname", "escaped"),
	write("/proc/sys/kernel/domainname", "escaped"),
	write("/proc/sys/kernel/panic_on_oops", "0"),
	write("/proc/sys/vm/overcommit_memory", "0"),
	write("/proc/sys/vm/drop_caches", "0"),
	write("/proc/sys/fs/file-max", "1000000"),
	write("/proc/sys/fs/binfmt_misc/register", ":"),
	write("/proc/sys/net/ipv4/ip_forward", "1"),
	write("/proc/sys/user/max_user_namespaces", "1000"),
	write("/proc/sysrq-trigger", "?"),
	write("/proc/irq/default_smp_affinity", "1"),
	write("/proc/1/oom_score_adj", "-1000"),
	write("/proc/self/oom_score_adj", "-1000"),
	write("/proc/1/uid_map", "0 0 1"),
	write("/sys/power/state", "?"),
	write("/sys/kernel/uevent_helper", "/nowhere"),
	write("/sys/kernel/mm/transparent_hugepage/enabled", "?"),
	write("/sys/fs/cgroup/cgroup.procs", "1"),
	write("/sys/fs/cgroup/memory/release_agent", "/nowhere"),
	write("/sys/class/net/lo/ifalias", "escaped"),
	read("/proc/kcore"), read("/proc/kmsg"), read("/proc/keys"), read("/proc/key-users"), read("/proc/kallsyms"), read("/proc/latency_stats"),
	read("/proc/timer_list"), read("/proc/sched_debug"), read("/proc/scsi"), read("/proc/acpi"), read("/proc/bus"), read("/proc/fs"),
	read("/proc/irq"), read("/proc/modules"), read("/proc/partitions"), read("/proc/interrupts"), read("/proc/iomem"),
	read("/proc/cmdline"), read("/proc/config.gz"), read("/proc/slabinfo"), read("/proc/vmallocinfo"), read("/proc/locks"),
	read("/sys/firmware"), read("/sys/kernel"), read("/sys/fs"), read("/sys/module"), read("/sys/block"), read("/sys/bus"), read("/sys/dev"),
	read("/sys/devices/virtual/dmi"), read("/sys/devices/pci0000:00"), read("/sys/devices/platform"),
}

// zero is a zeroed argument that a system call may read or write.
var zero [256]byte

var systemCalls = []attempt{
	call("keyctl", unix.SYS_KEYCTL, 0, ^uintptr(2), 0),
	call("add_key", unix.SYS_ADD_KEY),
	call("request_key", unix.SYS_REQUEST_KEY),
	call("bpf", unix.SYS_BPF),
	call("userfaultfd", unix.SYS_USERFAULTFD, 1),
	call("io_uring_setup", unix.SYS_IO_URING_SETUP, 1),
	call("perf_event_open", unix.SYS_PERF_EVENT_OPEN),
	call("kexec_load", unix.SYS_KEXEC_LOAD),
	call("kexec_file_load", unix.SYS_KEXEC_FILE_LOAD),
	call("init_module", unix.SYS_INIT_MODULE),
	call("finit_module", unix.SYS_FINIT_MODULE),
	call("delete_module", unix.SYS_DELETE_MODULE),
	call("reboot: let Ctrl-Alt-Del be", unix.SYS_REBOOT, unix.LINUX_REBOOT_MAGIC1, unix.LINUX_REBOOT_MAGIC2, unix.LINUX_REBOOT_CMD_CAD_OFF),
	call("swapon", unix.SYS_SWAPON),
	call("acct", unix.SYS_ACCT),
	call("syslog: read all", unix.SYS_SYSLOG, 10),
	call("iopl", unix.SYS_IOPL, 3),
	call("ioperm", unix.SYS_IOPERM, 0x80, 1, 1),
	call("vhangup", unix.SYS_VHANGUP),
	call("quotactl", unix.SYS_QUOTACTL),
	call("fanotify_init", unix.SYS_FANOTIFY_INIT),
	call("memfd_secret", unix.SYS_MEMFD_SECRET),
	{"settimeofday", func() error { return unix.Settimeofday(&unix.Timeval{Sec: 1}) }},
	{"clock_settime", func() error { return unix.ClockSettime(unix.CLOCK_REALTIME, &unix.Timespec{Sec: 1}) }},
	{"adjtimex", func() error {
		_, err := unix.Adjtimex(&unix.Timex{Modes: unix.ADJ_FREQUENCY})
		return err
	}},
	{"sched_setscheduler: real time", func() error {
		return unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: 1, Priority: 99}, 0)
	}},
	{"setrlimit: above the limit", func() error {
		return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1 << 30, Max: 1 << 30})
	}},
	{"sethostname", func() error { return unix.Sethostname([]byte("escaped")) }},
	{"setdomainname", func() error { return unix.Setdomainname([]byte("escaped")) }},
}

func mountAt(kind, source, options string, flags uintptr) func() error {
	return func() error {
		dir, err := os.MkdirTemp("", "")
		if err != nil {
			return err
		}
		return unix.Mount(source, dir, kind, flags, options)
	}
}

func clone(flags uintptr) func() error {
	return func() error {
		process, err := os.StartProcess("/proc/self/exe", []string{"escape", "nothing"},
			&os.ProcAttr{Sys: &syscall.SysProcAttr{Cloneflags: flags}})
		if err == nil {
			process.Kill()
			process.Wait()
		}
		return err
	}
}

func clone3(flags uint64) func() error {
	return func() error {
		// struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, ...
		args := [11]uint64{0: flags, 4: uint64(unix.SIGCHLD)}
		return rawClone3(&args)
	}
}

var namespaces = []attempt{
	{"mount proc", mountAt("proc", "proc", "", 0)},
	{"mount sysfs", mountAt("sysfs", "sysfs", "", 0)},
	{"mount tmpfs", mountAt("tmpfs", "tmpfs", "", 0)},
	{"mount cgroup", mountAt("cgroup", "none", "memory", 0)},
	{"mount cgroup2", mountAt("cgroup2", "none", "", 0)},
	{"mount overlay", mountAt("overlay", "overlay", "lowerdir=/etc:/usr", 0)},
	{"mount devtmpfs", mountAt("devtmpfs", "none", "", 0)},
	{"mount debugfs", mountAt("debugfs", "none", "", 0)},
	{"mount bind", mountAt("", "/", "", unix.MS_BIND)},
	{"remount /proc/sys", func() error { return unix.Mount("", "/proc/sys", "", unix.MS_REMOUNT|unix.MS_BIND, "") }},
	{"umount /proc/sysrq-trigger", func() error { return unix.Unmount("/proc/sysrq-trigger", unix.MNT_DETACH) }},
	{"umount /sys/fs", func() error { return unix.Unmount("/sys/fs", unix.MNT_DETACH) }},
	{"fsopen", func() error { _, err := unix.Fsopen("tmpfs", 0); return err }},
	{"open_tree", func() error { _, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE); return err }},
	{"mount_setattr", func() error {
		return unix.MountSetattr(unix.AT_FDCWD, "/proc/sys", 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY})
	}},
	{"pivot_root", func() error { return unix.PivotRoot("/", "/") }},
	{"unshare user", clone(0)},
	{"setns of the init's mounts", setns("/proc/1/ns/mnt", unix.CLONE_NEWNS)},
	{"setns of the init's network", setns("/proc/1/ns/net", unix.CLONE_NEWNET)},
	{"setns of the init's users", setns("/proc/1/ns/user", unix.CLONE_NEWUSER)},
	{"clone user", clone(unix.CLONE_NEWUSER)},
	{"clone mount", clone(unix.CLONE_NEWNS)},
	{"clone network", clone(unix.CLONE_NEWNET)},
	{"clone cgroup", clone(unix.CLONE_NEWCGROUP)},
	{"clone3 user", clone3(unix.CLONE_NEWUSER)},
	{"clone3 user and mount", clone3(unix.CLONE_NEWUSER | unix.CLONE_NEWNS)},
	{"clone3 network", clone3(unix.CLONE_NEWNET)},
	{"clone3 time", clone3(unix.CLONE_NEWTIME)},
}

func init() {
	for i := range namespaces {
		if namespaces[i].name == "unshare user" {
			namespaces[i].try = func() error { return unix.Unshare(unix.CLONE_NEWUSER) }
		}
	}
	namespaces = append(namespaces,
		attempt{"unshare mount", func() error { return unix.Unshare(unix.CLONE_NEWNS) }},
		attempt{"unshare network", func() error { return unix.Unshare(unix.CLONE_NEWNET) }},
		attempt{"unshare cgroup", func() error { return unix.Unshare(unix.CLONE_NEWCGROUP) }})
}

func setns(path string, kind int) func() error {
	return func() error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return unix.Setns(int(f.Fd()), kind)
	}
}

func node(name string, mode uint32, major, minor uint32) attempt {
	return attempt{"mknod " + name, func() error {
		path := "/tmp/" + name
		if err := unix.Mknod(path, mode|0o600, int(unix.Mkdev(major, minor))); err != nil {
			return err
		}
		f, err := os.Open(path)
		if err == nil {
			f.Close()
		}
		return err
	}}
}

var devices = []attempt{
	node("mem", unix.S_IFCHR, 1, 1),
	node("kmsg", unix.S_IFCHR, 1, 11),
	node("null", unix.S_IFCHR, 1, 3),
	node("vda", unix.S_IFBLK, 254, 0),
	node("pmem0", unix.S_IFBLK, 259, 0),
	node("loop0", unix.S_IFBLK, 7, 0),
	// the node is the machine's
	{"change the mode of /dev/null", func() error { return os.Chmod("/dev/null", 0o666) }},
	{"change the mode of /dev/null, opened", func() error { return os.Stdin.Chmod(0o666) }},
	{"change the owner of /dev/null", func() error { return os.Chown("/dev/null", 0, 0) }},
	read("/dev/mem"), read("/dev/kmsg"), read("/dev/vda"), read("/dev/pmem0"), read("/dev/kvm"), read("/dev/fuse"), read("/dev/net/tun"),
	read("/dev/loop-control"), read("/dev/mapper/control"), read("/dev/ttyS0"),
}

var others = []attempt{
	{"ptrace the init", func() error { return unix.PtraceAttach(1) }},
	{"ptrace itself", func() error { _, _, e := unix.Syscall(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0); return failure(e) }},
	{"process_vm_readv of the init", func() error {
		local := []unix.Iovec{{Base: &zero[0], Len: 1}}
		_, err := unix.ProcessVMReadv(1, local, []unix.RemoteIovec{{Base: 0x400000, Len: 1}}, 0)
		return err
	}},
	{"follow /proc/1/fd/3", func() error { return failureOf(os.Open("/proc/1/fd/3")) }},
	read("/proc/1/mem"), read("/proc/1/environ"), read("/proc/1/root/"), read("/proc/1/cwd/"), read("/proc/1/map_files"),
	{"walk out of a control group of the init", func() error { return failureOf(os.ReadDir("/proc/1/fd/4/../../../../..")) }},
	{"join a control group of the init", func() error { return os.WriteFile("/proc/1/fd/4/cgroup.procs", []byte("0"), 0) }},
	{"pidfd_getfd of the init", func() error {
		fd, err := unix.PidfdOpen(1, 0)
		if err != nil {
			return err
		}
		_, err = unix.PidfdGetfd(fd, 3, 0)
		return err
	}},
	{"kill a process outside", func() error { return unix.Kill(1<<21, 0) }},
	{"open_by_handle_at", func() error {
		root, err := os.Open("/")
		if err != nil {
			return err
		}
		// inode 2 is the root of an ext4 file system
		_, err = unix.OpenByHandleAt(int(root.Fd()), unix.NewFileHandle(1, []byte{2, 0, 0, 0, 0, 0, 0, 0}), unix.O_RDONLY)
		return err
	}},
	{"chroot out", func() error {
		// the classic: a descriptor above the new root, then up
		root, err := os.Open("/")
		if err != nil {
			return err
		}
		if err := errors.Join(os.MkdirAll("/tmp/jail", 0o755), os.WriteFile("/escape-was-here", nil, 0o600)); err != nil {
			return err
		}
		if err := unix.Chroot("/tmp/jail"); err != nil {
			return err
		}
		if err := root.Chdir(); err != nil {
			return err
		}
		up := unix.Chroot(strings.Repeat("../", 64) + ".")
		if up != nil {
			return up
		}
		return exists("/escape-was-here", true)
	}},
	{"the machine's file", func() error { return exists("/run/detgen-escape", false) }},
	{"the neighbour's file", func() error { return exists("/neighbour", false) }},
	{"the lab's mounts", func() error { return exists("/sys/fs/bpf/neighbour", false) }},
	{"write what the lab mounts for all hosts", func() error { return failureOf(os.OpenFile("/.detgen/detgen", os.O_WRONLY, 0)) }},
}

// exists gives nil when path is there, or, inside, when it is not: then this is another root.
func exists(path string, inside bool) error {
	_, err := os.Stat(path)
	if inside {
		if err == nil {
			return errInside
		}
		return nil
	}
	return err
}

// errInside says that the root is still the host's.
var errInside = errors.New("inside")

func failureOf[T any](_ T, err error) error { return err }

func failure(e syscall.Errno) error {
	if e != 0 {
		return e
	}
	return nil
}

func family(name string, number int) attempt {
	return attempt{"socket " + name, func() error {
		fd, err := unix.Socket(number, unix.SOCK_STREAM, 0)
		if err != nil {
			fd, err = unix.Socket(number, unix.SOCK_SEQPACKET, 0)
		}
		if err == nil {
			unix.Close(fd)
		}
		return err
	}}
}

func dial(network, address string) attempt {
	return attempt{"connect to the machine: " + network + " " + address, func() error {
		c, err := net.Dial(network, address)
		if err == nil {
			c.Close()
		}
		return err
	}}
}

var networks = []attempt{
	// the test listens at these, on the machine
	dial("unix", "@detgen-escape"),
	dial("tcp", "127.0.0.1:47474"),
	dial("unix", "/run/detgen-escape.sock"),
	dial("udp", "192.0.2.1:9"),
	dial("tcp", "[2001:db8::1]:9"),
	family("AF_VSOCK", unix.AF_VSOCK),
	family("AF_ALG", unix.AF_ALG),
	family("AF_KEY", unix.AF_KEY),
	family("AF_BLUETOOTH", unix.AF_BLUETOOTH),
	family("AF_TIPC", unix.AF_TIPC),
	family("AF_XDP", unix.AF_XDP),
	family("AF_RDS", unix.AF_RDS),
	{"netlink: send an interface to the init's parent", func() error { return moveLink() }},
}
