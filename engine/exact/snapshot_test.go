package exact_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"detgen/engine/exact"
)

// cleanCache gives a cache directory that has the guest's kernel, which is not fetched again,
// and no snapshot.
func cleanCache(t *testing.T, dir string) {
	t.Helper()
	kits, err := filepath.Glob(filepath.Join(shared.cache, "exact", "kit-????????????"))
	if err != nil || len(kits) == 0 {
		t.Fatalf("no kit in %s (%v)", shared.cache, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "exact"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, kit := range kits {
		if err := os.Symlink(kit, filepath.Join(dir, "exact", filepath.Base(kit))); err != nil {
			t.Fatal(err)
		}
	}
}

// Snapshots that are made on clean caches, by several that ask at once, are one, and give the
// captures that the machine's own cache gives. One that is damaged is found and made anew.
func TestSnapshotIsReproducible(t *testing.T) {
	e := needsGuest(t)
	run := resolve(t, "ping/echo", 8)
	want := execute(t, e, run)

	cache := t.TempDir()
	cleanCache(t, cache)
	engines := make([]*exact.Engine, 3)
	var wait sync.WaitGroup
	for i := range engines {
		wait.Go(func() {
			var err error
			if engines[i], err = exact.Open(t.Context(), config(cache)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if t.Failed() {
		return
	}
	for _, clean := range engines {
		defer clean.Close()
	}
	wantSame(t, want, execute(t, engines[0], run))
	entries, err := filepath.Glob(filepath.Join(cache, "exact", "snapshot-*"))
	if err != nil || len(entries) != 2 { // the folder and its lock
		t.Errorf("in the cache: %v", entries)
	}

	rams, err := filepath.Glob(filepath.Join(cache, "exact", "snapshot-*", "ram"))
	if err != nil || len(rams) != 1 {
		t.Fatalf("snapshots %v (%v)", rams, err)
	}
	snapshot := filepath.Dir(rams[0])
	if err := exact.LoadSnapshot(snapshot); err != nil {
		t.Errorf("a good snapshot: %v", err)
	}
	for _, c := range []struct {
		file   string
		offset int64
	}{{"state", 1000}, {"snapshot.json", 0}, {"ram", 40 << 20}} {
		flip(t, filepath.Join(snapshot, c.file), c.offset)
		if err := exact.LoadSnapshot(snapshot); err == nil || !strings.Contains(err.Error(), snapshot) {
			t.Errorf("damaged %s: %v", c.file, err)
		}
		if c.file != "ram" {
			flip(t, filepath.Join(snapshot, c.file), c.offset)
		}
	}
	mended, err := exact.Open(t.Context(), config(cache))
	if err != nil {
		t.Fatal(err)
	}
	defer mended.Close()
	wantSame(t, want, execute(t, mended, run))
}

// flip changes a byte of a file.
func flip(t *testing.T, path string, offset int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, offset); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b, offset); err != nil {
		t.Fatal(err)
	}
}

// A cache without room is named before anything is made, by the check and by the engine.
func TestNoRoomForTheCache(t *testing.T) {
	needsGuest(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	cleanCache(t, dir)
	const want = "MiB left, and the guest's kernel and snapshot take up to 700 MiB: make room, or name another with --cache or DETGEN_CACHE"
	if _, err := exact.Open(t.Context(), config(dir)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the engine says %v", err)
	}
	found := false
	for _, r := range exact.Requirements(t.Context(), dir) {
		found = found || r.Name == "cache" && r.Err != nil && strings.Contains(r.Err.Error(), want)
	}
	if !found {
		t.Error("the check does not find it")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "exact", "snapshot-*")); len(left) > 0 {
		t.Errorf("left in the cache: %v", left)
	}
}
