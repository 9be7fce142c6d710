package boundary

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Each host has a range of user and group IDs of its own (user_namespaces(7)): 0 in the host is
// FirstID of this kernel for the first host, and so on. The kernel gives none of them any right
// on the machine, and hosts are strangers to each other. The ranges end below 2^31, the largest
// group that net.ipv4.ping_group_range takes. Builds of images have the range below the hosts'.
const (
	FirstID = 1 << 29
	IDRange = 1 << 16
	BuildID = FirstID - IDRange
)

// IDs maps 0 and what follows in a user namespace to first and what follows on this kernel.
func IDs(first int) []syscall.SysProcIDMap {
	return []syscall.SysProcIDMap{{ContainerID: 0, HostID: first, Size: IDRange}}
}

// MountShifted mounts the tree at source at target so that its owners are those of a user namespace
// (mount_setattr(2), ID-mapped mounts), or as they are when that is nil. attributes are MOUNT_ATTR_ flags to add; device
// nodes never work.
func MountShifted(source, target string, user *os.File, attributes uint64) error {
	fd, err := unix.OpenTree(unix.AT_FDCWD, source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return fmt.Errorf("open the mount: %w", err)
	}
	defer unix.Close(fd)
	set := &unix.MountAttr{
		Attr_set:    unix.MOUNT_ATTR_NODEV | attributes,
		Propagation: unix.MS_PRIVATE,
	}
	if user != nil {
		set.Attr_set |= unix.MOUNT_ATTR_IDMAP
		set.Userns_fd = uint64(user.Fd())
	}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, set); err != nil {
		return fmt.Errorf("map the owners of its files (the file system must take ID-mapped mounts, as ext4, xfs and btrfs do): %w", err)
	}
	if err := unix.MoveMount(fd, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("mount it: %w", err)
	}
	return nil
}
