package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"detgen/internal/boundary"
	"detgen/internal/thread"

	"golang.org/x/sys/unix"
)

// stage is a mount namespace of one thread, in which sandboxes find what they work on:
//
//	tools/                  the root of a sandbox that has this computer's programs
//	tools/build/            the work directory's parts, read-only
//	tools/image/            the image's root, the root of a sandbox of its own
//	tools/image/dev, run, tmp
//	tools/image/run/detgen  the parts again
//
// The layer and its parents are mounted so that their owners are those of a user namespace, in which
// all sandboxes are: root there is nobody on the computer. The namespace and its mounts end with the thread.
type stage struct {
	dir    string   // boundary.Scratch
	user   *os.File // the user namespace
	worker bool     // this process is a worker: the layers' files have the owners of that namespace already
	limits limits
}

// first is the ID, of those that this process has, of the sandboxes' root.
func (s *stage) first() int {
	if s.worker {
		return workerLayout.First
	}
	return boundary.BuildID
}

func (s *stage) tools() string { return filepath.Join(s.dir, "tools") }
func (s *stage) image() string { return filepath.Join(s.dir, "tools/image") }

// onStage calls f with the build's stage, on the stage's thread.
func (b *build) onStage(f func(*stage) error) error {
	result := make(chan error)
	thread.Go(func() {
		s := &stage{dir: boundary.Scratch, worker: b.store.worker, limits: b.store.limits}
		var err error
		if s.user, err = boundary.NewUserNamespace(s.first()); err == nil {
			defer s.user.Close()
			err = s.mount(b)
		}
		if err != nil {
			err = fmt.Errorf("prepare the build's sandbox: %w", err)
		} else {
			err = f(s)
		}
		result <- err
	})
	return <-result
}

// mount makes the namespace of this thread, and its mounts.
func (s *stage) mount(b *build) error {
	if err := boundary.OwnMounts(); err != nil {
		return err
	}
	for _, dir := range []string{"layers", "tools/build", "tools/image", "tools/proc", "tools/dev", "tools/tmp", "tools/etc"} {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o755); err != nil {
			return err
		}
	}
	if err := s.mountTools(); err != nil {
		return err
	}
	parts := filepath.Join(b.dir, "parts")
	if err := bindReadOnly(parts, filepath.Join(s.tools(), "build")); err != nil {
		return err
	}
	if len(b.parents) == 0 && b.recipe.Bootstrap != "" && !b.bootstrapped {
		return s.bind(b.layer(), s.image(), 0) // an empty layer to bootstrap into
	}
	if err := s.asBuilder(func() error { return s.mountImage(b) }); err != nil {
		return err
	}
	return s.furnish(parts)
}

// bind mounts a folder of layers, whose owners become those of the user namespace, with more MOUNT_ATTR_ flags.
func (s *stage) bind(source, target string, attributes uint64) error {
	user := s.user
	if s.worker {
		user = nil
	}
	return boundary.MountShifted(source, target, user, attributes)
}

// programs are the directories of this computer that have its programs and nothing of its user's.
var programs = []string{"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"}

// mountTools gives the tools' root what apt, dpkg and mmdebstrap need of this computer, to read.
func (s *stage) mountTools() error {
	for _, name := range programs {
		source, target := "/"+name, filepath.Join(s.tools(), name)
		info, err := os.Lstat(source)
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue
		case err != nil:
			return err
		case info.Mode()&os.ModeSymlink != 0: // of a merged /usr
			link, err := os.Readlink(source)
			if err != nil {
				return err
			}
			if err := os.Symlink(link, target); err != nil {
				return err
			}
		default:
			if err := errors.Join(os.Mkdir(target, 0o755), bindReadOnly(source, target)); err != nil {
				return err
			}
		}
	}
	local := filepath.Join(s.tools(), "usr/local")
	if _, err := os.Stat(local); err == nil {
		if err := unix.Mount("tmpfs", local, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
			return fmt.Errorf("hide /usr/local: %w", err)
		}
	}
	// what programs look up; alternatives are where some links of /usr lead
	if err := os.WriteFile(filepath.Join(s.tools(), "etc/passwd"), []byte("root:x:0:0:root:/root:/bin/sh\n_apt:x:100:65534::/nonexistent:/bin/false\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.tools(), "etc/group"), []byte("root:x:0:\nstaff:x:50:\nnogroup:x:65534:\n"), 0o644); err != nil {
		return err
	}
	alternatives := filepath.Join(s.tools(), "etc/alternatives")
	return errors.Join(os.Mkdir(alternatives, 0o755), bindReadOnly("/etc/alternatives", alternatives))
}

// bindReadOnly mounts a directory of this computer to be read. Set-user-ID programs in it gain nothing.
func bindReadOnly(source, target string) error {
	err := unix.Mount(source, target, "", unix.MS_BIND, "")
	if err == nil {
		// What else the mount forbids stays: the computer's own may only be added to.
		err = unix.MountSetattr(unix.AT_FDCWD, target, 0, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV})
	}
	if err != nil {
		return fmt.Errorf("mount %s to be read: %w", source, err)
	}
	return nil
}

// mountImage mounts the root as it is to be: the layer over its parents.
func (s *stage) mountImage(b *build) error {
	work := filepath.Join(s.dir, "layers/own")
	if err := os.Mkdir(work, 0o755); err != nil {
		return err
	}
	// The layer and overlayfs's own directory must be on one mount.
	if err := s.bind(filepath.Join(b.dir, "own"), work, 0); err != nil {
		return err
	}
	if err := s.mountLayers(b, work); err != nil {
		return fmt.Errorf("mount the layers: %w", err)
	}
	for _, dir := range []string{"dev", "proc", "run", "sys", "tmp"} {
		if err := os.Mkdir(filepath.Join(s.image(), dir), 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

func (s *stage) mountLayers(b *build, work string) error {
	if len(b.parents) == 0 {
		return unix.Mount(filepath.Join(work, "layer"), s.image(), "", unix.MS_BIND, "")
	}
	options := ""
	if s.worker {
		options = "userxattr," // the marks that an ordinary user may set
	}
	options += "redirect_dir=nofollow,metacopy=off,index=off,upperdir=" + filepath.Join(work, "layer") + ",workdir=" + filepath.Join(work, "work") + ",lowerdir="
	for i, layer := range b.parentLayers() {
		lower := filepath.Join(s.dir, "layers", fmt.Sprint(i))
		if err := os.Mkdir(lower, 0o755); err != nil {
			return err
		}
		if err := s.bind(layer, lower, unix.MOUNT_ATTR_RDONLY); err != nil {
			return err
		}
		if i > 0 {
			options += ":"
		}
		options += lower
	}
	return unix.Mount("overlay", s.image(), "overlay", 0, options)
}

// asBuilder calls f as the user that is root in the sandbox, who owns the layers' mounts, but with all
// capabilities: overlayfs goes on with what it was mounted with.
func (s *stage) asBuilder(f func() error) (err error) {
	const keep = 1 << 2 // SECBIT_NO_SETUID_FIXUP (capabilities(7)): the capabilities stay
	before, err := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0)
	if err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_SECUREBITS, uintptr(before|keep), 0, 0, 0); err != nil {
		return err
	}
	ids := func(id uintptr) { // they affect this thread alone, and tell no error
		unix.RawSyscall(unix.SYS_SETFSUID, id, 0, 0)
		unix.RawSyscall(unix.SYS_SETFSGID, id, 0, 0)
	}
	defer func() {
		ids(uintptr(os.Geteuid()))
		err = errors.Join(err, unix.Prctl(unix.PR_SET_SECUREBITS, uintptr(before), 0, 0, 0))
	}()
	ids(uintptr(s.first()))
	return f()
}

// furnish mounts what programs expect of a running system, in the image.
func (s *stage) furnish(parts string) error {
	owner := fmt.Sprintf("uid=%d,gid=%[1]d,", s.first())
	for dir, options := range map[string]string{"dev": "mode=755,size=64m", "run": "mode=755,size=64m", "tmp": "mode=1777," + sandboxTmp} {
		target := filepath.Join(s.image(), dir)
		if info, err := os.Lstat(target); err != nil || !info.IsDir() {
			return fmt.Errorf("the image's /%s is no folder", dir)
		}
		if err := unix.Mount("tmpfs", target, "tmpfs", unix.MS_NOSUID, owner+options); err != nil {
			return fmt.Errorf("mount the image's /%s: %w", dir, err)
		}
	}
	dev := filepath.Join(s.image(), "dev")
	for name, number := range map[string][2]uint32{"null": {1, 3}, "zero": {1, 5}, "full": {1, 7}, "random": {1, 8}, "urandom": {1, 9}, "tty": {5, 0}} {
		path := filepath.Join(dev, name)
		if err := s.makeDevice(path, name, number); err != nil {
			return fmt.Errorf("make the image's /dev/%s: %w", name, err)
		}
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		if err := os.Symlink(target, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	for name, mode := range map[string]os.FileMode{"dev/shm": 0o777 | os.ModeSticky, "run/lock": 0o755, "run/detgen": 0o755} {
		path := filepath.Join(s.image(), name)
		if err := errors.Join(os.Mkdir(path, 0o755), os.Chmod(path, mode), os.Lchown(path, s.first(), s.first())); err != nil {
			return err
		}
	}
	return bindReadOnly(parts, filepath.Join(s.image(), "run/detgen"))
}

// makeDevice makes a device, or mounts the computer's in a worker, who may make none.
func (s *stage) makeDevice(path, name string, number [2]uint32) error {
	if s.worker {
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			return err
		}
		return unix.Mount("/dev/"+name, path, "", unix.MS_BIND, "")
	}
	if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(number[0], number[1]))); err != nil {
		return err
	}
	return os.Chmod(path, 0o666) // whatever the umask
}

// masked are the paths that show nothing, in a root that has the given places of /proc.
func masked(procs ...string) []string {
	var paths []string
	for _, proc := range procs {
		for _, p := range boundary.MaskedPaths {
			if rest, ok := strings.CutPrefix(p, "/proc/"); ok {
				paths = append(paths, proc+"/"+rest)
			}
		}
	}
	return paths
}
