package beneath

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Open opens the regular file name below dir for reading. name has slashes and stays below dir; no part of it is a
// symbolic link (openat2(2): RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS). A pipe, a device or a directory is an error, and
// nothing waits for the other end of a pipe. A missing file is fs.ErrNotExist.
func Open(dir, name string) (*os.File, error) {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if !filepath.IsLocal(name) {
		return nil, fmt.Errorf("%q: must be the name of a file below %s", name, dir)
	}
	at, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	defer unix.Close(at)
	var fd int
	for {
		fd, err = unix.Openat2(at, name, &unix.OpenHow{
			Flags:   unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC,
			Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
		})
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			break
		}
	}
	switch {
	case errors.Is(err, unix.ELOOP):
		return nil, fmt.Errorf("%s: is a symbolic link or behind one, which is not followed", path)
	case errors.Is(err, unix.ENXIO):
		return nil, notRegular(path)
	case err != nil:
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return regular(fd, path)
}

// OpenNamed opens the regular file that the user names for reading. Symbolic links are the user's, and are followed; for
// the rest it is as with Open.
func OpenNamed(path string) (*os.File, error) {
	var fd int
	err := error(unix.EINTR)
	for errors.Is(err, unix.EINTR) {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	}
	switch {
	case errors.Is(err, unix.ENXIO): // a socket
		return nil, notRegular(path)
	case err != nil:
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return regular(fd, path)
}

// regular gives the file of a descriptor that was opened not to block. It closes one that is no regular file.
func regular(fd int, path string) (*os.File, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		unix.Close(fd)
		return nil, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG {
		unix.Close(fd)
		return nil, notRegular(path)
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

func notRegular(path string) error { return fmt.Errorf("%s: is not a regular file", path) }

// ReadFile reads the whole file that Open opens. One of more than limit bytes is an error.
func ReadFile(dir, name string, limit int64) ([]byte, error) {
	file, err := Open(dir, name)
	if err != nil {
		return nil, err
	}
	return readAll(file, limit)
}

// ReadNamed reads the whole file that OpenNamed opens. One of more than limit bytes is an error.
func ReadNamed(path string, limit int64) ([]byte, error) {
	file, err := OpenNamed(path)
	if err != nil {
		return nil, err
	}
	return readAll(file, limit)
}

// readAll reads a file to its end, and closes it.
func readAll(file *os.File, limit int64) ([]byte, error) {
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > limit {
		return nil, tooLarge(file.Name(), limit)
	}
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, tooLarge(file.Name(), limit)
	}
	return content, nil
}

func tooLarge(path string, limit int64) error {
	if limit < 1<<20 {
		return fmt.Errorf("%s: is larger than %d bytes, the most that is read", path, limit)
	}
	return fmt.Errorf("%s: is larger than %d MiB, the most that is read", path, limit>>20)
}
