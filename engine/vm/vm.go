// Package vm runs labs the way that traffic for datasets like UGR-16 and CICIDS-17 was made, to compare the
// other engines with (Section 5 and Fig. 5 of the paper): each host is an ordinary virtual machine with a whole
// Debian system, whose timers, time synchronisation, name service and discovery go on beside the task, joined by
// bridges to the same links, and captured at the same places, as on the live engine. Machines start with the
// first run that needs them and stay up, so that caches, logs and the kernel's memory go from run to run.
package vm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"detgen/engine"
	"detgen/record"

	"golang.org/x/sys/unix"
)

// Name is the engine's name.
const Name = "vm"

// Config says what an engine is made of.
type Config struct {
	Cache  string   // directory of what is kept between series of runs; made when it is missing
	Digest string   // of the image named Image
	Layers []string // directories of its root, top layer first
}

// Engine is a series of runs on machines that stay up. Runs go one after the other.
type Engine struct {
	system system
	parts  string

	mu         sync.Mutex // of a run, and of everything below
	supervisor *process   // nil before the first run, and after an interrupt
}

// Open gives an engine. It makes the machines' disk when the cache does not have it. The caller closes it.
func Open(ctx context.Context, c Config) (*Engine, error) {
	s, err := find(ctx, c.Cache, c.Digest, c.Layers)
	if err != nil {
		return nil, err
	}
	parts := filepath.Join(c.Cache, "vm", "parts")
	if err := os.MkdirAll(parts, 0o755); err != nil {
		return nil, err
	}
	return &Engine{system: s, parts: parts}, nil
}

// Close ends the machines.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.end()
	return nil
}

func (e *Engine) end() {
	if e.supervisor != nil {
		e.supervisor.kill()
		e.supervisor = nil
	}
}

// Run executes run on the machines. The result is not nil when the lab got as far as starting; an error beside
// it says why the run failed. When ctx ends, so do the machines; the next run starts others.
func (e *Engine) Run(ctx context.Context, run *record.Run, o engine.Options) (*record.Result, error) {
	begin := time.Now()
	if err := Supports(run); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.supervisor == nil {
		var err error
		if e.supervisor, err = startSupervisor(); err != nil {
			return nil, err
		}
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, e.supervisor.interrupt)
	defer stop()
	m, err := e.supervisor.do(request{Run: run, Dir: dir, Layers: o.Images, System: e.system, Parts: e.parts}, o.Progress)
	if err != nil || ctx.Err() != nil {
		e.end()
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, err
	}
	if m.Result != nil {
		m.Result.WallTime = record.Duration(time.Since(begin))
	}
	if m.Error != "" {
		return m.Result, errors.New(m.Error)
	}
	return m.Result, nil
}

// Supports finds what the machines cannot do.
func Supports(run *record.Run) error {
	for _, h := range run.Hosts {
		if h.Transport.Offload {
			return fmt.Errorf("host %q: the vm engine has no offloads: its frames never exceed the MTU", h.Name)
		}
		if h.Transport.IPv6 {
			return fmt.Errorf("host %q: the vm engine cannot say which program sent over IPv6, which its systems speak anyway: leave transport.ipv6 off", h.Name)
		}
		if h.CPU > 0 {
			return fmt.Errorf("host %q: the vm engine does not limit a host's CPU", h.Name)
		}
	}
	return nil
}

// process is a running supervisor.
type process struct {
	cmd     *exec.Cmd
	to      *json.Encoder
	from    *json.Decoder
	ends    []*os.File
	stderr  *strings.Builder
	exited  chan struct{}
	exitErr error
}

// startSupervisor starts the first process of new namespaces, with which everything in them ends. It dies with
// this process.
func startSupervisor() (*process, error) {
	in, toChild, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	fromChild, out, err := os.Pipe()
	if err != nil {
		in.Close()
		toChild.Close()
		return nil, err
	}
	p := &process{
		to: json.NewEncoder(toChild), from: json.NewDecoder(fromChild), ends: []*os.File{toChild, fromChild},
		stderr: &strings.Builder{}, exited: make(chan struct{}),
	}
	p.cmd = exec.Command("/proc/self/exe", supervisorRole)
	p.cmd.Stderr = p.stderr
	p.cmd.ExtraFiles = []*os.File{in, out}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC,
		Setsid:     true, // the terminal's interrupt goes to this process, which ends the machines
		Pdeathsig:  syscall.SIGKILL,
	}
	started := make(chan error)
	go func() {
		// The death signal comes when the thread that started the process ends: keep it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.exitErr = p.cmd.Wait()
			close(p.exited)
		}
	}()
	err = <-started
	in.Close()
	out.Close()
	if err != nil {
		toChild.Close()
		fromChild.Close()
		return nil, fmt.Errorf("start the machines' supervisor: %w", err)
	}
	return p, nil
}

// do lets the supervisor make one run.
func (p *process) do(r request, progress func(string)) (message, error) {
	err := p.to.Encode(r)
	for err == nil {
		var m message
		if err = p.from.Decode(&m); err != nil {
			break
		}
		if m.Done {
			return m, nil
		}
		if progress != nil {
			progress(m.Progress)
		}
	}
	p.interrupt()
	<-p.exited
	return message{}, fmt.Errorf("the machines' supervisor ended without a result (%w): %s", p.exitErr, strings.TrimSpace(p.stderr.String()))
}

// interrupt ends the supervisor and the machines, without waiting for it.
func (p *process) interrupt() { p.cmd.Process.Kill() }

// kill ends the supervisor and the machines and waits for it.
func (p *process) kill() {
	p.interrupt()
	<-p.exited
	for _, f := range p.ends {
		f.Close()
	}
}
