package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"detgen/internal/boundary"
	"detgen/lab/internal/network"
	"detgen/lab/internal/owners"
	"detgen/lab/link"
	"detgen/record"

	"golang.org/x/sys/unix"
)

// Requirement is one thing that a lab needs of this computer.
type Requirement struct {
	Name  string
	Err   error // nil when it is there; else what is missing and how to get it
	Limit error // of what is there all the same: what labs do without it, or refuse
}

// Requirements checks, without changing anything, what a lab on this kernel needs with a link
// driver ("" for any). Optional things are not among them.
func Requirements(driver string) []Requirement {
	checks := []struct {
		name  string
		check func() error
	}{
		{"root", checkRoot},
		{"OCI runtime", checkRuntime},
		{"namespaces", checkNamespaces},
		{"user namespaces", checkUserNamespaces},
		{"ID-mapped mounts", checkMappedMounts},
		{"openat2", checkOpenat2},
		{"overlay file system", func() error { return checkFileSystem("overlay") }},
		{"control groups", checkGroups},
		{"packet sockets", checkPacketSocket},
		{"links", func() error { return checkLinks(driver) }},
	}
	list := make([]Requirement, 0, len(checks))
	for _, c := range checks {
		list = append(list, Requirement{Name: c.name, Err: c.check()})
	}
	return append(list, limits()...)
}

// limits are what only this computer's root has, where this process is not it.
func limits() []Requirement {
	if !boundary.Rootless() {
		return nil
	}
	attribution := owners.Supported()
	if attribution != nil {
		attribution = fmt.Errorf("a run has one activity, and no names of programs: %w", attribution)
	}
	return []Requirement{
		{Name: "owners", Limit: attribution},
		{Name: "attributes", Limit: attributes()},
		{Name: "limits of hosts", Limit: errors.New("hosts have no limits of memory, processes and CPU, which take root")},
		{Name: "real time", Limit: errors.New("the soft driver's links have no priority, which takes root: delays are less exact on busy processors")},
	}
}

// CheckUser finds what a run asks for that takes root, before anything starts. attribution tells whether owners of
// connections can be noted.
func CheckUser(run *record.Run, attribution func() error) error {
	for _, h := range run.Hosts {
		if h.CPU > 0 {
			return fmt.Errorf("host %q: %s.cpu: a limit of its CPU takes root", h.Name, h.Name)
		}
	}
	if len(run.Activities) < 2 {
		return nil
	}
	if err := attribution(); err != nil {
		return fmt.Errorf("the run has %d activities, and what they send could not be told apart: %w", len(run.Activities), err)
	}
	return nil
}

// Attribution tells whether owners of connections can be noted; the error tells why not, and what to do.
func Attribution() error { return owners.Supported() }

// checkRuntime looks for the OCI runtime. Where this process is root for its user alone, it must be one that leaves the
// control groups to the lab.
func checkRuntime() error {
	path, err := boundary.FindRuntime()
	if err == nil && boundary.Rootless() && filepath.Base(path) != "crun" {
		return errors.New("labs of a user need crun: install it (apt-get install crun)")
	}
	return err
}

// ErrNotRoot is the error of a user who may not make labs.
var ErrNotRoot = errors.New("labs on this kernel need root: run as root, or use --engine exact")

func checkRoot() error {
	if os.Geteuid() != 0 {
		return ErrNotRoot
	}
	return nil
}

func checkNamespaces() error {
	for _, name := range []string{"net", "mnt", "pid", "uts", "ipc"} {
		if _, err := os.Stat("/proc/self/ns/" + name); err != nil {
			return fmt.Errorf("the kernel has no %s namespaces: use a kernel with CONFIG_NAMESPACES and all below it", name)
		}
	}
	return nil
}

// checkUserNamespaces looks whether hosts and builds can have user namespaces (user_namespaces(7)).
func checkUserNamespaces() error {
	return userNamespaces("/proc")
}

func userNamespaces(proc string) error {
	if _, err := os.Stat(proc + "/self/ns/user"); err != nil {
		return errors.New("the kernel has no user namespaces: use a kernel with CONFIG_USER_NS")
	}
	limit, err := os.ReadFile(proc + "/sys/user/max_user_namespaces")
	if err == nil && strings.TrimSpace(string(limit)) == "0" {
		return errors.New("user namespaces are forbidden: allow them (sysctl user.max_user_namespaces=10000)")
	}
	return nil
}

// checkMappedMounts looks whether the kernel maps the owners of mounts' files (mount_setattr(2)). The file system of the
// images must take it too, which a lab says that finds one that does not.
func checkMappedMounts() error {
	if boundary.Rootless() {
		return nil // the user's images have the owners that they are to have
	}
	return newCall("mount_setattr", "5.12", unix.MountSetattr(-1, "", unix.AT_EMPTY_PATH, &unix.MountAttr{}))
}

// attributes looks whether an overlay of a user can keep its notes in the lab's memory. Where it cannot, it works but for
// a folder of an image that is removed and made again (overlayfs's ovl_set_opaque_xerr).
func attributes() error {
	if err := unix.Mount("tmpfs", boundary.Scratch, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return fmt.Errorf("mount a tmpfs on %s: %w", boundary.Scratch, err)
	}
	defer unix.Unmount(boundary.Scratch, unix.MNT_DETACH)
	if err := unix.Setxattr(boundary.Scratch, "user.overlay.opaque", []byte("y"), 0); err != nil {
		return fmt.Errorf("a host's program that removes a folder of its image and makes it again gets an error (%w), before Linux 6.6", err)
	}
	return nil
}

// checkOpenat2 looks whether files of others' folders can be opened without a way out of them.
func checkOpenat2() error {
	fd, err := unix.Openat2(unix.AT_FDCWD, ".", &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS})
	if err == nil {
		unix.Close(fd)
	}
	return newCall("openat2", "5.6", err)
}

// newCall says what it means that a system call gave an error when it was given nothing to do.
func newCall(name, since string, err error) error {
	if errors.Is(err, unix.ENOSYS) || name == "openat2" && err != nil {
		return fmt.Errorf("the system call %s does not work (%w): use Linux %s or later, and no filter of system calls that hides it", name, err, since)
	}
	return nil
}

func checkFileSystem(name string) error {
	content, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(content)) {
		if strings.TrimSpace(strings.TrimPrefix(line, "nodev")) == name {
			return nil
		}
	}
	if exec.Command("modprobe", "-n", name).Run() == nil {
		return nil // the kernel loads it when it is mounted
	}
	return fmt.Errorf("the kernel has no %s: load the module (modprobe %s)", name, name)
}

func checkGroups() error {
	for _, dir := range []string{"/sys/fs/cgroup/memory", "/sys/fs/cgroup/cgroup.controllers"} {
		if _, err := os.Stat(dir); err == nil {
			return nil
		}
	}
	return errors.New("no control groups at /sys/fs/cgroup: mount them (mount -t cgroup2 none /sys/fs/cgroup)")
}

func checkPacketSocket() error {
	var fd int
	n, err := network.New() // where a user may open one too
	if err == nil {
		defer n.Close()
		err = n.Do(func() (err error) {
			fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("packet sockets cannot be opened (%w): use a kernel with CONFIG_PACKET, as root", err)
	}
	return unix.Close(fd)
}

func checkLinks(driver string) error {
	_, err := chooseDriver(driver)
	if driver == link.NetEm && errors.Is(err, link.ErrUnsupported) {
		return fmt.Errorf("%w or --engine exact, whose kernel has it", err)
	}
	return err
}

// chooseDriver gives the link driver to use: the one asked for, or what the kernel has.
func chooseDriver(asked string) (string, error) {
	if asked != "" {
		return asked, link.Supported(asked)
	}
	netem := link.Supported(link.NetEm)
	if netem == nil {
		return link.NetEm, nil
	}
	if soft := link.Supported(link.Soft); soft != nil {
		return "", errors.Join(netem, soft)
	}
	return link.Soft, nil
}
