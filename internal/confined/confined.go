// Package confined runs a program of an image on a file, as one who may nothing: in a sandbox of package boundary, with the
// image's root without the machine's files, as nobody without capabilities. It sees no /proc and no /sys. What it writes is
// in memory and is gone with it.
package confined

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"detgen/internal/boundary"
	"detgen/internal/thread"

	"github.com/opencontainers/runtime-spec/specs-go"
)

//go:embed root.sh
var rootScript string

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

// amounts are what a program may take.
var amounts = boundary.Amounts{Memory: 4 << 30, Processes: 256}

// nobody has no file and no process but the program's.
const nobody = 65534

// Run runs the program on a file of this machine and writes its result to w. It needs root. The error of a program that
// failed has the end of what it printed.
func Run(ctx context.Context, p Program, input string, w io.Writer) error {
	if os.Geteuid() != 0 {
		return errors.New("to confine a program takes root")
	}
	if len(p.Layers) == 0 || len(p.Args) == 0 {
		return errors.New("no image or no program to confine")
	}
	file, err := os.Open(input)
	if err != nil {
		return err
	}
	defer file.Close()
	files, err := pack(p.Files)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	thread.Go(func() { ended <- p.run(ctx, file, files, w) })
	return <-ended
}

// run runs the program on this thread, which has the mounts.
func (p Program) run(ctx context.Context, input *os.File, files io.Reader, w io.Writer) (err error) {
	user, err := boundary.NewUserNamespace(boundary.BuildID)
	if err != nil {
		return err
	}
	defer user.Close()
	if err := boundary.OwnMounts(); err != nil {
		return err
	}
	// Started processes end when the thread does.
	shell := func(script string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-euc", script, "sh"}, args...)...)
		cmd.Env = environment
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
		return cmd
	}
	prepare := shell(rootScript, boundary.Scratch, strings.Join(p.Layers, ":"))
	prepare.Stdin = files
	if out, err := prepare.CombinedOutput(); err != nil {
		return cmp.Or(ctx.Err(), fmt.Errorf("prepare a root to confine a program: %w: %s", err, bytes.TrimSpace(out)))
	}
	root := filepath.Join(boundary.Scratch, "root")
	feed := shell(`exec cat >"$1"`, filepath.Join(root, Input))
	feed.Stdin = input
	if err := feed.Start(); err != nil {
		return err
	}
	defer func() {
		_ = feed.Process.Kill() // the program may have read enough
		_ = feed.Wait()
	}()
	group, check, err := boundary.Hold(user, amounts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, group.Remove()) }()
	watch, stop := boundary.Watched(ctx, check)
	defer stop()
	cmd, err := boundary.SandboxCommand(watch, boundary.Scratch, p.sandbox(root), user, group)
	if err != nil {
		return err
	}
	log := &tail{}
	cmd.Env, cmd.Stdout, cmd.Stderr = environment, w, log
	err = cmd.Run()
	if over := stop(); over != nil && ctx.Err() == nil {
		return fmt.Errorf("%s was ended: %w", p.Args[0], over)
	}
	if err != nil {
		return cmp.Or(ctx.Err(), fmt.Errorf("%s: %w: %s", p.Args[0], err, strings.TrimSpace(log.String())))
	}
	return nil
}

var environment = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp", "LC_ALL=C.UTF-8", "TZ=UTC"}

// sandbox is the container of the program, which then prints its result.
func (p Program) sandbox(root string) *specs.Spec {
	s := boundary.Sandbox(root, append([]string{"/bin/sh", "-euc", `"$@" >&2 </dev/null; exec cat -- "$0"`, p.Result}, p.Args...)...)
	s.Mounts = []specs.Mount{{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "noexec", "mode=755", "size=1m"}}}
	s.Process.Env = environment
	s.Process.User = specs.User{UID: nobody, GID: nobody, AdditionalGids: []uint32{nobody}}
	for kind, most := range map[string]uint64{
		"RLIMIT_CORE": 0, "RLIMIT_AS": uint64(amounts.Memory), "RLIMIT_FSIZE": uint64(amounts.Memory), "RLIMIT_NPROC": uint64(amounts.Processes),
	} {
		s.Process.Rlimits = append(s.Process.Rlimits, specs.POSIXRlimit{Type: kind, Soft: most, Hard: most})
	}
	return s
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
