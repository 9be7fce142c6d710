package boundary

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"detgen/internal/userns"

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

// Rootless tells if this process is in a user namespace that an ordinary user of the machine made (internal/userns): its
// root is that user, and the IDs that follow are the user's subordinate ones. There a file system of the machine cannot be
// mounted with other owners, so all hosts have one range, UserLayout.First and what follows, and the files of images have
// their owners in it.
func Rootless() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(text)), " ") != "0 0 4294967295"
}

// UserLayout is the user namespace of a user's labs. A host's root is not the namespace's, who is the user.
var UserLayout = userns.Layout{Own: 0, First: 1, Count: IDRange}

// HostID is what 0 in the host with a number is on this kernel.
func HostID(number int) int {
	if Rootless() {
		return UserLayout.First
	}
	return FirstID + number*IDRange
}

// LastID is the largest ID that a host can have on this kernel.
func LastID() int {
	if Rootless() {
		return UserLayout.First + UserLayout.Count - 1
	}
	return 1<<31 - 1
}

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
