package cache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

func there(path string) func() bool {
	return func() bool { _, err := os.Stat(filepath.Join(path, "done")); return err == nil }
}

func build(tmp string) error { return os.WriteFile(filepath.Join(tmp, "done"), nil, 0o644) }

func TestManyAskOneMakes(t *testing.T) {
	target := filepath.Join(t.TempDir(), "thing")
	var built atomic.Int32
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			err := Make(t.Context(), target, there(target), func(tmp string) error { built.Add(1); return build(tmp) })
			if err != nil || !there(target)() {
				t.Errorf("error %v, there %v", err, there(target)())
			}
		})
	}
	wait.Wait()
	if built.Load() != 1 {
		t.Errorf("made %d times", built.Load())
	}
}

func TestNothingHalfMadeStays(t *testing.T) {
	parent := t.TempDir()
	target := filepath.Join(parent, "thing")
	killed := target + temporary + "123" // what a killed process leaves
	if err := os.MkdirAll(filepath.Join(killed, "part"), 0o755); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no more room")
	if err := Make(t.Context(), target, there(target), func(string) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	entries, err := os.ReadDir(parent)
	if err != nil || len(entries) != 1 || !Unfinished(entries[0].Name()) {
		t.Errorf("left: %v (%v); want the lock alone", entries, err)
	}
}

func TestWhatIsNotGoodIsMadeAnew(t *testing.T) {
	target := filepath.Join(t.TempDir(), "thing")
	if err := os.MkdirAll(filepath.Join(target, "old"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Make(t.Context(), target, there(target), build); err != nil || !there(target)() {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(target, "old")); err == nil {
		t.Error("the old content is still there")
	}
}

func TestWaitingCanBeGivenUp(t *testing.T) {
	target := filepath.Join(t.TempDir(), "thing")
	f, err := os.Create(target + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Make(ctx, target, there(target), build); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
