package lab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"detgen/internal/boundary"
	"detgen/lab/inside"
	"detgen/lab/internal/network"

	"golang.org/x/sys/unix"
)

// MaxHosts is how many hosts a lab can have: as many as root has ranges of IDs for.
const MaxHosts = (1<<31 - boundary.FirstID) / boundary.IDRange

// newHostNamespace makes the user namespace of a host, whose IDs begin with first, and a network
// namespace that belongs to it, so that a capability within the host is one over its own
// network and nothing else. The caller closes user. program is the file of the hosts' init.
func newHostNamespace(program string, first int) (n *network.Namespace, user *os.File, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("make the namespaces of a host: %w", err)
		}
	}()
	ids := boundary.IDs(first)
	// Only a process of one thread can make a user namespace.
	cmd := exec.Command(program, inside.NamespaceRole)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNET,
		UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
		Credential: &syscall.Credential{},
		Pdeathsig:  syscall.SIGKILL,
	}
	var said strings.Builder
	cmd.Stderr = &said
	opened, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	namespaces := fmt.Sprintf("/proc/%d/ns/", cmd.Process.Pid)
	user, userErr := os.Open(namespaces + "user")
	net, netErr := os.Open(namespaces + "net")
	opened.Close()
	if err := cmd.Wait(); err != nil {
		return nil, nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
	}
	if err := errors.Join(userErr, netErr); err != nil {
		return nil, nil, err
	}
	defer net.Close()
	if n, err = network.Open(net); err != nil {
		user.Close()
	}
	return n, user, err
}

// program opens the file of the hosts' init, which the caller closes.
func (o *Options) program() (*os.File, error) {
	if o.Program == "" {
		return os.Open("/proc/self/exe")
	}
	return os.Open(o.Program)
}

// provideProgram puts the program of the hosts' init into the scratch directory, where every user can reach it.
func (l *lab) provideProgram(file *os.File) error {
	if len(l.Machines) == len(l.run.Hosts) {
		return nil // virtual machines have a program of their own
	}
	path := filepath.Join(l.Scratch, ".detgen")
	l.Program = path
	target, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	defer target.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Mode()&0o005 == 0o005 {
		err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", file.Fd()), path, "", unix.MS_BIND, "")
		if !errors.Is(err, unix.EINVAL) {
			return err
		}
	}
	// It is none of this process's mounts, or not for everybody.
	_, err = io.Copy(target, file)
	return err
}

// giveTo makes the tree at dir that of the root of a host whose IDs begin with first.
func giveTo(dir string, first int) error {
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, first, first)
	})
}

// ownedBy looks whether a layer's files have the IDs that begin with first.
func ownedBy(layer string, first int) error {
	var info unix.Stat_t
	if err := unix.Stat(layer, &info); err != nil {
		return fmt.Errorf("look at %s: %w", layer, err)
	}
	if int(info.Uid) != first {
		return fmt.Errorf("layer %s was built with other subordinate IDs than this user has: remove it (detgen image prune --all does)", layer)
	}
	return nil
}

// userAttributes lets an overlay keep its notes in attributes that a user namespace may write, "user.overlay." instead of
// "trusted.overlay." (Documentation/filesystems/overlayfs.rst). Layers of a user have them so.
const userAttributes = "userxattr"

// mountRoot mounts the overlay of an image's layers, top layer first, with what the host writes
// in the directory dir: at dir/root, with its user namespace's IDs. Every directory is named by a
// descriptor, so that a path with a comma, a colon or a backslash is no part of the options
// (Documentation/filesystems/overlayfs.rst).
func mountRoot(dir string, layers []string, user *os.File, first int) error {
	var options strings.Builder
	var files []*os.File
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	add := func(separator, path string) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		files = append(files, f)
		fmt.Fprintf(&options, "%s/proc/self/fd/%d", separator, f.Fd())
		return nil
	}
	separator := "lowerdir="
	for i, layer := range layers {
		if boundary.Rootless() { // its owners are the host's already
			if err := ownedBy(layer, first); err != nil {
				return err
			}
			if err := add(separator, layer); err != nil {
				return err
			}
			separator = ":"
			continue
		}
		shifted := filepath.Join(dir, "lower", fmt.Sprint(i))
		if err := os.MkdirAll(shifted, 0o755); err != nil {
			return err
		}
		if err := boundary.MountShifted(layer, shifted, user, unix.MOUNT_ATTR_RDONLY); err != nil {
			return fmt.Errorf("layer %s: %w", layer, err)
		}
		if err := add(separator, shifted); err != nil {
			return err
		}
		separator = ":"
	}
	upper, work := filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	if err := os.Chown(upper, first, first); err != nil {
		return err
	}
	if err := errors.Join(add(",upperdir=", upper), add(",workdir=", work)); err != nil {
		return err
	}
	if boundary.Rootless() {
		options.WriteString("," + userAttributes)
	}
	return unix.Mount("overlay", filepath.Join(dir, "root"), "overlay", 0, options.String())
}
