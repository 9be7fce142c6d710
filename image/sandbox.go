package image

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// The scripts that run as process 1 of a sandbox.
var (
	//go:embed bootstrap.sh
	bootstrapScript string
	//go:embed install.sh
	installScript string
)

// sandbox runs a shell script as process 1 of a new PID namespace, with its own mounts, host
// name and IPC, and without a network unless asked. When it ends for whatever reason, and when
// this process is killed, the kernel ends all it started and takes down its mounts.
type sandbox struct {
	script  string
	args    []string
	env     []string
	network bool     // keep this process's network
	output  *os.File // standard output and error
	lock    *lock    // stays locked as long as anything in the sandbox lives
}

// run returns the script's exit status; err is for everything else that went wrong.
func (b sandbox) run(ctx context.Context) (status int, err error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-euc", b.script, "detgen"}, b.args...)...)
	cmd.Env = b.env
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = b.output, b.output
	cmd.ExtraFiles = []*os.File{b.lock.file}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Unshareflags: syscall.CLONE_NEWNS, // as an unshare flag it also makes all mounts private
		Pdeathsig:    syscall.SIGKILL,
		Setsid:       true, // a terminal's Ctrl-C reaches detgen, which ends the sandbox
	}
	if !b.network {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNET
	}
	runtime.LockOSThread() // the death signal comes when the thread that started the child ends
	defer runtime.UnlockOSThread()
	err = cmd.Run()
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 0, fmt.Errorf("run in a sandbox: %w", err)
	}
	return 0, nil
}
