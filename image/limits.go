package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"detgen/internal/boundary"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// limits are what one build may take.
type limits struct {
	boundary.Amounts       // of a sandbox
	Layer            int64 // bytes on disk
	Files            int64 // of a layer
}

// buildLimits are several times what the largest of the catalogue's images takes.
var buildLimits = limits{boundary.Amounts{Memory: 4 << 30, Processes: 4096}, 8 << 30, 1 << 20}

// ofEach are the limits of each process, and of each user's number of them (getrlimit(2)). No file is larger than half a
// layer.
func (l limits) ofEach() []specs.POSIXRlimit {
	return append(l.OfEach(), boundary.Rlimit("RLIMIT_FSIZE", unix.RLIMIT_FSIZE, uint64(l.Layer/2)))
}

// disk measures what a build writes.
type disk struct {
	build *build
	start unix.Statfs_t
	// What the disk has lost since start, as bytes and as files, when the layer can have reached its limits at the earliest:
	// others write too.
	bytes, files int64
}

func (b *build) newDisk() (*disk, error) {
	d := &disk{build: b, bytes: b.store.limits.Layer, files: b.store.limits.Files}
	if err := unix.Statfs(b.dir, &d.start); err != nil {
		return nil, fmt.Errorf("look at the disk of %s: %w", b.dir, err)
	}
	return d, nil
}

// check gives an error when the layer is too large, or the disk all but full.
func (d *disk) check() error {
	if err := d.build.room(); err != nil {
		return err
	}
	var now unix.Statfs_t
	if err := unix.Statfs(d.build.dir, &now); err != nil {
		return err
	}
	bytes, files := (int64(d.start.Bfree)-int64(now.Bfree))*now.Bsize, int64(d.start.Ffree)-int64(now.Ffree)
	if bytes < d.bytes && files < d.files {
		return nil
	}
	size, count, err := measure(filepath.Join(d.build.dir, "own"))
	if err != nil {
		return err
	}
	l := d.build.store.limits
	d.bytes, d.files = bytes+l.Layer-size, files+l.Files-count
	return l.holds(size, count)
}

// holds checks the size of a layer in bytes and in files.
func (l limits) holds(size, files int64) error {
	switch {
	case size > l.Layer:
		return fmt.Errorf("its layer takes more than %d MiB of the disk, its limit", l.Layer>>20)
	case files > l.Files:
		return fmt.Errorf("its layer has more than %d files, its limit", l.Files)
	}
	return nil
}

// measure gives the bytes that a folder takes on disk, and how many files and folders are in it. The folder may change
// meanwhile; links lead nowhere.
func measure(dir string) (bytes, files int64, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, 0, err
	}
	defer root.Close()
	seen := map[uint64]bool{} // inodes with several names
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil {
			info, err = d.Info()
		}
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return nil // it was removed meanwhile
		}
		if err != nil {
			return err
		}
		if len(name) > unix.PathMax {
			return fmt.Errorf("its layer has a path of more than %d bytes", unix.PathMax)
		}
		if stat := info.Sys().(*syscall.Stat_t); stat.Nlink == 1 || !seen[stat.Ino] {
			seen[stat.Ino] = stat.Nlink > 1
			bytes += stat.Blocks * 512
		}
		files++
		return nil
	})
	return bytes, files, err
}
