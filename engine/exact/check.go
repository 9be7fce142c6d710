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

	"detgen/engine/exact/internal/cache"
	"detgen/engine/exact/internal/kit"
	"detgen/engine/exact/internal/qemu"
	"detgen/record"
)

// Requirement is one thing that the engine needs of the machine.
type Requirement struct {
	Name string
	Err  error // nil when it is there; else what is missing and how to get it
}

// Requirements checks, without changing anything, what an engine with this cache directory
// needs: here, and to make what is not in the cache yet.
func Requirements(ctx context.Context, cacheDir string) []Requirement {
	checks := []struct {
		name  string
		check func() error
	}{
		{"QEMU", func() error { return checkQEMU(ctx) }},
		{"program", func() error { return checkStatic("/proc/self/exe") }},
		{"guest kernel", func() error { return checkKit(filepath.Join(cacheDir, "exact")) }},
		{"cache", func() error { return checkCache(filepath.Join(cacheDir, "exact")) }},
	}
	list := make([]Requirement, 0, len(checks))
	for _, c := range checks {
		list = append(list, Requirement{c.name, c.check()})
	}
	return list
}

func checkQEMU(ctx context.Context) error {
	_, err := qemu.Find(ctx, "")
	if errors.Is(err, qemu.ErrMissing) || errors.Is(err, qemu.ErrVersion) {
		return fmt.Errorf("%w: apt-get install qemu-system-x86", err)
	}
	return err
}

// checkKit makes sure that the guest's kernel is in the cache or can be fetched.
func checkKit(dir string) error {
	if kit.Present(dir) {
		return nil
	}
	for _, program := range slices.Sorted(maps.Keys(kit.Programs)) {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("fetching the guest's kernel needs %s: apt-get install %s", program, kit.Programs[program])
		}
	}
	return nil
}

// checkRun finds what a run asks of the kernel and the guest's does not have.
func (e *Engine) checkRun(run *record.Run) error {
	known := []string{"cubic", "reno"} // part of the kernel
	for _, module := range e.kit.Modules {
		if name, ok := strings.CutPrefix(module, "tcp_"); ok && name != "diag" {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	for _, h := range run.Hosts {
		if c := h.Transport.Congestion; c != "" && !slices.Contains(known, c) {
			return fmt.Errorf("host %q: the guest's kernel %s has no congestion control %q; it has %s", h.Name, e.kit.Release, c, strings.Join(known, ", "))
		}
	}
	return nil
}

// cacheSpace is what a kit and a snapshot take on disk, with room for both being made anew.
const cacheSpace = 700 << 20

// checkCache makes sure that the cache directory has a guest or can take one.
func checkCache(dir string) error {
	if snapshotPresent(dir) {
		return nil
	}
	return checkRoom(dir)
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

func snapshotPresent(dir string) bool {
	entries, _ := os.ReadDir(dir)
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return strings.HasPrefix(e.Name(), "snapshot-") && !cache.Unfinished(e.Name())
	})
}
