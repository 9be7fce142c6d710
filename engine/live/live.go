// Package live runs a lab on this machine's kernel, in real time.
//
// The lab gets a process of its own, the supervisor, which is the first process of new PID,
// mount, network and IPC namespaces and dies with the process that asked for it. Whatever ends
// it (success, failure, an interrupt, kill -9 of any of the two), the kernel then takes away
// every process, mount and network namespace of the lab. Only the control groups that the OCI
// runtime made remain; they are removed when the supervisor has ended or, after a kill -9, by
// the next run.
package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"detgen/engine"
	"detgen/internal/boundary"
	"detgen/internal/helper"
	"detgen/internal/userns"
	"detgen/lab"
	"detgen/record"

	"golang.org/x/sys/unix"
)

// Name is the engine's name.
const Name = "live"

// SupervisorRole is the argument by which this program becomes a supervisor.
const SupervisorRole = "lab-supervisor"

// request is what the supervisor is asked to do.
type request struct {
	ID  uint64
	Run *record.Run
	Lab lab.Options
}

// message is what it tells: that a stage begins, or how the run of a request went.
type message struct {
	Reply    uint64         `json:"reply,omitempty"`
	Progress string         `json:"progress,omitempty"`
	Result   *record.Result `json:"result,omitempty"`
	Error    string         `json:"error,omitempty"`
}

// Replies implements helper.Message.
func (m message) Replies() uint64 { return m.Reply }

// Run executes run on this kernel. The result is not nil when the lab got as far as starting;
// an error with it tells why the run failed.
func Run(ctx context.Context, run *record.Run, o engine.Options) (*record.Result, error) {
	begin := time.Now()
	runtimePath, err := boundary.FindRuntime()
	if err != nil {
		return nil, err
	}
	name, err := labName(o.Dir)
	if err != nil {
		return nil, err
	}
	// Those of a run that was just killed are in use until the kernel has ended its processes.
	removeStaleGroups()
	defer removeStaleGroups()
	defer removeGroups(name)
	result, err := supervise(ctx, request{Run: run, Lab: lab.Options{
		Dir: o.Dir, Scratch: boundary.Scratch, Images: o.Images, Name: name, Runtime: runtimePath,
	}}, o.Progress)
	if result != nil {
		result.Engine = record.Engine{Name: Name, Kernel: kernelRelease()}
		result.WallTime = record.Duration(time.Since(begin))
	}
	return result, err
}

// supervise starts the supervisor and waits for its end.
func supervise(ctx context.Context, r request, progress func(string)) (*record.Result, error) {
	p, err := start(helper.Command{Args: []string{SupervisorRole}, Namespaces: helper.Isolated})
	if err != nil {
		return nil, fmt.Errorf("the lab's supervisor: %w", err)
	}
	stop := context.AfterFunc(ctx, p.Kill)
	defer stop()
	calls := helper.NewCalls(p.Conn, func(m message) {
		if progress != nil {
			progress(m.Progress)
		}
	})
	// The context ends the supervisor, and with it this call.
	m, err := calls.Call(context.Background(), func(number uint64) any { r.ID = number; return r })
	calls.Close()
	ended := p.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fmt.Errorf("the lab's supervisor ended without a result: %w", errors.Join(err, ended))
	case m.Error != "":
		return m.Result, errors.New(m.Error)
	}
	return m.Result, nil
}

// start starts a process that has root's rights over its namespaces: as root, or in a user namespace of the user's.
func start(c helper.Command) (*helper.Process, error) {
	if os.Geteuid() == 0 {
		return helper.Start(c)
	}
	return userns.Start(c, boundary.UserLayout)
}

// Supervisor is the supervisor's main.
func Supervisor() error {
	parent, err := userns.Enter()
	if err != nil {
		return err
	}
	if err := helper.EnterIsolated(); err != nil {
		return err
	}
	unix.Umask(0o022) // hosts read what is made for them, and they are others
	answers := helper.NewOut(parent)
	return helper.Serve(parent, func(r request) error {
		r.Lab.Progress = func(stage string) { answers.Send(message{Progress: stage}) }
		r.Lab.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
		m := message{Reply: r.ID}
		var err error
		if m.Result, err = lab.Execute(context.Background(), r.Run, r.Lab); err != nil {
			m.Error = err.Error()
		}
		return answers.Send(m)
	})
}

func kernelRelease() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}
