package lab

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"detgen/internal/boundary"
	"detgen/internal/helper"
	"detgen/lab/inside"
	"detgen/lab/internal/rootfs"
	"detgen/record"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// bundle writes the OCI bundle of a host: its overlay root, mounted, and its config.json.
func (h *container) bundle(o *Options) error {
	for _, dir := range []string{"root", "upper", "work", "detgen/bin", "detgen/run", "detgen/host"} {
		if err := os.MkdirAll(filepath.Join(h.dir, dir), 0o755); err != nil {
			return err
		}
	}
	layers := o.Images[h.Digest]
	if len(layers) == 0 {
		return fmt.Errorf("image %s (%s) is not at hand", h.Image, h.Digest)
	}
	for _, c := range h.Capabilities {
		if err := record.CheckCapability(c); err != nil {
			return fmt.Errorf("capability %q: %w", c, err)
		}
	}
	for _, d := range h.Devices {
		if err := h.makeDevice(d); err != nil {
			return fmt.Errorf("device %q: %w", d, err)
		}
	}
	if err := mountRoot(h.dir, layers, h.user, h.first); err != nil {
		return fmt.Errorf("mount the root of image %s: %w", h.Image, err)
	}
	if err := rootfs.LinkHelpers(filepath.Join(h.dir, "detgen/bin")); err != nil {
		return err
	}
	if err := giveTo(filepath.Join(h.dir, "detgen"), h.first); err != nil {
		return err
	}
	config, err := json.Marshal(h.config(o))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(h.dir, "config.json"), config, 0o644)
}

// characterDevices are the numbers of record.Devices (Documentation/admin-guide/devices.txt).
var characterDevices = map[string]struct{ major, minor uint32 }{"net/tun": {10, 200}}

// device is where the node of a device is.
func (h *container) device(name string) string {
	if boundary.Rootless() {
		return filepath.Join("/dev", name)
	}
	return filepath.Join(h.dir, "devices", name)
}

// makeDevice makes the node of a device for a host, which anybody may open there: the computer's own may be for its root
// alone, who is nobody in the host. What the device does takes capabilities in the host's network. A user may make no
// nodes: the host gets the computer's.
func (h *container) makeDevice(name string) error {
	if err := record.CheckDevice(name); err != nil {
		return err
	}
	if boundary.Rootless() {
		return nil
	}
	path, number := h.device(name), characterDevices[name]
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(number.major, number.minor))); err != nil {
		return err
	}
	return os.Chmod(path, 0o666) // whatever the umask is
}

func (h *container) root() string {
	return filepath.Join(h.dir, "root")
}

// config is the host as an OCI container (OCI runtime specification 1.0).
func (h *container) config(o *Options) *specs.Spec {
	caps := make([]string, 0, len(h.Capabilities))
	for _, c := range h.Capabilities {
		caps = append(caps, "CAP_"+c)
	}
	slices.Sort(caps)
	init := slices.Clone(caps) // it hands on caps alone, see inside.Init
	for _, own := range []string{"CAP_SYS_CHROOT", "CAP_SETPCAP"} {
		if !slices.Contains(init, own) {
			init = append(init, own)
		}
	}
	bind := func(source, destination string, options ...string) specs.Mount {
		return specs.Mount{Source: source, Destination: destination, Type: "bind", Options: append([]string{"bind", "nosuid", "nodev"}, options...)}
	}
	resources, groupsPath, shm := h.resources(), "/"+h.id, []string{"nosuid", "noexec", "nodev", "mode=1777"}
	var ofEach []specs.POSIXRlimit
	var kill *int
	if boundary.Rootless() { // the lab looks at what there is no group for: see watchAmounts
		resources, groupsPath, shm = nil, "", append(shm, "size="+strconv.FormatUint(h.Memory, 10))
		first := 1000
		ofEach, kill = h.amounts().OfEach(), &first
	}
	mounts := []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: shm},
		bind(filepath.Join(h.dir, "detgen"), inside.Directory),
		bind(o.Program, inside.Binary, "ro"),
	}
	for _, d := range h.Devices {
		mounts = append(mounts, specs.Mount{Destination: "/dev/" + d, Source: h.device(d), Type: "bind", Options: []string{"bind", "nosuid", "noexec"}})
	}
	return &specs.Spec{
		Version:  "1.0.2",
		Hostname: h.Name,
		Root:     &specs.Root{Path: h.root()},
		Process: &specs.Process{
			Args:            []string{inside.Binary, inside.InitRole},
			Env:             []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "GOMAXPROCS=1"},
			Cwd:             "/",
			NoNewPrivileges: !h.NewPrivileges,
			Capabilities:    &specs.LinuxCapabilities{Bounding: init, Effective: init, Permitted: init, Inheritable: caps},
			Rlimits:         ofEach,
			OOMScoreAdj:     kill, // to end first when the machine has no memory left (proc_pid_oom_score_adj(5))
		},
		Mounts:      mounts,
		Annotations: boundary.Compiled(),
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace}, {Type: specs.MountNamespace},
				{Type: specs.CgroupNamespace},
				{Type: specs.UserNamespace, Path: descriptorPath(h.user.Fd())},
				{Type: specs.NetworkNamespace, Path: descriptorPath(uintptr(h.net.FD))},
			},
			MaskedPaths:   boundary.MaskedPaths,
			ReadonlyPaths: boundary.ReadOnlyPaths,
			Seccomp:       boundary.SystemCalls(),
			CgroupsPath:   groupsPath,
			Resources:     resources,
		},
	}
}

// amounts are what the host's programs may take.
func (h *host) amounts() boundary.Amounts {
	return boundary.Amounts{Memory: int64(h.Memory), Processes: h.Processes}
}

// watchAmounts ends the run when a host takes more than it may, for a user who may make no control groups.
func (l *lab) watchAmounts() error {
	var list []boundary.Measured
	for _, h := range l.hosts {
		if c, ok := h.system.(*container); ok {
			m, err := boundary.NewMeasured(fmt.Sprintf("host %q: ", h.Name), c.user, h.amounts())
			if err != nil {
				return err
			}
			list = append(list, m)
		}
	}
	go boundary.Watch(l.over, func() error { return boundary.Measure(list) }, l.fail)
	return nil
}

// resources are the host's limits, which control groups hold.
func (h *container) resources() *specs.LinuxResources {
	memory, processes := int64(h.Memory), int64(h.Processes)
	r := &specs.LinuxResources{
		Memory: &specs.LinuxMemory{Limit: &memory},
		Pids:   &specs.LinuxPids{Limit: &processes},
	}
	if h.CPU > 0 {
		period := uint64(10_000) // microseconds: short, so that a limited host is slow rather than bursty
		quota := int64(h.CPU * float64(period))
		r.CPU = &specs.LinuxCPU{Quota: &quota, Period: &period}
	}
	return r
}

// launch starts the host's container, with its init's connection.
func (h *container) launch(o *Options, log io.Writer) (err error) {
	var groups []*os.File
	var own *os.File
	if h.attribution != nil {
		groups = h.attribution.Groups()
		if own, err = h.startedInOwnGroup(); err != nil {
			return err
		}
	}
	args := []string{"--root", filepath.Join(h.dir, "runtime")}
	if boundary.Rootless() { // the lab makes the groups that there are
		args = append(args, "--cgroup-manager=disabled")
	}
	h.runtime, err = helper.Start(helper.Command{
		Path: o.Runtime, Files: groups, Output: log, Group: own,
		Args: append(args, "run", "--preserve-fds="+strconv.Itoa(1+len(groups)), "--pid-file", h.pidFile(), "--bundle", h.dir, h.id),
	})
	return err
}

// startedInOwnGroup gives the host's v2 control group when the runtime must be started in it because the runtime itself
// puts the host into groups of version 1 only, or into none; the host's init must be in the group that is above its
// programs' groups.
func (h *container) startedInOwnGroup() (*os.File, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs("/sys/fs/cgroup", &fs); err != nil {
		return nil, fmt.Errorf("look at the control groups: %w", err)
	}
	if fs.Type == unix.CGROUP2_SUPER_MAGIC && !boundary.Rootless() {
		return nil, nil
	}
	return h.attribution.Group(), nil
}

// descriptorPath names what a descriptor of this process is for another process of its PID
// namespace.
func descriptorPath(fd uintptr) string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd) }
