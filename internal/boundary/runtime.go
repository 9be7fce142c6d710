package boundary

import (
	"errors"
	"fmt"
	"os/exec"

	"golang.org/x/sys/unix"
)

// Runtimes are the OCI runtimes that can start hosts and builds, in order of preference.
var Runtimes = []string{"crun", "runc"}

// FindRuntime gives the path of the OCI runtime that hosts and builds are started with.
func FindRuntime() (string, error) {
	for _, name := range Runtimes {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no OCI runtime: install crun (apt-get install crun)")
}

// PrepareRuntime makes the cgroup tree one that the OCI runtimes take: in the hybrid layout
// (cgroup v1 with an additional v2 tree) crun refuses the v2 tree, so it is taken away in this
// mount namespace.
func PrepareRuntime() error {
	const second = "/sys/fs/cgroup/unified"
	err := unix.Unmount(second, unix.MNT_DETACH)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	if errors.Is(err, unix.EINVAL) {
		// It is no mount; or it is one that an ordinary user's namespace may hide but not take away.
		var fs unix.Statfs_t
		if unix.Statfs(second, &fs) != nil || fs.Type != unix.CGROUP2_SUPER_MAGIC {
			return nil
		}
		err = unix.Mount("tmpfs", second, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("take away the second cgroup tree: %w", err)
}

// Scratch is a directory that every user can walk to, where a private mount namespace has what lives as long as
// a lab or a build: roots must be there, not in a private home, and nothing that a lab or a build needs is below it. It
// is the mount point of the BPF file system, which every kernel has that can run labs.
const Scratch = "/sys/fs/bpf"
