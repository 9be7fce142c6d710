// Command cputime runs a command and adds a row to a CSV file: a step's name, the package in whose folder it ran, its time
// by the clock, and the CPU time (user and system, in seconds) of all processes that it started, those among them that
// outlived their parents.
//
//	go test -exec "$PWD/bin/cputime FILE STEP" ./...
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "cputime: name a file, a step and a command")
		os.Exit(2)
	}
	code, err := run(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "cputime:", err)
		code = 2
	}
	os.Exit(code)
}

func run(file, step string, command []string) (code int, err error) {
	// Orphans are ours, so that their time is counted.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	begin := time.Now()
	runtime.LockOSThread() // whose end would be the command's, too
	path, err := exec.LookPath(command[0])
	if err != nil {
		return 0, err
	}
	process, err := os.StartProcess(path, command, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return 0, err
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return 0, err
		}
		if pid == process.Pid {
			if code = status.ExitStatus(); status.Signaled() {
				code = 128 + int(status.Signal())
			}
			break
		}
	}
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &used); err != nil {
		return 0, err
	}
	cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
	return code, note(file, step, time.Since(begin), cpu)
}

// note adds the row, with the folder's name below the module's.
func note(file, step string, wall, cpu time.Duration) error {
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	root := folder
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		} else if root == filepath.Dir(root) {
			return fmt.Errorf("%s is not below a module: %w", folder, err)
		}
		root = filepath.Dir(root)
	}
	if folder, err = filepath.Rel(root, folder); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s,%s,%.1f,%.1f\n", step, folder, wall.Seconds(), cpu.Seconds())
	return errors.Join(err, f.Close())
}
