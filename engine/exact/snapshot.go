package exact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"detgen/engine/exact/internal/cache"
	"detgen/engine/exact/internal/kit"
	"detgen/engine/exact/internal/page"
	"detgen/engine/exact/internal/qemu"
)

// snapshotFormat is part of every snapshot's name; a change of what is in one changes it.
const snapshotFormat = 2

// keptSnapshots is how many snapshots stay in the cache: each version of detgen, the kernel or
// QEMU has its own, and each takes some 200 MB.
const keptSnapshots = 4

// bootLimits bound the making of a snapshot, which takes about 15 s of CPU time.
var bootLimits = qemu.Limits{CPU: 3 * time.Minute, Stall: time.Minute}

// snapshot is a machine that paused itself before anything that depends on a seed: its RAM,
// and the state of its devices. The files are open; Close closes them.
type snapshot struct {
	manifest snapshotManifest
	ram      *os.File // writable only for the sake of QEMU; runs map it copy-on-write
	state    *os.File
}

// snapshotManifest is snapshot.json.
type snapshotManifest struct {
	RAM   stamp `json:"ram"`
	State stamp `json:"state"`
}

// openState opens the state of the devices once more: QEMU reads it as a stream, from an offset
// that machines must not share. The caller closes it.
func (s *snapshot) openState() (*os.File, error) {
	f, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", s.state.Fd()))
	if err != nil {
		return nil, fmt.Errorf("open the snapshot's device state: %w", err)
	}
	return f, nil
}

// Close closes the files.
func (s *snapshot) Close() error { return errors.Join(s.ram.Close(), s.state.Close()) }

// openSnapshot gives the kit in the cache directory and the snapshot of the machine that
// binary, kit and agent make. It makes what is not in the cache, or is not as it was made.
func openSnapshot(ctx context.Context, dir string, binary qemu.Binary, agent string, log *slog.Logger) (*kit.Kit, *snapshot, error) {
	k, err := kit.Load(dir)
	if err == nil {
		path, err := snapshotPath(dir, binary, k, agent)
		if err != nil {
			return nil, nil, err
		}
		s, err := loadSnapshot(path)
		if err == nil {
			return k, s, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			log.Warn("the guest's snapshot is made anew", "reason", err)
		}
	}
	if err := checkRoom(dir); err != nil {
		return nil, nil, err
	}
	// What a snapshot is made of is looked at as a whole.
	if k, err = kit.Open(ctx, dir, log); err != nil {
		return nil, nil, err
	}
	path, err := snapshotPath(dir, binary, k, agent)
	if err != nil {
		return nil, nil, err
	}
	s, err := makeSnapshot(ctx, path, binary, k, agent, log)
	if err != nil {
		return nil, nil, fmt.Errorf("make the guest's snapshot: %w", err)
	}
	return k, s, nil
}

// makeSnapshot makes the snapshot in the folder path, unless another process did meanwhile.
func makeSnapshot(ctx context.Context, path string, binary qemu.Binary, k *kit.Kit, agent string, log *slog.Logger) (*snapshot, error) {
	var s *snapshot
	good := func() bool {
		var err error
		s, err = loadSnapshot(path)
		return err == nil
	}
	err := cache.Make(ctx, path, good, func(tmp string) error {
		log.Info("booting the guest once, for the snapshot that all runs start from")
		return buildSnapshot(ctx, tmp, binary, k, agent)
	})
	if err != nil || s != nil {
		return s, err
	}
	if err := pruneSnapshots(filepath.Dir(path), path); err != nil {
		log.Warn("old snapshots of the guest could not be removed", "error", err)
	}
	return loadSnapshot(path)
}

// snapshotPath names the folder of a machine's snapshot after all that it depends on.
func snapshotPath(dir string, binary qemu.Binary, k *kit.Kit, agent string) (string, error) {
	agentSum, err := digest(agent)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, part := range []string{
		fmt.Sprint(snapshotFormat), binary.Version, binary.SHA256, k.Manifest.Kernel, k.Manifest.Base, agentSum, commandLine, qemu.Shape(),
	} {
		fmt.Fprintf(h, "%d:%s\n", len(part), part)
	}
	return filepath.Join(dir, "snapshot-"+hex.EncodeToString(h.Sum(nil))[:16]), nil
}

// loadSnapshot opens a snapshot and checks that it is as it was made.
func loadSnapshot(path string) (_ *snapshot, err error) {
	text, err := os.ReadFile(filepath.Join(path, "snapshot.json"))
	if err != nil {
		return nil, err
	}
	s := &snapshot{}
	if err := json.Unmarshal(text, &s.manifest); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s.ram, err = openStamped(filepath.Join(path, "ram"), s.manifest.RAM); err != nil {
		return nil, err
	}
	if s.state, err = openStamped(filepath.Join(path, "state"), s.manifest.State); err != nil {
		s.ram.Close()
		return nil, err
	}
	// The time of the last use, for pruning; another user's cache keeps its own.
	os.Chtimes(path, time.Time{}, time.Now())
	return s, nil
}

// buildSnapshot boots the guest until it pauses itself and keeps what it is then.
func buildSnapshot(ctx context.Context, dir string, binary qemu.Binary, k *kit.Kit, agent string) (err error) {
	m := qemu.Machine{CommandLine: commandLine, KeepRAM: true, PageSize: page.Size}
	var files []*os.File
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	take := func(f *os.File, openErr error) *os.File {
		if openErr == nil {
			files = append(files, f)
		} else if err == nil {
			err = openErr
		}
		return f
	}
	m.Kernel = take(os.Open(k.Kernel()))
	m.Initramfs = take(initramfs(k, agent))
	m.RAM = take(os.Create(filepath.Join(dir, "ram")))
	m.SaveTo = take(os.Create(filepath.Join(dir, "state")))
	m.Empty = take(memoryFile("empty", qemu.SlotSize))
	m.Page = take(memoryFile("page", page.Size))
	if err != nil {
		return err
	}
	if err := m.RAM.Truncate(qemu.Memory); err != nil {
		return fmt.Errorf("make room for the guest's RAM: %w", err)
	}
	p, err := qemu.Start(ctx, binary.Path, m, nil)
	if err != nil {
		return err
	}
	defer p.Kill()
	if err := p.WaitPause(ctx, bootLimits); err != nil {
		return guestError(err, p.Console())
	}
	if err := p.Save(ctx); err != nil {
		return err
	}
	p.Kill()
	var manifest snapshotManifest
	if manifest.RAM, err = newStamp(m.RAM); err != nil {
		return err
	}
	if manifest.State, err = newStamp(m.SaveTo); err != nil {
		return err
	}
	text, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "snapshot.json"), text, 0o644)
}

// initramfs joins the kit's archive and one with the agent as /init.
func initramfs(k *kit.Kit, agent string) (*os.File, error) {
	f, err := memoryFile("initramfs", 0)
	if err != nil {
		return nil, err
	}
	if err := writeInitramfs(f, k, agent); err != nil {
		f.Close()
		return nil, fmt.Errorf("make the guest's initramfs: %w", err)
	}
	return f, nil
}

func writeInitramfs(w io.Writer, k *kit.Kit, agent string) error {
	base, err := os.Open(k.Base())
	if err != nil {
		return err
	}
	defer base.Close()
	if _, err := io.Copy(w, base); err != nil {
		return err
	}
	program, err := os.Open(agent)
	if err != nil {
		return err
	}
	defer program.Close()
	info, err := program.Stat()
	if err != nil {
		return err
	}
	c := kit.NewCpio(w)
	if err := c.File("init", 0o755, info.Size(), program); err != nil {
		return err
	}
	return c.Close()
}

// pruneSnapshots removes all but the last used snapshots. Runs that use one have its files
// open, which stay until they end.
func pruneSnapshots(dir, keep string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	type used struct {
		path string
		at   time.Time
	}
	var all []used
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := e.Info()
		if err != nil || !e.IsDir() || !strings.HasPrefix(e.Name(), "snapshot-") || cache.Unfinished(e.Name()) || path == keep {
			continue
		}
		all = append(all, used{path, info.ModTime()})
	}
	slices.SortFunc(all, func(a, b used) int { return b.at.Compare(a.at) })
	if len(all) < keptSnapshots {
		return nil
	}
	for _, s := range all[keptSnapshots-1:] {
		if err := os.RemoveAll(s.path); err != nil {
			return err
		}
	}
	return nil
}

// memoryFile makes a file of size bytes without a name, which lives in memory as far as it is
// written.
func memoryFile(name string, size int64) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a file in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if err := f.Truncate(size); err != nil {
		f.Close()
		return nil, fmt.Errorf("make a file in memory: %w", err)
	}
	return f, nil
}
