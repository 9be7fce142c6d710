package owners

import (
	"errors"
	"fmt"
	"os"

	"detgen/internal/boundary"
	"detgen/lab/internal/network"

	"golang.org/x/sys/unix"
)

// Groups are the v2 control groups in which those of hosts are made.
type Groups struct {
	dir   *os.File
	depth int // of dir below the root
}

// Close lets go of the groups.
func (g *Groups) Close() error { return g.dir.Close() }

// OpenGroups gives the v2 control groups: all of them, or those below this process's own where it is a user's. The mount
// is nowhere in the tree of files, so that no path leads from it, or from a group in it, to another file. The caller
// closes it.
func OpenGroups() (*Groups, error) {
	open, depth := mountGroups, 0
	if boundary.Rootless() {
		path, below, err := boundary.OwnGroup()
		if err != nil {
			return nil, err
		}
		depth = below
		open = func() (int, error) { return copyGroups(path) }
	}
	fd, err := open()
	if err != nil {
		return nil, fmt.Errorf("mount the v2 control groups: %w", err)
	}
	return &Groups{os.NewFile(uintptr(fd), "control groups"), depth}, nil
}

// mountGroups mounts all groups.
func mountGroups() (int, error) {
	fs, err := unix.Fsopen("cgroup2", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, err
	}
	return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
}

// copyGroups mounts the group at path and those below it.
func copyGroups(path string) (int, error) {
	return unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
}

// Supported tells whether this process may have the kernel note the owners of what hosts send; the error tells why not.
// It tries it: in a network namespace of its own a socket sends to itself, and must be found to be this process's.
func Supported() error {
	if !boundary.Rootless() {
		return nil
	}
	path, depth, err := boundary.OwnGroup()
	if err == nil {
		err = tryRules(path, depth)
	}
	if err != nil {
		return fmt.Errorf("%w; start detgen in a control group of its own (systemd-run --user --scope --property Delegate=yes detgen ...), or as root", err)
	}
	return nil
}

// tryRules lets rules note what a socket of this process sends, whose control group is at path.
func tryRules(path string, depth int) error {
	n, err := network.New()
	if err != nil {
		return err
	}
	defer n.Close()
	lo, err := n.Handle.LinkByName("lo")
	if err == nil {
		err = n.Handle.LinkSetUp(lo)
	}
	if err != nil {
		return fmt.Errorf("loopback interface: %w", err)
	}
	rules, err := watchByRules(n, depth)
	if err != nil {
		return err
	}
	defer rules.close()
	err = n.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Sendto(fd, nil, 0, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}})
	})
	if err != nil {
		return fmt.Errorf("send in a network namespace: %w", err)
	}
	var group unix.Stat_t
	if err := unix.Stat(path, &group); err != nil {
		return err
	}
	found := false
	err = rules.read(func(k *key, _ int64) { found = found || k.group() == group.Ino })
	if err == nil && !found {
		err = errors.New("the kernel's rules do not find the control groups of sockets")
	}
	return err
}
