// Package whole writes files that are complete or not there.
package whole

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// partial is what the name of an unfinished file has behind that of the file, before a random number.
const partial = ".partial-"

// File is a file that is being written beside its place. Exactly one of Commit and Abort ends it.
type File struct {
	*os.File
	path string
}

// Create starts the file that will be at path, in the same folder under another name. It removes what was begun for path
// by processes that were killed: whoever writes holds a lock, which the kernel drops when the process ends. Where the
// file system has no locks, what killed processes left stays.
func Create(path string) (*File, error) {
	sweep(path)
	for {
		name := path + partial + strconv.FormatUint(uint64(rand.Uint32()), 36)
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if lock(f, 0) == nil && gone(f) {
			f.Close() // another process took it for a killed one's before it was locked
			continue
		}
		return &File{f, path}, nil
	}
}

// Commit makes the file durable and gives it its name. After an error it is removed.
func (f *File) Commit() error {
	err := f.Sync()
	if err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, f.Abort())
	}
	return f.Close()
}

// Abort removes the file.
func (f *File) Abort() error { return errors.Join(os.Remove(f.Name()), f.Close()) }

// WriteFile writes a file so that a kill leaves the old one or the new one.
func WriteFile(path string, content []byte) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Abort())
	}
	return f.Commit()
}

// sweep removes the unfinished files of path whose makers are gone.
func sweep(path string) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	entries, _ := os.ReadDir(dir) // where a folder cannot be read, nothing of it can be removed
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), base+partial) || !e.Type().IsRegular() {
			continue
		}
		name := filepath.Join(dir, e.Name())
		f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		if err != nil {
			continue
		}
		if lock(f, unix.LOCK_NB) == nil {
			os.Remove(name)
		}
		f.Close()
	}
}

// lock locks a file until it is closed; how is 0, which waits, or LOCK_NB.
func lock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|how)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		return nil
	}
}

// gone reports whether a file has no name any more.
func gone(f *os.File) bool {
	var st unix.Stat_t
	return unix.Fstat(int(f.Fd()), &st) == nil && st.Nlink == 0
}
