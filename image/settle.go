package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// transient are the files that hold something of the machine or the moment of a build: logs,
// caches, backup copies, random keys that maintainer scripts made. Patterns as fs.Glob takes
// them. A scenario that needs such a key makes it itself, from the run's seed.
var transient = []string{
	"etc/.pwd.lock", "etc/group-", "etc/gshadow-", "etc/passwd-", "etc/shadow-", "etc/subgid-", "etc/subuid-",
	"etc/hostname", "etc/hosts", "etc/machine-id", "etc/mtab", "etc/resolv.conf", "etc/mailname",
	"etc/ssh/ssh_host_*", "etc/dropbear/*_key", "etc/bind/rndc.key",
	"etc/ssl/certs/ssl-cert-snakeoil.pem", "etc/ssl/private/ssl-cert-snakeoil.key",
	"usr/sbin/policy-rc.d",
	"var/backups/*", "var/cache/apt", "var/cache/debconf/*-old", "var/cache/ldconfig/aux-cache",
	"var/lib/apt", "var/lib/dbus/machine-id", "var/lib/dpkg/*-old", "var/lib/dpkg/available",
	"var/lib/dpkg/lock", "var/lib/dpkg/lock-frontend", "var/lib/dpkg/triggers/Lock",
	"var/lib/systemd/random-seed", "var/lib/urandom/random-seed",
	"dev/*", "proc/*", "run/*", "sys/*", "tmp/*", "run/.*", "tmp/.*", "var/tmp/*",
}

// settle makes a fresh layer one that depends on its recipe and packages only: it removes
// transient files and overlayfs's notes about where files were copied from, and limits
// modification times to epoch. attributes is how the names of overlayfs's notes begin. It returns the bytes that the
// layer takes on disk.
func settle(layer, attributes string) (int64, error) {
	root, err := os.OpenRoot(layer)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	for _, pattern := range transient {
		matches, err := fs.Glob(root.FS(), pattern)
		if err != nil {
			return 0, err
		}
		for _, match := range matches {
			if err := root.RemoveAll(match); err != nil {
				return 0, fmt.Errorf("remove %s: %w", match, err)
			}
		}
	}
	if err := removeLogs(root); err != nil {
		return 0, err
	}
	var bytes int64
	seen := map[uint64]bool{} // inodes with several names
	err = filepath.WalkDir(layer, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var stat unix.Stat_t
		if err := unix.Lstat(name, &stat); err != nil {
			return fmt.Errorf("look at %s: %w", name, err)
		}
		if stat.Nlink == 1 || d.IsDir() || !seen[stat.Ino] {
			bytes += stat.Blocks * 512
		}
		seen[stat.Ino] = true
		return settleFile(name, attributes, stat)
	})
	return bytes, err
}

// removeLogs removes the files in /var/log but keeps its directories: services expect them.
func removeLogs(root *os.Root) error {
	err := fs.WalkDir(root.FS(), "var/log", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return root.Remove(name)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// settleFile limits the times of one file and removes overlayfs's notes from it. The mark of an
// opaque directory stays: it is part of the layer.
func settleFile(name, attributes string, stat unix.Stat_t) error {
	size, err := unix.Llistxattr(name, nil)
	if err != nil {
		return fmt.Errorf("list attributes of %s: %w", name, err)
	}
	if size > 0 {
		list := make([]byte, size)
		if size, err = unix.Llistxattr(name, list); err != nil {
			return fmt.Errorf("list attributes of %s: %w", name, err)
		}
		for attr := range strings.SplitSeq(strings.TrimRight(string(list[:size]), "\x00"), "\x00") {
			if strings.HasPrefix(attr, attributes) && attr != attributes+"opaque" {
				if err := unix.Lremovexattr(name, attr); err != nil {
					return fmt.Errorf("remove attribute %s of %s: %w", attr, name, err)
				}
			}
		}
	}
	if time.Unix(stat.Mtim.Unix()).After(epoch) {
		times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, unix.NsecToTimespec(epoch.UnixNano())}
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, name, times, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return fmt.Errorf("set the time of %s: %w", name, err)
		}
	}
	return nil
}
