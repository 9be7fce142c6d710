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
	"os"
	"time"

	"detgen/engine"
	"detgen/engine/live/supervisor"
	"detgen/internal/boundary"
	"detgen/internal/helper"
	"detgen/internal/userns"
	"detgen/lab"
	"detgen/record"

	"golang.org/x/sys/unix"
)

// Name is the engine's name.
const Name = "live"

// Run executes run on this kernel; this program plays the lab's supervisor. The result is not nil when the lab got as far
// as starting; an error with it tells why the run failed. Nothing of the lab is left when Run returns.
func Run(ctx context.Context, run *record.Run, o engine.Options) (*record.Result, error) {
	result, gone, err := execute(ctx, run, o, parts{})
	gone()
	return result, err
}

// execute is Run with processes of a program. It returns when the result is known; gone waits until the lab is no more.
func execute(ctx context.Context, run *record.Run, o engine.Options, of parts) (_ *record.Result, gone func(), err error) {
	begin := time.Now()
	gone = func() {}
	runtimePath, err := boundary.FindRuntime()
	if err != nil {
		return nil, gone, err
	}
	name, err := labName(o.Dir)
	if err != nil {
		return nil, gone, err
	}
	// Those of a run that was just killed are in use until the kernel has ended its processes.
	removeStaleGroups()
	result, ended, err := supervise(ctx, supervisor.Request{Run: run, Lab: lab.Options{
		Dir: o.Dir, Scratch: boundary.Scratch, Images: o.Images, Name: name, Runtime: runtimePath, Program: of.path(),
	}}, o.Progress, of)
	if result != nil {
		result.Engine = record.Engine{Name: Name, Kernel: kernelRelease()}
		result.WallTime = record.Duration(time.Since(begin))
	}
	return result, func() {
		ended()
		removeGroups(name)
		removeStaleGroups()
	}, err
}

// supervise starts the supervisor and waits for the result; ended waits for its end.
func supervise(ctx context.Context, r supervisor.Request, progress func(string), of parts) (_ *record.Result, ended func(), err error) {
	p, err := start(of.command(supervisor.Role))
	if err != nil {
		return nil, func() {}, fmt.Errorf("the lab's supervisor: %w", err)
	}
	stop := context.AfterFunc(ctx, p.Kill)
	ended = func() {
		<-p.Ended()
		stop()
	}
	calls := helper.NewCalls(p.Conn, func(m supervisor.Message) {
		if progress != nil {
			progress(m.Progress)
		}
	})
	// The context ends the supervisor, and with it this call.
	m, err := calls.Call(context.Background(), func(number uint64) any { r.ID = number; return r })
	calls.Close()
	if ctx.Err() != nil || err != nil {
		<-p.Ended() // who has no result removes the directory, which it must not write to then
	}
	switch {
	case ctx.Err() != nil:
		return nil, ended, context.Cause(ctx)
	case err != nil:
		return nil, ended, fmt.Errorf("the lab's supervisor ended without a result: %w", errors.Join(err, p.Wait()))
	case m.Error != "":
		return m.Result, ended, errors.New(m.Error)
	}
	return m.Result, ended, nil
}

// start starts a process that has root's rights over its namespaces: as root, or in a user namespace of the user's.
func start(c helper.Command) (*helper.Process, error) {
	if os.Geteuid() == 0 {
		return helper.Start(c)
	}
	return userns.Start(c, boundary.UserLayout)
}

func kernelRelease() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}
