// Package helper starts a process that does a part of this program's work, and talks to it. The process may have
// namespaces of its own, ends when this one does, and has one end of a socket pair. What goes over the pair, and over
// any other connection like it, are JSON values: requests, replies to them, and events (Calls and Serve).
package helper

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"detgen/internal/thread"

	"golang.org/x/sys/unix"
)

// Descriptor is the process's end of the socket pair. Those of Command.Files follow it.
const Descriptor = 3

// Isolated are the clone flags of a process that everything which it makes ends with: the first of its own PID
// namespace, with mounts, a network and System V objects of its own (namespaces(7)). It calls EnterIsolated.
const Isolated = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC

// Command is what to start.
type Command struct {
	Path       string     // of the program; "" is this program's own
	Program    *os.File   // the program, instead of its path; the caller closes it
	Args       []string   // without the program's name
	Env        []string   // nil is this process's
	Mounts     *os.File   // mount namespace that it is in, or of which it begins a copy; nil is this process's
	Namespaces uintptr    // that it begins: clone flags (clone(2))
	Ambient    []uintptr  // capabilities that it and its programs keep, whoever's they are (capabilities(7))
	Files      []*os.File // that it has from Descriptor+1 on; the caller closes its own
	Group      *os.File   // control group (v2) that it starts in; nil is this process's
	Output     io.Writer  // receives what it prints to both outputs; may be nil
}

// Process is a process that was started. It is killed when this process ends.
type Process struct {
	Conn  *os.File // this process's end of the socket pair; the caller closes it
	cmd   *exec.Cmd
	last  lastLines
	ended chan struct{}
	err   error // valid when ended is closed
}

// Start starts a process. The caller closes Conn, and waits for the end or kills it.
func Start(c Command) (*Process, error) {
	switch {
	case c.Program != nil:
		c.Path = fmt.Sprintf("/proc/self/fd/%d", c.Program.Fd())
	case c.Path == "":
		c.Path = "/proc/self/exe"
	}
	p := &Process{ended: make(chan struct{})}
	p.cmd = exec.Command(c.Path, c.Args...)
	ours, theirs, err := Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	p.Conn = ours
	p.cmd.Env = c.Env
	p.cmd.ExtraFiles = append([]*os.File{theirs}, c.Files...)
	var output io.Writer = &p.last
	if c.Output != nil {
		output = io.MultiWriter(&p.last, c.Output)
	}
	p.cmd.Stdout, p.cmd.Stderr = output, output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  c.Namespaces,
		AmbientCaps: c.Ambient,
		Setsid:      true, // a terminal's interrupt goes to this process, which ends the other
		Pdeathsig:   syscall.SIGKILL,
	}
	if c.Group != nil {
		p.cmd.SysProcAttr.UseCgroupFD, p.cmd.SysProcAttr.CgroupFD = true, int(c.Group.Fd())
	}
	if c.Mounts != nil {
		if p.cmd.Dir, err = os.Getwd(); err != nil { // the thread loses it
			return nil, errors.Join(err, ours.Close())
		}
	}
	started := make(chan error)
	// The signal comes when the thread that started the process ends (prctl(2), PR_SET_PDEATHSIG): keep it.
	thread.Go(func() {
		err := enterMounts(c.Mounts)
		if err == nil {
			err = p.cmd.Start()
		}
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.ended)
		}
	})
	if err := <-started; err != nil {
		ours.Close()
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	return p, nil
}

// enterMounts brings the calling thread into a mount namespace.
func enterMounts(mounts *os.File) error {
	if mounts == nil {
		return nil
	}
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	return unix.Setns(int(mounts.Fd()), unix.CLONE_NEWNS)
}

// Pair makes two connected stream sockets. Closing ours ends a read or write that waits on it.
func Pair() (ours, theirs *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	if err := unix.SetNonblock(pair[0], true); err != nil { // before NewFile, which then polls
		return nil, nil, errors.Join(fmt.Errorf("make a socket pair: %w", err), unix.Close(pair[0]), unix.Close(pair[1]))
	}
	return os.NewFile(uintptr(pair[0]), "helper"), os.NewFile(uintptr(pair[1]), "parent"), nil
}

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends the process, without waiting for it.
func (p *Process) Kill() { p.cmd.Process.Kill() } // fails when it has ended

// Ended is closed when the process has ended, and nobody else can print to its outputs.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Wait waits for the process's end. Unless its status is 0, the error gives the status and the last lines that the
// process printed.
func (p *Process) Wait() error {
	<-p.ended
	if text := p.Output(); p.err != nil && text != "" {
		return fmt.Errorf("%w: %s", p.err, text)
	}
	return p.err
}

// Output gives the last lines that the process printed until now.
func (p *Process) Output() string { return strings.TrimSpace(p.last.String()) }

// Parent gives the socket to the process that started this one, and keeps it from programs that this one starts.
func Parent() *os.File {
	unix.CloseOnExec(Descriptor)
	return os.NewFile(Descriptor, "parent")
}

// EnterIsolated lets a process that was started with Isolated see its own namespaces, and keeps its mounts to them.
func EnterIsolated() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	return nil
}
