package beneath

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

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
	fd, err := open(dir, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if errors.Is(err, unix.ENXIO) {
		return nil, notRegular(path)
	}
	if err != nil {
		return nil, err
	}
	return regular(fd, path)
}

// open opens what is below a folder (openat2(2)).
func open(dir, name string, flags uint64) (int, error) {
	at, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: shown(dir), Err: err}
	}
	defer unix.Close(at)
	path := filepath.Join(dir, filepath.FromSlash(name))
	for {
		fd, err := unix.Openat2(at, name, &unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS})
		switch {
		case errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN):
			continue
		case errors.Is(err, unix.ELOOP):
			return -1, fmt.Errorf("%s: is a symbolic link or behind one, which is not followed", shown(path))
		case err != nil:
			return -1, &os.PathError{Op: "open", Path: shown(path), Err: err}
		}
		return fd, nil
	}
}

// Folder gives the path of the folder name below dir, for who opens what is in it. What Open refuses is an error: a name that
// leads elsewhere, a symbolic link, a file. A folder that is missing is none: who opens it finds that.
func Folder(dir, name string) (string, error) {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("%q: must be the name of a folder below %s", name, dir)
	}
	fd, err := open(dir, name, unix.O_PATH|unix.O_DIRECTORY)
	switch {
	case errors.Is(err, unix.ENOENT):
		return path, nil
	case errors.Is(err, unix.ENOTDIR):
		return "", fmt.Errorf("%s: is not a folder", shown(path))
	case err != nil:
		return "", err
	}
	return path, unix.Close(fd)
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
		return nil, &os.PathError{Op: "open", Path: shown(path), Err: err}
	}
	return regular(fd, path)
}

// regular gives the file of a descriptor that was opened not to block. It closes one that is no regular file.
func regular(fd int, path string) (*os.File, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		unix.Close(fd)
		return nil, &os.PathError{Op: "stat", Path: shown(path), Err: err}
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG {
		unix.Close(fd)
		return nil, notRegular(path)
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return nil, &os.PathError{Op: "open", Path: shown(path), Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// shown is a path in an error, which is one line: quoted where it has more.
func shown(path string) string {
	if strings.ContainsAny(path, "\n\r") {
		return strconv.Quote(path)
	}
	return path
}

func notRegular(path string) error { return fmt.Errorf("%s: is not a regular file", shown(path)) }

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
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, tooLarge(file.Name(), limit)
	}
	content := bytes.NewBuffer(make([]byte, 0, int(info.Size())+bytes.MinRead)) // so that it is not copied while it grows
	if _, err := content.ReadFrom(io.LimitReader(file, limit+1)); err != nil {
		return nil, err
	}
	if int64(content.Len()) > limit {
		return nil, tooLarge(file.Name(), limit)
	}
	return content.Bytes(), nil
}

func tooLarge(path string, limit int64) error {
	path = shown(path)
	if limit < 1<<20 {
		return fmt.Errorf("%s: is larger than %d bytes, the most that is read", path, limit)
	}
	return fmt.Errorf("%s: is larger than %d MiB, the most that is read", path, limit>>20)
}
