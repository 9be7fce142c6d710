package boundary

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Amounts are what all processes of a sandbox may take together.
type Amounts struct {
	Memory    int64 // bytes
	Processes int   // and threads
}

// reserve is what a process may always set aside to write to: Chromium does with more than 2 GiB that it never writes.
const reserve = 8 << 30

// OfEach are the limits of each process, and of each user's number of them (getrlimit(2)), for where no control group
// holds the amounts: a process may not take all at once before anybody looks. They are above those of all, so that who
// looks (Measure) sees that there is too much before a program is told.
func (a Amounts) OfEach() []specs.POSIXRlimit {
	return []specs.POSIXRlimit{
		Rlimit("RLIMIT_DATA", unix.RLIMIT_DATA, max(2*uint64(a.Memory), reserve)), // what it may write to, in its memory or not
		Rlimit("RLIMIT_NPROC", unix.RLIMIT_NPROC, uint64(a.Processes)/4*5),
	}
}

// Rlimit is a limit of n, or of this process's own where that is less and cannot be raised.
func Rlimit(name string, resource int, n uint64) specs.POSIXRlimit {
	var own unix.Rlimit
	if err := unix.Getrlimit(resource, &own); err == nil && Rootless() {
		n = min(n, own.Max)
	}
	return specs.POSIXRlimit{Type: name, Soft: n, Hard: n}
}

// watchInterval is how long programs may go on after they have taken too much.
const watchInterval = 250 * time.Millisecond

// Watch calls check again and again until done is closed. When check gives an error, it calls fail with it and returns.
func Watch(done <-chan struct{}, check func() error, fail func(error)) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		if err := check(); err != nil {
			fail(err)
			return
		}
	}
}

// TooMuch is the error of what takes more than it may.
type TooMuch struct{ Err error }

func (t TooMuch) Error() string { return t.Err.Error() }
func (t TooMuch) Unwrap() error { return t.Err }

// Watched gives a context that ends when check gives an error. The caller calls stop when what is watched has ended; it
// looks a last time, and gives why the context ended before: a TooMuch, or what ended ctx.
func Watched(ctx context.Context, check func() error) (watch context.Context, stop func() error) {
	watch, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Watch(watch.Done(), check, func(err error) { cancel(TooMuch{err}) })
	}()
	return watch, sync.OnceValue(func() error {
		cause := context.Cause(watch)
		cancel(nil)
		<-ended
		if cause == nil {
			if err := check(); err != nil {
				cause = TooMuch{err}
			}
		}
		return cause
	})
}

// Group is a control group whose processes the kernel holds to amounts: one folder in version 2, one for each of the
// controllers memory and pids in version 1 (Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst and pids.rst).
type Group struct {
	amounts Amounts
	dirs    []*os.File // locked as long as the group is used
}

const (
	groups      = "/sys/fs/cgroup"
	groupPrefix = "detgen-amounts-"
)

// Hold gives a group with the amounts, and what finds that more is taken, by the group or, where this process may make none
// and group is nil, by looking at the user namespace (see NewMeasured). The caller removes the group.
func Hold(user *os.File, a Amounts) (group *Group, exceeded func() error, err error) {
	if group, err := NewGroup(a); err == nil {
		return group, group.Exceeded, nil
	}
	m, err := NewMeasured("", user, a)
	return nil, func() error { return Measure([]Measured{m}) }, err
}

// NewGroup makes a group. The error is that of a process that may make none, or of a kernel without. The caller removes
// it.
func NewGroup(a Amounts) (*Group, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(groups, &fs); err != nil {
		return nil, fmt.Errorf("look at the control groups: %w", err)
	}
	memory, processes := strconv.FormatInt(a.Memory, 10), strconv.Itoa(a.Processes)
	trees := map[string][][2]string{
		groups + "/memory": {{"memory.limit_in_bytes", memory}, {"memory.memsw.limit_in_bytes", memory}},
		groups + "/pids":   {{"pids.max", processes}},
	}
	if fs.Type == unix.CGROUP2_SUPER_MAGIC {
		trees = map[string][][2]string{groups: {{"memory.max", memory}, {"memory.swap.max", "0"}, {"pids.max", processes}}}
		_ = os.WriteFile(groups+"/cgroup.subtree_control", []byte("+memory +pids"), 0) // else the limits' files are missing
	}
	g := &Group{amounts: a}
	for tree, limits := range trees {
		sweepGroups(tree)
		dir, err := makeGroup(tree)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("make a control group: %w", err), g.Remove())
		}
		g.dirs = append(g.dirs, dir)
		for _, l := range limits {
			err := os.WriteFile(filepath.Join(dir.Name(), l[0]), []byte(l[1]), 0)
			if strings.Contains(l[0], "sw") && errors.Is(err, os.ErrNotExist) { // a kernel that does not count swap
				continue
			}
			if err != nil {
				return nil, errors.Join(fmt.Errorf("limit a control group: %w", err), g.Remove())
			}
		}
	}
	return g, nil
}

// makeGroup makes a group below a tree's root, and locks it.
func makeGroup(tree string) (*os.File, error) {
	for {
		path, err := os.MkdirTemp(tree, groupPrefix)
		if err != nil {
			return nil, err
		}
		dir, err := lockGroup(path, unix.LOCK_EX)
		if errors.Is(err, os.ErrNotExist) {
			continue // taken for one that was left, just before it was locked
		}
		return dir, err
	}
}

// lockGroup opens a group's folder and locks it; a group that is gone by then is os.ErrNotExist.
func lockGroup(path string, how int) (*os.File, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(dir.Fd()), how); err != nil {
		dir.Close()
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		dir.Close()
		return nil, err
	}
	return dir, nil
}

// sweepGroups removes groups whose makers were killed: nobody locks them.
func sweepGroups(tree string) {
	left, _ := filepath.Glob(filepath.Join(tree, groupPrefix+"*"))
	for _, path := range left {
		if dir, err := lockGroup(path, unix.LOCK_EX|unix.LOCK_NB); err == nil {
			_ = os.Remove(path) // one that has processes stays
			dir.Close()
		}
	}
}

// Enter gives the files that a process writes 0 to, to be in the group; none without a group.
func (g *Group) Enter() []string {
	if g == nil {
		return nil
	}
	var files []string
	for _, dir := range g.dirs {
		files = append(files, filepath.Join(dir.Name(), "cgroup.procs"))
	}
	return files
}

// Exceeded gives an error when the kernel has killed one of the group's processes for want of memory, or refused it
// another process.
func (g *Group) Exceeded() error {
	for _, dir := range g.dirs {
		for _, c := range []struct{ file, count, what string }{
			{"memory.events", "oom_kill ", g.amounts.memory()},
			{"memory.oom_control", "oom_kill ", g.amounts.memory()},
			{"pids.events", "max ", g.amounts.processes()},
		} {
			text, err := os.ReadFile(filepath.Join(dir.Name(), c.file))
			if err != nil {
				continue // of the other version, or of the other controller
			}
			for line := range strings.Lines(string(text)) {
				if n, ok := strings.CutPrefix(line, c.count); ok && strings.TrimSpace(n) != "0" {
					return errors.New(c.what)
				}
			}
		}
	}
	return nil
}

func (a Amounts) memory() string {
	return fmt.Sprintf("it takes more than %d MiB of memory, its limit", a.Memory>>20)
}

func (a Amounts) processes() string {
	return fmt.Sprintf("it starts more than %d processes, its limit", a.Processes)
}

// Remove removes the group, whose processes have ended.
func (g *Group) Remove() error {
	if g == nil {
		return nil
	}
	var errs []error
	for _, dir := range g.dirs {
		if err := os.Remove(dir.Name()); err != nil {
			errs = append(errs, fmt.Errorf("remove a control group: %w", err))
		}
		dir.Close()
	}
	g.dirs = nil
	return errors.Join(errs...)
}

// Measured is a user namespace and what its processes may take.
type Measured struct {
	Amounts
	name      string
	namespace uint64 // its inode
}

// NewMeasured gives what is measured of a user namespace. name begins the error, with what stands behind it there.
func NewMeasured(name string, user *os.File, a Amounts) (Measured, error) {
	var namespace unix.Stat_t
	if err := unix.Fstat(int(user.Fd()), &namespace); err != nil {
		return Measured{}, fmt.Errorf("look at a user namespace: %w", err)
	}
	return Measured{a, name, namespace.Ino}, nil
}

// Measure gives an error when the processes of a user namespace take more than they may, as far as /proc tells: memory in
// files that nothing maps (memfd_create(2)) is not seen. It is for those who may make no control group.
func Measure(list []Measured) error {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	type used struct {
		processes []string
		threads   int
		resident  int64 // bytes; what several processes share is counted as often
	}
	users := map[uint64]*used{} // by inode of the namespace
	for _, e := range entries {
		dir := filepath.Join("/proc", e.Name())
		var namespace unix.Stat_t
		if _, err := strconv.Atoi(e.Name()); err != nil || unix.Stat(dir+"/ns/user", &namespace) != nil {
			continue // it has ended, or is another's
		}
		u := users[namespace.Ino]
		if u == nil {
			u = new(used)
			users[namespace.Ino] = u
		}
		threads, resident := statOf(dir)
		u.processes, u.threads, u.resident = append(u.processes, dir), u.threads+threads, u.resident+resident
	}
	for _, m := range list {
		u := users[m.namespace]
		switch {
		case u == nil:
		case u.threads > m.Processes:
			return errors.New(m.name + m.processes())
		case u.resident > m.Memory && shared(u.processes) > m.Memory:
			return errors.New(m.name + m.memory())
		}
	}
	return nil
}

// statOf reads the number of threads and the resident bytes of a process (/proc/PID/stat, proc_pid_stat(5), fields 20 and
// 24); 0 of one that has ended.
func statOf(dir string) (threads int, resident int64) {
	text, _ := os.ReadFile(dir + "/stat")
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // from field 3
	if len(fields) < 22 {
		return 0, 0
	}
	threads, _ = strconv.Atoi(fields[17])
	resident, _ = strconv.ParseInt(fields[21], 10, 64)
	return threads, resident * int64(os.Getpagesize())
}

// shared gives the bytes of memory of processes, each page shared out among those that map it (proc_pid_smaps(5)).
func shared(processes []string) (bytes int64) {
	for _, dir := range processes {
		text, _ := os.ReadFile(dir + "/smaps_rollup") // none of one that has ended
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Pss:" {
				kilobytes, _ := strconv.ParseInt(fields[1], 10, 64)
				bytes += kilobytes << 10
			}
		}
	}
	return bytes
}
