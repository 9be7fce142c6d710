package exact

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"detgen/engine"
	"detgen/engine/exact/internal/kit"
	"detgen/engine/exact/internal/qemu"
	"detgen/image"
	"detgen/record"
)

// Requirements checks, without changing anything, what an engine with this cache directory
// needs: here, and to make what is not in the cache yet.
func Requirements(ctx context.Context, cacheDir string) []engine.Requirement {
	checks := []struct {
		name  string
		check func() error
	}{
		{"QEMU", func() error { return checkQEMU(ctx) }},
		{"program", func() error { return checkStatic(self) }},
		{"guest kernel", func() error { return checkKit(filepath.Join(cacheDir, "exact")) }},
		{"cache", func() error { return checkCache(ctx, filepath.Join(cacheDir, "exact")) }},
	}
	list := make([]engine.Requirement, 0, len(checks))
	for _, c := range checks {
		list = append(list, engine.Requirement{Name: c.name, Err: c.check()})
	}
	return list
}

func checkQEMU(ctx context.Context) error {
	_, err := qemu.Find(ctx, "")
	if errors.Is(err, qemu.ErrMissing) {
		return fmt.Errorf("%w: apt-get install qemu-system-x86", err)
	}
	return err
}

// checkKit makes sure that the guest's kernel is in the cache or can be fetched.
func checkKit(dir string) error {
	if _, err := kit.Load(dir); err == nil {
		return nil
	}
	for _, program := range slices.Sorted(maps.Keys(kit.Programs)) {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("fetching the guest's kernel needs %s: apt-get install %s", program, kit.Programs[program])
		}
	}
	return image.CheckKeys()
}

// Supports finds what a run asks of the kernel and the guest's does not have.
func Supports(run *record.Run) error {
	known := kit.CongestionControls()
	for _, h := range run.Hosts {
		if c := h.Transport.Congestion; c != "" && !slices.Contains(known, c) {
			return fmt.Errorf("host %q: transport.congestion %q: the exact engine's kernel has %s", h.Name, c, strings.Join(known, ", "))
		}
	}
	return nil
}

// cacheSpace is what a kit and a snapshot take on disk, with room for both being made anew.
const cacheSpace = 700 << 20

// checkCache makes sure that the cache directory has this program's guest or can take one.
func checkCache(ctx context.Context, dir string) error {
	binary, errQEMU := qemu.Find(ctx, "")
	k, errKit := kit.Load(dir)
	if errQEMU != nil || errKit != nil {
		return checkRoom(dir)
	}
	path, err := snapshotPath(dir, binary, k, self)
	if err != nil {
		return err
	}
	s, err := loadSnapshot(path)
	if err != nil {
		return checkRoom(dir)
	}
	return s.Close()
}

// checkRoom makes sure that a guest can be put into the cache directory.
func checkRoom(dir string) error {
	at := dir
	for {
		if _, err := os.Stat(at); err == nil {
			break
		}
		at = filepath.Dir(at)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(at, &fs); err != nil {
		return fmt.Errorf("cache directory %s: %w", at, err)
	}
	if unix.Access(at, unix.W_OK) != nil {
		return fmt.Errorf("cache directory %s cannot be written, and does not hold this detgen's guest: name another with --cache or DETGEN_CACHE, or let its owner make a run first", at)
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < cacheSpace {
		return fmt.Errorf("cache directory %s has %d MiB left, and the guest's kernel and snapshot take up to %d MiB: make room, or name another with --cache or DETGEN_CACHE", dir, free>>20, cacheSpace>>20)
	}
	return nil
}
