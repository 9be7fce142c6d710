package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"detgen/internal/boundary"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"
)

// extract applies the layers of an OCI image to an empty directory, the lowest first (OCI image
// specification, "Image Layer Filesystem Changeset").
func extract(ctx context.Context, image v1.Image, to string) error {
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer root.Close()
	for i, layer := range layers {
		stream, err := layer.Uncompressed()
		if err != nil {
			return fmt.Errorf("layer %d: %w", i+1, err)
		}
		err = untar(ctx, stream, root)
		if err := errors.Join(err, stream.Close()); err != nil {
			return fmt.Errorf("layer %d: %w", i+1, err)
		}
	}
	return nil
}

// Names of a layer's files that stand for removals.
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// untar applies one layer: it writes the files with their numeric owners, modes, times and
// attributes below root, and nothing outside of it whatever the archive says.
func untar(ctx context.Context, stream io.Reader, root *os.Root) error {
	archive := tar.NewReader(stream)
	written := map[string]bool{} // by this layer
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		file, err := place(root, header.Name)
		if err != nil {
			return fmt.Errorf("%s: %w", header.Name, err)
		}
		dir, base := path.Split(file)
		hidden, removes := strings.CutPrefix(base, whiteout)
		switch {
		case base == opaque:
			err = removeOthers(root, path.Clean(dir), written)
		case removes:
			err = root.RemoveAll(path.Join(dir, hidden))
		default:
			err = untarFile(root, file, header, archive)
			for ; !written[file]; file = path.Dir(file) {
				written[file] = true
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", header.Name, err)
		}
	}
}

// removeOthers removes what lower layers put into a folder.
func removeOthers(root *os.Root, dir string, written map[string]bool) error {
	entries, err := fs.ReadDir(root.FS(), dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		file := path.Join(dir, e.Name())
		switch {
		case !written[file]:
			err = root.RemoveAll(file)
		case e.IsDir():
			err = removeOthers(root, file, written)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// untarFile writes one file, in the place of what a lower layer has there.
func untarFile(root *os.Root, file string, h *tar.Header, content io.Reader) error {
	if err := root.MkdirAll(path.Dir(file), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, err := root.Lstat(file); err == nil && !(info.IsDir() && h.Typeflag == tar.TypeDir) {
		if err := root.RemoveAll(file); err != nil {
			return err
		}
	}
	switch h.Typeflag {
	case tar.TypeDir:
		if err := root.Mkdir(file, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	case tar.TypeReg:
		if err := writeFile(root, file, content); err != nil {
			return err
		}
	case tar.TypeSymlink:
		if err := root.Symlink(h.Linkname, file); err != nil {
			return err
		}
	case tar.TypeLink:
		target, err := place(root, h.Linkname)
		if err != nil {
			return err
		}
		return root.Link(target, file)
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		err := makeNode(root, file, h)
		if errors.Is(err, errDevice) && strings.HasPrefix(file, "dev/") {
			return nil // settle removes it anyway
		}
		if err != nil {
			return err
		}
	default:
		return fmt.Errorf("unknown kind of entry %q", h.Typeflag)
	}
	return setAttributes(root, file, h)
}

func writeFile(root *os.Root, file string, content io.Reader) error {
	out, err := root.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	return errors.Join(err, out.Close())
}

// place gives the path, relative to the root, at which an archive's file belongs: links in the
// folders on its way are followed as if the root were "/".
func place(root *os.Root, name string) (string, error) {
	const maxLinks = 40 // as Linux has it (MAXSYMLINKS)
	links := 0
	at := "."
	todo := strings.Split(path.Clean("/" + name)[1:], "/")
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		if next == ".." {
			at = path.Dir(at)
			continue
		}
		step := path.Join(at, next)
		info, err := root.Lstat(step)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 || len(todo) == 0 {
			at = step
			continue
		}
		target, err := root.Readlink(step)
		if err != nil {
			return "", err
		}
		if links++; links > maxLinks {
			return "", unix.ELOOP
		}
		if path.IsAbs(target) {
			at = "."
		}
		todo = append(strings.FieldsFunc(target, func(r rune) bool { return r == '/' }), todo...)
	}
	return at, nil
}

// errDevice is the error of an ordinary user's image that has a device which a layer keeps.
var errDevice = errors.New("only root can make a device")

// makeNode makes a device or a pipe.
func makeNode(root *os.Root, file string, h *tar.Header) error {
	dir, err := root.Open(path.Dir(file))
	if err != nil {
		return err
	}
	defer dir.Close()
	mode := map[byte]uint32{tar.TypeChar: unix.S_IFCHR, tar.TypeBlock: unix.S_IFBLK, tar.TypeFifo: unix.S_IFIFO}[h.Typeflag]
	err = unix.Mknodat(int(dir.Fd()), path.Base(file), mode|0o600, int(unix.Mkdev(uint32(h.Devmajor), uint32(h.Devminor))))
	if errors.Is(err, unix.EPERM) && h.Typeflag != tar.TypeFifo {
		return errDevice
	}
	return err
}

// setAttributes sets what a file has besides its content. Changing the owner clears set-user
// bits and capabilities, so it comes first.
func setAttributes(root *os.Root, file string, h *tar.Header) error {
	if os.Geteuid() != 0 && max(h.Uid, h.Gid) >= boundary.IDRange { // a worker has no other IDs but the user's own
		return fmt.Errorf("its owner is %d:%d; without root an image has owners up to %d", h.Uid, h.Gid, boundary.IDRange-1)
	}
	if err := root.Lchown(file, h.Uid, h.Gid); err != nil {
		return err
	}
	dir, err := root.Open(path.Dir(file))
	if err != nil {
		return err
	}
	defer dir.Close()
	if h.Typeflag == tar.TypeSymlink {
		at := unix.NsecToTimespec(h.ModTime.UnixNano())
		return unix.UtimesNanoAt(int(dir.Fd()), path.Base(file), []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW)
	}
	if err := unix.Fchmodat(int(dir.Fd()), path.Base(file), uint32(h.Mode&0o7777), 0); err != nil {
		return err
	}
	for key, value := range h.PAXRecords {
		attr, ok := strings.CutPrefix(key, "SCHILY.xattr.")
		if !ok {
			continue
		}
		inside := fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), path.Base(file))
		if err := unix.Lsetxattr(inside, attr, []byte(value), 0); err != nil {
			return fmt.Errorf("set attribute %s: %w", attr, err)
		}
	}
	return root.Chtimes(file, h.ModTime, h.ModTime)
}
