// Package confined runs a program of an image on a file, as one who may nothing: it has processes, mounts, IPC and a
// network of its own (without a way out), the image's root without the machine's files, and is nobody without
// capabilities who cannot gain any. It sees no /proc and no /sys. What it writes is in memory and is gone with it.
package confined

import (
	"archive/tar"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

//go:embed run.sh
var script string

// Input is where the program finds its file: a pipe, to be read once from its beginning.
const Input = "/run/input"

// Program is what to run.
type Program struct {
	Layers []string          // directories of the image's root, the top one first; their paths have no colon
	Args   []string          // the program's path in the image, and its arguments
	Files  map[string]string // absolute path -> content: put into the root before
	Result string            // absolute path of the file that the program leaves below /tmp
}

// logLimit is how much of what a program prints is kept.
const logLimit = 16 << 10

// Run runs the program on a file of this machine and writes its result to w. It needs root. The error of a program that
// failed has the end of what it printed.
func Run(ctx context.Context, p Program, input string, w io.Writer) error {
	if os.Geteuid() != 0 {
		return errors.New("to confine a program takes root")
	}
	if len(p.Layers) == 0 || len(p.Args) == 0 {
		return errors.New("no image or no program to confine")
	}
	input, err := filepath.Abs(input) // the program starts elsewhere
	if err != nil {
		return err
	}
	if _, err := os.Stat(input); err != nil {
		return err
	}
	files, err := pack(p.Files)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "detgen-confined-")
	if err != nil {
		return err
	}
	defer os.Remove(work) // the mounts on it are those of the program's namespace
	args := append([]string{"-euc", script, "detgen", work, strings.Join(p.Layers, ":"), input, p.Result}, p.Args...)
	cmd := exec.CommandContext(ctx, "/bin/sh", args...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp", "LC_ALL=C.UTF-8", "TZ=UTC"}
	log := &tail{}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = files, w, log
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET,
		Unshareflags: syscall.CLONE_NEWNS, // as an unshare flag it also makes all mounts private
		Pdeathsig:    syscall.SIGKILL,
		Setsid:       true,
	}
	runtime.LockOSThread() // the death signal comes when the thread that started the child ends
	defer runtime.UnlockOSThread()
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s: %w: %s", p.Args[0], err, strings.TrimSpace(log.String()))
	}
	return nil
}

// pack makes a tar archive of files.
func pack(files map[string]string) (io.Reader, error) {
	var b bytes.Buffer
	archive := tar.NewWriter(&b)
	for path, content := range files {
		err := archive.WriteHeader(&tar.Header{Name: strings.TrimPrefix(path, "/"), Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg})
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", path, err)
		}
		if _, err := io.WriteString(archive, content); err != nil {
			return nil, fmt.Errorf("pack %s: %w", path, err)
		}
	}
	return &b, archive.Close()
}

// tail keeps the end of what is written to it.
type tail struct{ end []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.end = append(t.end, b...)
	if over := len(t.end) - logLimit; over > 0 {
		t.end = slices.Delete(t.end, 0, over)
	}
	return len(b), nil
}

func (t *tail) String() string { return string(t.end) }
