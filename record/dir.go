package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"detgen/internal/beneath"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// FileName is the file of a run directory that holds its Record.
const FileName = "run.json"

// Staging is a run directory, or another directory of results, that is being written under a
// temporary name in the folder of its final one. Exactly one of Commit, Publish and Discard ends it.
type Staging struct {
	final string
	dir   string
	lock  *os.File // of the temporary directory, held while this process lives
}

// partial is in the name of every unfinished run directory.
const partial = ".partial-"

// Create starts the run directory that will be called path. An existing path is an error,
// unless it is an empty directory. Unfinished directories next to it whose makers are gone are
// removed.
func Create(path string) (*Staging, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := Vacant(path); err != nil {
		return nil, err
	}
	parent, base := filepath.Split(path)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	sweep(parent)
	for {
		dir, err := os.MkdirTemp(parent, "."+base+partial)
		if err != nil {
			return nil, err
		}
		lock, err := lockDir(dir, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue // somebody swept it up before it was locked, with nothing in it
		}
		if err != nil {
			return nil, err
		}
		if err := lock.Chmod(0o755); err != nil {
			lock.Close()
			return nil, err
		}
		return &Staging{final: path, dir: dir, lock: lock}, nil
	}
}

// lockDir opens a directory and locks it until it is closed; how is 0, which waits, or LOCK_NB. When the directory
// was removed meanwhile, the error is fs.ErrNotExist.
func lockDir(dir string, how int) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|how)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err == nil {
		var st unix.Stat_t
		if err = unix.Fstat(int(f.Fd()), &st); err == nil && st.Nlink == 0 {
			err = fs.ErrNotExist
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return f, nil
}

// Vacant reports whether a run directory can be made at path: nothing is there, or an empty
// directory.
func Vacant(path string) error {
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("%s exists and is not a directory; choose another name", path)
	case len(entries) > 0:
		return fmt.Errorf("%s exists and is not empty; choose another name, or remove it first", path)
	}
	return nil
}

// sweep removes unfinished run directories in parent whose makers are gone.
func sweep(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, ".*"+partial+"*"))
	for _, dir := range dirs {
		if f, err := lockDir(dir, unix.LOCK_NB); err == nil {
			os.RemoveAll(dir)
			f.Close()
		}
	}
}

// Dir is the directory to write to until Commit.
func (s *Staging) Dir() string { return s.dir }

// Discard removes the directory.
func (s *Staging) Discard() error {
	defer s.lock.Close()
	return os.RemoveAll(s.dir)
}

// Commit hashes the captures, writes run.json, makes everything durable and gives the
// directory its final name. When that fails (a full disk), nothing is left.
func (s *Staging) Commit(r *Record) error {
	if err := s.write(r); err != nil {
		return errors.Join(err, s.Discard())
	}
	return s.Publish()
}

// write hashes the captures and writes run.json.
func (s *Staging) write(r *Record) error {
	r.Format = Format
	for i := range r.Result.Captures {
		c := &r.Result.Captures[i]
		var err error
		if c.SHA256, c.Bytes, err = Digest(filepath.Join(s.dir, c.File)); err != nil {
			return fmt.Errorf("capture of %s: %w", c.At(), err)
		}
	}
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, FileName), append(content, '\n'), 0o644)
}

// Publish makes everything durable and gives the directory its final name. When that fails,
// nothing is left.
func (s *Staging) Publish() error {
	defer s.lock.Close()
	if err := s.publish(); err != nil {
		return errors.Join(err, os.RemoveAll(s.dir))
	}
	return nil
}

func (s *Staging) publish() error {
	if err := syncTree(s.dir); err != nil {
		return fmt.Errorf("make %s durable: %w", s.final, err)
	}
	os.Remove(s.final) // an empty directory may be there
	if err := os.Rename(s.dir, s.final); err != nil {
		return err
	}
	return syncFile(filepath.Dir(s.final))
}

// Digest gives the SHA-256, in hexadecimal, and the length of a file.
func Digest(path string) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	return digest(f)
}

// DigestBelow is Digest of a file below a folder that is not trusted (beneath.Open).
func DigestBelow(dir, name string) (string, int64, error) {
	f, err := beneath.Open(dir, name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	return digest(f)
}

func digest(r io.Reader) (string, int64, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// syncTree makes everything in a directory durable, at once: the file system writes for all that wait for it together.
func syncTree(dir string) error {
	var group errgroup.Group
	group.SetLimit(16)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && (d.IsDir() || d.Type().IsRegular()) {
			group.Go(func() error { return syncFile(path) })
		}
		return err
	})
	return errors.Join(err, group.Wait())
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
