package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"detgen/internal/boundary"
	"detgen/internal/thread"
	"detgen/lab/inside"
	"detgen/record"

	"golang.org/x/sys/unix"
)

// view is a host as the scripts of one activity see it: what services have written is there, as it is now, and what the
// scripts write is theirs alone.
type view struct {
	root    string           // in the host; "" is the host's own
	printed map[string]int64 // program -> what it had printed when the activity's task, or warm-up, began
}

// enter gives an activity its views of the hosts where scripts run, and notes what programs have printed there.
func (l *lab) enter(ctx context.Context, a *record.Activity, scripts []record.Script) error {
	entered := map[string]bool{}
	for _, s := range scripts {
		if entered[s.Host] {
			continue
		}
		entered[s.Host] = true
		h := l.byName[s.Host]
		if err := h.enter(ctx, a.Name); errors.Is(err, errInitEnded) {
			return h.ended()
		} else if err != nil {
			return fmt.Errorf("host %q: its view for activity %q: %w", s.Host, a.Name, err)
		}
	}
	return nil
}

func (h *host) enter(ctx context.Context, activity string) error {
	v, err := h.viewOf(activity)
	if err != nil {
		v = &view{}
		if v.root, err = h.system.view(ctx, activity); err != nil {
			return err
		}
	}
	if _, err := h.request(ctx, inside.Request{Operation: inside.Flush}); err != nil {
		return err
	}
	v.printed = map[string]int64{}
	h.mu.Lock()
	defer h.mu.Unlock()
	for program, o := range h.outputs {
		v.printed[program], _, _ = o.now()
	}
	h.views[activity] = v
	return nil
}

func (h *host) viewOf(activity string) (*view, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if v := h.views[activity]; v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("activity %q has no scripts on host %q", activity, h.Name)
}

// leave takes away the views of an activity that has ended, unless a program that its scripts left behind is in one.
func (l *lab) leave(a *record.Activity) error {
	var errs []error
	for _, h := range l.hosts {
		h.mu.Lock()
		v := h.views[a.Name]
		h.mu.Unlock()
		if v == nil || v.root == "" {
			continue
		}
		if err := h.system.unview(a.Name, h.groups[a.Name]); err != nil {
			errs = append(errs, fmt.Errorf("host %q: end the view of activity %q: %w", h.Name, a.Name, err))
		}
	}
	return errors.Join(errs...)
}

// views is the folder of a host's views, in the host.
const views = inside.Directory + "/views"

// viewDirectory is where the lab has what a view's programs write.
func (c *container) viewDirectory(name string) string { return filepath.Join(c.dir, "views", name) }

// seenThrough are the mounts of a host that are the same in each view, with everything below them.
var seenThrough = []string{"/proc", "/sys", "/dev"}

// boundSockets gives the paths of the sockets that programs of the host have bound (proc_net(5)).
func (c *container) boundSockets(ctx context.Context) ([]string, error) {
	table, err := c.table(ctx, "unix")
	if err != nil {
		return nil, err
	}
	var paths []string
	for line := range strings.Lines(string(table)) {
		fields := strings.SplitN(strings.TrimRight(line, "\n"), " ", 8)
		if i := strings.Index(line, " /"); len(fields) == 8 && i >= 0 {
			paths = append(paths, strings.TrimRight(line[i+1:], "\n"))
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// inItself tells if a path is below one of the mounts that a view has as they are.
func inItself(path string) bool {
	return slices.ContainsFunc(append(slices.Clone(seenThrough), inside.Directory), func(dir string) bool {
		return strings.HasPrefix(path, dir+"/")
	})
}

// view implements system. The view is an overlay of the host's root, on the host's own tree of mounts, where the host's init
// can go by chroot(2).
func (c *container) view(ctx context.Context, name string) (string, error) {
	if err := c.openMounts(); err != nil {
		return "", err
	}
	sockets, err := c.boundSockets(ctx)
	if err != nil {
		return "", err
	}
	// The folder that it is mounted on is in the host, and the lab's.
	if err := os.MkdirAll(filepath.Join(c.dir, "detgen/views", name), 0o755); err != nil {
		return "", err
	}
	overlay, err := c.overlay(name)
	if err != nil {
		return "", err
	}
	defer overlay.Close()
	path := filepath.Join(views, name)
	return path, c.amongMounts(func() error {
		at := int(overlay.Fd())
		target, err := openPlain(path)
		if err != nil {
			return err
		}
		defer unix.Close(target)
		if err := moveMount(at, target); err != nil {
			return err
		}
		for _, mount := range seenThrough {
			if err := copyMount(mount, path+mount, unix.AT_RECURSIVE); err != nil {
				return err
			}
		}
		// Not the views of others, which are below it.
		if err := copyMount(inside.Directory, path+inside.Directory, 0); err != nil {
			return err
		}
		if err := copyMount(inside.Binary, path+inside.Binary, 0); err != nil {
			return err
		}
		if err := copyMount("/", path+inside.HostRoot, 0); err != nil {
			return err
		}
		// A socket is found by its file on the host's root alone, not by the overlay's (unix(7)).
		for _, socket := range sockets {
			if !inItself(socket) {
				if err := copySocket(socket, at); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// overlay makes the overlay of a view: a mount that is nowhere yet.
func (c *container) overlay(name string) (*os.File, error) {
	root, err := os.Stat(c.root())
	if err != nil {
		return nil, err
	}
	dir := c.viewDirectory(name)
	upper, work := filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	for _, d := range []string{upper, work} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(os.Chown(upper, c.first, c.first), os.Chmod(upper, root.Mode().Perm())); err != nil {
		return nil, err
	}
	fs, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an overlay: %w", err)
	}
	defer unix.Close(fs)
	for option, path := range map[string]string{"lowerdir": c.root(), "upperdir": upper, "workdir": work} {
		f, err := os.Open(path) // a path may have characters that part layers
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if err := unix.FsconfigSetString(fs, option, fmt.Sprintf("/proc/self/fd/%d", f.Fd())); err != nil {
			return nil, fmt.Errorf("overlay: %s: %w", option, err)
		}
	}
	if boundary.Rootless() {
		if err := unix.FsconfigSetFlag(fs, userAttributes); err != nil {
			return nil, fmt.Errorf("overlay: %s: %w", userAttributes, err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return nil, fmt.Errorf("make an overlay: %w", err)
	}
	mount, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("mount an overlay: %w", err)
	}
	return os.NewFile(uintptr(mount), "view"), nil
}

// unview implements system.
func (c *container) unview(name string, group int) error {
	if busy, err := c.attribution.Busy(group); err != nil || busy {
		return err
	}
	path := filepath.Join(views, name)
	if err := c.amongMounts(func() error { return unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) }); err != nil {
		return err
	}
	return os.RemoveAll(c.viewDirectory(name))
}

// pidFile is where the runtime writes the number of the host's init.
func (c *container) pidFile() string { return filepath.Join(c.dir, "init.pid") }

// errInitEnded tells that a host's init is no more.
var errInitEnded = errors.New("the host's init has ended")

// openMounts opens the host's mount namespace, once.
func (c *container) openMounts() error {
	c.entering.Lock()
	defer c.entering.Unlock()
	if c.mounts != nil {
		return nil
	}
	pid, err := awaitNumber(c.pidFile(), c.runtime.Ended())
	if err != nil {
		return err
	}
	if c.mounts, err = os.Open(fmt.Sprintf("/proc/%d/ns/mnt", pid)); errors.Is(err, os.ErrNotExist) {
		return errInitEnded
	}
	return err
}

// amongMounts calls f on a thread that is in the host's mount namespace, with this process's rights. Paths are the host's
// then.
func (c *container) amongMounts(f func() error) error {
	result := make(chan error)
	thread.Go(func() {
		err := unix.Unshare(unix.CLONE_FS)
		if err == nil {
			err = unix.Setns(int(c.mounts.Fd()), unix.CLONE_NEWNS)
		}
		if err != nil {
			err = fmt.Errorf("enter the host's mounts: %w", err)
		} else {
			err = f()
		}
		result <- err
	})
	return <-result
}

// openPlain opens a path of a host without following any link: what is in the host is not trusted.
func openPlain(path string) (int, error) {
	fd, err := unix.Openat2(unix.AT_FDCWD, path, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", path, err)
	}
	return fd, nil
}

func moveMount(mount, target int) error {
	if err := unix.MoveMount(mount, "", target, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		return fmt.Errorf("mount a part of a view: %w", err)
	}
	return nil
}

// copyMount mounts what is mounted at source at target as well; flags are open_tree's.
func copyMount(source, target string, flags uint) error {
	from, err := openPlain(source)
	if err != nil {
		return err
	}
	defer unix.Close(from)
	tree, err := unix.OpenTree(from, "", unix.AT_EMPTY_PATH|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|flags)
	if err != nil {
		return fmt.Errorf("copy the mount %s: %w", source, err)
	}
	defer unix.Close(tree)
	at, err := openPlain(target)
	if err != nil {
		return err
	}
	defer unix.Close(at)
	return moveMount(tree, at)
}

// copySocket mounts a socket of the host in the view whose root is view, at the same path. One that has no file any more is
// left out.
func copySocket(path string, view int) error {
	open := func(at int) (int, error) {
		return unix.Openat2(at, strings.TrimPrefix(path, "/"), &unix.OpenHow{
			Flags: unix.O_PATH | unix.O_CLOEXEC | unix.O_NOFOLLOW, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
		})
	}
	root, err := openPlain("/")
	if err != nil {
		return err
	}
	defer unix.Close(root)
	from, err := open(root)
	if err != nil {
		return ignoreMissing(err)
	}
	defer unix.Close(from)
	var info unix.Stat_t
	if err := unix.Fstat(from, &info); err != nil {
		return err
	}
	if info.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return nil // another file has its name
	}
	target, err := open(view)
	if err != nil {
		return ignoreMissing(err)
	}
	defer unix.Close(target)
	return mountFile(path, from, target)
}

// mountFile mounts a file that is open on another one, unless one of them has just been removed: a service may do so with
// its socket at any time.
func mountFile(path string, from, target int) error {
	tree, err := unix.OpenTree(from, "", unix.AT_EMPTY_PATH|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return fmt.Errorf("copy the socket %s: %w", path, err)
	}
	defer unix.Close(tree)
	err = moveMount(tree, target)
	if errors.Is(err, unix.ENOENT) { // what the kernel says of a file without a name
		for _, file := range []int{from, target} {
			var info unix.Stat_t
			if unix.Fstat(file, &info) == nil && info.Nlink == 0 {
				return nil
			}
		}
	}
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil
	}
	return err
}
