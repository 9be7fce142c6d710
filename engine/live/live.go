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
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"detgen/engine"
	"detgen/lab"
	"detgen/record"

	"golang.org/x/sys/unix"
)

// Name is the engine's name.
const Name = "live"

// SupervisorRole is the argument by which this program becomes a supervisor.
const SupervisorRole = "lab-supervisor"

// request is what the supervisor is told, as JSON on its descriptor 3.
type request struct {
	Run    *record.Run
	Lab    lab.Options
	Parent int // PID of the process that asked
}

// message is what it answers, a JSON object a line on its descriptor 4.
type message struct {
	Progress string         `json:"progress,omitempty"`
	Result   *record.Result `json:"result,omitempty"`
	Error    string         `json:"error,omitempty"`
}

// Run executes run on this kernel. The result is not nil when the lab got as far as starting;
// an error beside it says why the run failed.
func Run(ctx context.Context, run *record.Run, o engine.Options) (*record.Result, error) {
	begin := time.Now()
	runtimePath, err := lab.FindRuntime()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	scratch := filepath.Join(o.Dir, "lab")
	if err := os.Mkdir(scratch, 0o755); err != nil {
		return nil, err
	}
	defer os.Remove(scratch)
	name, err := labName(o.Dir)
	if err != nil {
		return nil, err
	}
	// Those of a run that was just killed are in use until the kernel has ended its processes.
	removeStaleGroups()
	defer removeStaleGroups()
	defer removeGroups(name)
	result, err := supervise(ctx, request{Run: run, Parent: os.Getpid(), Lab: lab.Options{
		Dir: o.Dir, Scratch: scratch, Images: o.Images, Name: name, Self: self, Runtime: runtimePath,
	}}, o.Progress)
	if result != nil {
		result.Engine = record.Engine{Name: Name, Kernel: kernelRelease()}
		result.WallTime = record.Duration(time.Since(begin))
	}
	return result, err
}

// supervise starts the supervisor and waits for its end.
func supervise(ctx context.Context, r request, progress func(string)) (*record.Result, error) {
	asked, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	in, toChild, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	fromChild, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer fromChild.Close()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", SupervisorRole)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	cmd.ExtraFiles = []*os.File{in, out}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC,
		Setsid:     true, // the terminal's interrupt goes to this process, which ends the lab
		Pdeathsig:  syscall.SIGKILL,
	}
	// The death signal is tied to the thread that starts the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Start()
	in.Close()
	out.Close()
	if err != nil {
		toChild.Close()
		return nil, fmt.Errorf("start the lab's supervisor: %w", err)
	}
	go func() {
		toChild.Write(asked)
		toChild.Close()
	}()
	var last message
	messages := json.NewDecoder(fromChild)
	for {
		var m message
		if err := messages.Decode(&m); err != nil {
			break
		}
		if m.Progress != "" && progress != nil {
			progress(m.Progress)
		}
		if m.Result != nil || m.Error != "" {
			last = m
		}
	}
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case last.Error != "":
		return last.Result, errors.New(last.Error)
	case last.Result != nil:
		return last.Result, nil
	}
	return nil, fmt.Errorf("the lab's supervisor ended without a result (%w): %s", err, strings.TrimSpace(stderr.String()))
}

// Supervisor is the supervisor's main.
func Supervisor() error {
	in, out := os.NewFile(3, "request"), os.NewFile(4, "answer")
	unix.CloseOnExec(3)
	unix.CloseOnExec(4)
	var r request
	if err := json.NewDecoder(in).Decode(&r); err != nil {
		return fmt.Errorf("read the run: %w", err)
	}
	answers := json.NewEncoder(out)
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	r.Lab.Progress = func(stage string) { answers.Encode(message{Progress: stage}) }
	r.Lab.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	result, err := lab.Execute(context.Background(), r.Run, r.Lab)
	m := message{Result: result}
	if err != nil {
		m.Error = err.Error()
	}
	return answers.Encode(m)
}

func kernelRelease() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}
