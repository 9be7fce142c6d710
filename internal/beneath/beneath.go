// Package beneath reads a folder that others wrote: what is opened is a file or a folder below it,
// never something elsewhere that a symbolic link leads to, and never a device or a FIFO.
package beneath

import (
	"fmt"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// Dir is the file system below a folder. Symbolic links within it are followed, those that lead out
// of it are errors (openat2(2), RESOLVE_BENEATH; see os.Root). When the folder cannot be opened,
// every use of the file system gives the reason.
func Dir(dir string) fs.FS {
	root, err := os.OpenRoot(dir)
	return folder{root: root, err: err}
}

type folder struct {
	root *os.Root
	err  error // why root is not open
}

// Open opens a file or a folder.
func (f folder) Open(name string) (fs.File, error) {
	if f.err != nil {
		return nil, f.err
	}
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	file, err := f.root.OpenFile(path.Clean(name), os.O_RDONLY|unix.O_NONBLOCK, 0) // a FIFO does not wait
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("is neither a file nor a folder")}
	}
	if err != nil {
		_ = file.Close() // the first error counts
		return nil, err
	}
	return file, nil
}
