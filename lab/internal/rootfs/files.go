// Package rootfs makes an image's directory tree that of a host of a run: accounts, files, and the places of the host's
// init and its helper commands.
package rootfs

import (
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"detgen/lab/inside"
	"detgen/record"

	"golang.org/x/sys/unix"
)

// root is the tree.
type root struct {
	dir   string
	first int // the ID that the host's root has here
}

// Furnish makes the tree whose directory is dir that of a host, before anything runs there: the run's accounts, names of
// all hosts, then the run's files. The owner of what it makes is first, plus the owner's ID in the host.
func Furnish(dir string, first int, run *record.Run, h *record.Host) error {
	r := root{dir, first}
	for _, u := range h.Users {
		if err := r.addUser(&u); err != nil {
			return fmt.Errorf("host %q: user %q: %w", h.Name, u.Name, err)
		}
	}
	files := []record.File{
		{Path: "/etc/hosts", Text: hostsFile(run)},
		{Path: "/etc/hostname", Text: h.Name + "\n"},
		{Path: "/etc/resolv.conf"}, // a DNS server is a scenario's choice
		{Path: "/etc/machine-id", Text: fmt.Sprintf("%032x\n", run.Seed)},
	}
	for _, f := range append(files, h.Files...) {
		if err := r.write(&f); err != nil {
			return fmt.Errorf("host %q: file %s: %w", h.Name, f.Path, err)
		}
	}
	return nil
}

// hostsFile gives every host's name and aliases, on every network, in the run's order.
func hostsFile(run *record.Run) string {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n")
	if run.Family() != record.IPv4 {
		b.WriteString("::1\tlocalhost ip6-localhost ip6-loopback\n")
	}
	for _, h := range run.Hosts {
		for _, i := range h.Interfaces {
			for _, a := range i.Addresses() {
				fmt.Fprintf(&b, "%s\t%s\n", a.Addr(), strings.Join(append([]string{h.Name}, h.Aliases...), " "))
			}
		}
	}
	return b.String()
}

// write puts one file into the host's root. Symbolic links on the way are followed within the
// root only (openat2(2), RESOLVE_IN_ROOT).
func (r root) write(f *record.File) error {
	dir, base := filepath.Split(filepath.Clean("/" + f.Path))
	if f.Directory {
		dir, base = filepath.Clean("/"+f.Path), "."
	}
	at, err := r.openIn(dir)
	if err != nil {
		return err
	}
	defer at.Close()
	path := fmt.Sprintf("/proc/self/fd/%d/%s", at.Fd(), base)
	switch {
	case f.Directory:
	case f.Symlink != "":
		os.Remove(path)
		if err := os.Symlink(f.Symlink, path); err != nil {
			return err
		}
	default:
		if err := writeContent(path, f); err != nil {
			return err
		}
	}
	uid, gid, err := r.owner(f.Owner)
	if err != nil {
		return err
	}
	if err := os.Lchown(path, r.first+uid, r.first+gid); err != nil {
		return err
	}
	mode := f.Mode
	if mode == 0 {
		mode = 0o644
		if f.Directory {
			mode = 0o755
		}
	}
	if f.Symlink != "" {
		return nil
	}
	return unix.Chmod(path, mode)
}

func writeContent(path string, f *record.File) error {
	os.Remove(path) // a symbolic link of the image (resolv.conf) is replaced, not followed
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	switch {
	case f.Generate != nil:
		var content io.Reader
		if content, err = f.Generate.Content(); err == nil {
			_, err = io.Copy(file, content)
		}
	case f.Base64 != "":
		var content []byte
		if content, err = base64.StdEncoding.DecodeString(f.Base64); err == nil {
			_, err = file.Write(content)
		}
	default:
		_, err = file.WriteString(f.Text)
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}

// Open opens a file or directory of the tree whose directory is dir, with flags of open(2). Symbolic links lead nowhere else
// (openat2(2), RESOLVE_IN_ROOT). The caller closes it.
func Open(dir, path string, flags int) (*os.File, error) {
	root, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	how := unix.OpenHow{Flags: uint64(flags) | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
	fd, err := unix.Openat2(int(root.Fd()), path, &how)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// openIn opens a directory below root, making what is missing of it.
func (r root) openIn(dir string) (*os.File, error) {
	rootFile, err := os.Open(r.dir)
	if err != nil {
		return nil, err
	}
	defer rootFile.Close()
	how := unix.OpenHow{Flags: unix.O_DIRECTORY | unix.O_RDONLY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
	fd, err := unix.Openat2(int(rootFile.Fd()), dir, &how)
	if err == unix.ENOENT && filepath.Clean(dir) != "/" {
		parent, err := r.openIn(filepath.Dir(filepath.Clean(dir)))
		if err != nil {
			return nil, err
		}
		defer parent.Close()
		if err := unix.Mkdirat(int(parent.Fd()), filepath.Base(dir), 0o755); err != nil {
			return nil, err
		}
		if err := unix.Fchownat(int(parent.Fd()), filepath.Base(dir), r.first, r.first, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return nil, err
		}
		return r.openIn(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s in the image: %w", dir, err)
	}
	return os.NewFile(uintptr(fd), dir), nil
}

// owner gives the numbers of "user:group", by the host's own passwd and group files.
func (r root) owner(owner string) (uid, gid int, err error) {
	if owner == "" {
		return 0, 0, nil
	}
	user, group, hasGroup := strings.Cut(owner, ":")
	uid, gid, err = r.look("/etc/passwd", user)
	if err == nil && hasGroup {
		gid, _, err = r.look("/etc/group", group)
	}
	return uid, gid, err
}

// look finds the third and fourth fields of a name's line in passwd(5) or group(5); a number
// stands for itself.
func (r root) look(file, name string) (int, int, error) {
	if n, err := strconv.Atoi(name); err == nil {
		return n, n, nil
	}
	f, err := Open(r.dir, file, unix.O_RDONLY)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(content)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if fields[0] == name && len(fields) >= 4 {
			third, err := strconv.Atoi(fields[2])
			if err != nil {
				return 0, 0, fmt.Errorf("%s: %w", file, err)
			}
			fourth, _ := strconv.Atoi(fields[3]) // of a group: its members
			return third, fourth, nil
		}
	}
	return 0, 0, fmt.Errorf("%q is not in the image's %s", name, file)
}

// LinkHelpers makes the helper commands in an empty folder of a host.
func LinkHelpers(dir string) error {
	for _, name := range append(slices.Clone(inside.HelperNames), inside.Emulate) {
		if err := os.Symlink(inside.Binary, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
