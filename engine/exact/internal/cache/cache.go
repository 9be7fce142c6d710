// Package cache makes folders that cost something to make, once: several processes may ask
// for the same folder at once, and one that is killed half way leaves nothing that looks
// complete.
package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// temporary is what the name of an unfinished folder contains.
const temporary = ".making-"

// Make makes the folder target with build, which fills the folder tmp that becomes target. It
// does nothing when target is there and good says that it can be used; one that is not good is
// removed. Folders that killed processes left unfinished are removed too.
func Make(ctx context.Context, target string, good func() bool, build func(tmp string) error) error {
	parent := filepath.Dir(target)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	unlock, err := lock(ctx, target+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if good() {
		return nil // another process made it while this one waited
	}
	if err := os.RemoveAll(target); err != nil {
		return err
	}
	// The lock is held: whoever began these is dead.
	stale, err := filepath.Glob(target + temporary + "*")
	if err != nil {
		return err
	}
	for _, dir := range stale {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	tmp, err := os.MkdirTemp(parent, filepath.Base(target)+temporary)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := build(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, target)
}

// Unfinished reports whether a name in a cache directory is a folder in the making or a lock.
func Unfinished(name string) bool {
	return strings.Contains(name, temporary) || strings.HasSuffix(name, ".lock")
}

// lock takes an exclusive lock on the file at path; the kernel drops it when the process dies.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	got := make(chan error, 1)
	go func() {
		for {
			err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
			if !errors.Is(err, unix.EINTR) {
				got <- err
				return
			}
		}
	}()
	select {
	case err := <-got:
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		return func() { f.Close() }, nil
	case <-ctx.Done():
		// The waiting call cannot be taken back; it ends with the process or gives the lock up.
		go func() { <-got; f.Close() }()
		return nil, context.Cause(ctx)
	}
}
