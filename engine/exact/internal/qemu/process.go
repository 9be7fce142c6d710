package qemu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"detgen/engine/internal/qmp"
	"detgen/internal/helper"
)

// Process is a running QEMU. Kill ends it and frees everything; it must be called.
type Process struct {
	*helper.Process
	control *qmp.Client
	console console
	saveTo  string // path of an inherited descriptor, on which saved is open
	saved   *os.File
}

// How a guest ended other than by pausing itself.
var (
	ErrReset   = errors.New("the guest crashed")
	ErrStall   = errors.New("the guest stands still: it waits for something that never comes")
	ErrCPUTime = errors.New("the guest ran for too long")
	ErrKilled  = errors.New("QEMU ended")
)

// Start starts QEMU. The process dies with the calling process. Each line that the guest writes
// to its serial console goes to line, unless that is nil.
func Start(ctx context.Context, path string, m Machine, line func(string)) (*Process, error) {
	read, console, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	d := &descriptors{}
	arguments := m.arguments(d, console)
	p := &Process{}
	if m.State != nil {
		d.number(m.State)
	}
	if m.SaveTo != nil {
		p.saveTo, p.saved = d.add(m.SaveTo), m.SaveTo
	}
	p.Process, err = helper.Start(helper.Command{Path: path, Args: arguments, Env: []string{"LC_ALL=C"}, Files: d.files})
	// QEMU's end is seen here when QEMU alone has the other end.
	console.Close()
	if err != nil {
		read.Close()
		return nil, err
	}
	p.console.start(read, line)
	p.control, err = qmp.New(ctx, p.Conn)
	if err != nil {
		defer p.Kill()
		if ctx.Err() == nil {
			return nil, p.died()
		}
		return nil, err
	}
	if m.State != nil {
		if err := p.restore(ctx, d.number(m.State)); err != nil {
			defer p.Kill()
			return nil, fmt.Errorf("restore the machine's state: %w", err)
		}
	}
	return p, nil
}

// Kill ends the process, waits for its end, and frees what belongs to it. The page device's
// content is in its file by then.
func (p *Process) Kill() {
	p.Process.Kill()
	<-p.Ended()
	if p.control != nil {
		p.control.Close()
	}
	<-p.console.done
}

// Continue lets the paused guest run.
func (p *Process) Continue(ctx context.Context) error {
	return p.execute(ctx, "cont", nil)
}

// Limits bound how long a guest may run.
type Limits struct {
	CPU   time.Duration // that the process uses
	Stall time.Duration // without using any CPU time
}

// WaitPause waits until the guest pauses itself. Any other end is an error: the context's
// cause, or one of ErrReset, ErrStall, ErrCPUTime, ErrKilled.
func (p *Process) WaitPause(ctx context.Context, limits Limits) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go p.watch(ctx, cancel, limits)
	e, err := p.control.WaitEvent(ctx, "GUEST_PANICKED", "SHUTDOWN")
	switch {
	case errors.Is(err, qmp.ErrClosed):
		return p.died()
	case err != nil:
		return err
	case e.Name == "SHUTDOWN":
		<-p.Ended() // -no-reboot; what the guest wrote before is in the pipe then
		<-p.console.done
		if reason := p.console.panicked(); reason != "" {
			return fmt.Errorf("%w: kernel panic: %s", ErrReset, reason)
		}
		return ErrReset
	}
	return nil
}

// watch cancels when a limit is reached. Standing still has no event to wait for, so it looks
// at the process's CPU time now and then.
func (p *Process) watch(ctx context.Context, cancel context.CancelCauseFunc, limits Limits) {
	start := p.CPUTime()
	last, since := start, time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.Ended():
			return
		case now := <-tick.C:
			used := p.CPUTime()
			if used > last {
				last, since = used, now
			}
			if used-start > limits.CPU {
				cancel(fmt.Errorf("%w: %v of CPU time", ErrCPUTime, limits.CPU))
			}
			if now.Sub(since) > limits.Stall {
				cancel(ErrStall)
			}
		}
	}
}

// CPUTime is the user and system time that the process has used so far (proc(5), stat fields
// 14 and 15, in ticks of 10 ms).
func (p *Process) CPUTime() time.Duration {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(p.PID()) + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // from field 3 on
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// Save writes the device state of the paused machine to the file that it was started with as
// SaveTo. Its RAM is in the machine's RAM file already.
//
// QEMU's migration cannot be used for this: it runs in a thread of its own, which the recording
// of a replay log forbids. The command for saving devices alone, made for Xen, runs between
// the machine's instructions.
func (p *Process) Save(ctx context.Context) error {
	if err := p.execute(ctx, "xen-save-devices-state", map[string]any{"filename": p.saveTo, "live": false}); err != nil {
		return fmt.Errorf("save the machine's state: %w", err)
	}
	return settleClock(p.saved)
}

// restore reads the device state that Save wrote; the guest stays paused.
func (p *Process) restore(ctx context.Context, descriptor int) error {
	capabilities := []map[string]any{{"capability": "events", "state": true}}
	if err := p.execute(ctx, "migrate-set-capabilities", map[string]any{"capabilities": capabilities}); err != nil {
		return err
	}
	if err := p.execute(ctx, "migrate-incoming", map[string]any{"uri": fmt.Sprintf("fd:%d", descriptor)}); err != nil {
		return err
	}
	for {
		e, err := p.control.WaitEvent(ctx, "MIGRATION")
		if errors.Is(err, qmp.ErrClosed) {
			return p.died()
		}
		if err != nil {
			return err
		}
		var data struct{ Status string }
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return fmt.Errorf("event MIGRATION: %w", err)
		}
		switch data.Status {
		case "completed":
			return nil
		case "failed", "cancelled":
			return errors.New(data.Status)
		}
	}
}

// execute sends a command that has no answer but success.
func (p *Process) execute(ctx context.Context, command string, arguments any) error {
	err := p.control.Execute(ctx, command, arguments, nil)
	if errors.Is(err, qmp.ErrClosed) {
		return p.died()
	}
	return err
}

// died waits for the process's end and gives an error that says why it ended.
func (p *Process) died() error {
	if err := p.Wait(); err != nil {
		return fmt.Errorf("%w: %w", ErrKilled, err)
	}
	return ErrKilled
}

// Console gives the last lines that the guest wrote to its serial console.
func (p *Process) Console() []string { return p.console.last() }
