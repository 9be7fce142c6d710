package exact_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"detgen/engine"
	"detgen/engine/exact"
	"detgen/lab/inside"
	"detgen/lab/link"
	"detgen/record"
)

// descriptors counts this process's open files, memory files among them.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// children gives the processes that a process started and that still run.
func children(pid int) []int {
	var list []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range tasks {
		text, _ := os.ReadFile(path)
		for _, word := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(word); err == nil {
				list = append(list, n)
			}
		}
	}
	return list
}

// What must live as long as the lab and ends before it fails the run at once, as on the live engine.
func TestDeathsInTheGuest(t *testing.T) {
	e := needsGuest(t)
	for _, c := range []struct{ name, service, kill, want string }{
		{"a service ends with a status", "echo up; while [ ! -e /tmp/go ]; do sleep 0.01; done; echo why; exit 7", "",
			`host "server": service "web" ended with status 7 while the run went on; its last lines:` + "\n  up\n  why"},
		{"a service ends well", "echo up; while [ ! -e /tmp/go ]; do sleep 0.01; done", "",
			`host "server": service "web" ended with status 0 while the run went on; it printed: up`},
		{"a service is killed and its worker lives", "sleep 1000 & echo up; exec sleep 1001", "1001",
			`host "server": service "web" ended with status 137 while the run went on; it printed: up`},
		{"the links' switch is killed", "", link.SwitchRole, "links: the links' switch has ended: signal: killed"},
		{"the hosts' inits are killed", "", inside.InitRole, `" ended`},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := script(t, "sleep 1000\n")
			// Links without NetEm have a process of their own.
			run.LinkDriver = link.Soft
			run.Activities[0].Scripts = append(run.Activities[0].Scripts, record.Script{Host: "server", Text: "touch $HOST_ROOT/tmp/go\nsleep 1000\n"})
			if c.service != "" {
				run.Hosts[1].Services = []record.Service{{
					Name: "web", Command: []string{"sh", "-c", c.service},
					Ready: record.Ready{Log: "^up$"}, Timeout: record.Duration(5 * time.Second),
				}}
			}
			with := e
			if c.kill != "" {
				with = e.WithKill(c.kill)
			}
			o, err := attempt(t, with, run)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v\nwant %s", err, c.want)
			}
			if o.result == nil || time.Duration(o.result.LabTime) > 10*time.Second {
				t.Errorf("the run ended at the activity's time limit: %+v", o.result)
			}
		})
	}
}

// What goes wrong in a guest ends in one error that says what and shows the guest's last lines,
// and leaves nothing behind.
func TestGuestFailures(t *testing.T) {
	e := needsGuest(t)
	for _, c := range []struct {
		name   string
		script string
		change func(*record.Run)
		engine *exact.Engine
		want   []string
	}{
		{
			name:   "out of virtual time, idle",
			script: "sleep 100000\n",
			want:   []string{`activity "main" (test/test) took longer than its time limit, 30s`},
		},
		{
			name:   "out of virtual time, busy",
			script: "while :; do :; done\n",
			change: func(r *record.Run) { r.Activities[0].Timeout = record.Duration(time.Second) },
			want:   []string{`activity "main" (test/test) took longer than its time limit, 1s`},
		},
		{
			name:   "out of CPU time",
			script: "while :; do :; done\n",
			engine: e.WithLimits(3*time.Second, time.Minute),
			want:   []string{"the guest ran for too long: 3s of CPU time", "the guest's console ends with:"},
		},
		{
			name:   "out of the host's memory",
			script: "tail /dev/zero\n",
			change: func(r *record.Run) { r.Hosts[0].Memory = 64 << 20 },
			want:   []string{`the script on host "client" ended with status 137`, "memory ran out and the kernel killed a program of the host, whose limit is 64 MiB"},
		},
		{
			name:   "out of the guest's memory",
			script: "tail /dev/zero\n",
			change: func(r *record.Run) { r.Hosts[0].Memory = 8 << 30 },
			want:   []string{"the guest crashed", "kernel panic: Out of memory", "the guest's console ends with:"},
		},
		{
			name:   "a program killed for want of memory, and not missed",
			script: "tail /dev/zero || true\n",
			change: func(r *record.Run) { r.Hosts[0].Memory = 64 << 20 },
			want:   []string{`host "client": memory ran out and the kernel killed a program of the host, whose limit is 64 MiB`},
		},
		{
			name:   "the guest's memory full of files",
			script: "cat /dev/zero > /tmp/full\n",
			change: func(r *record.Run) { r.Hosts[0].Memory = 8 << 30 },
			want:   []string{"No space left on device"},
		},
		{
			name:   "no such congestion control",
			script: "true\n",
			change: func(r *record.Run) { r.Hosts[0].Transport.Congestion = "tcpfast" },
			want:   []string{`host "client": transport.congestion "tcpfast": the exact engine's kernel has bbr, bic,`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := script(t, c.script)
			if c.change != nil {
				c.change(run)
			}
			with := c.engine
			if with == nil {
				with = e
			}
			packed(t, run)
			before := descriptors(t)
			begin := time.Now()
			o, err := attempt(t, with, run)
			t.Logf("%v: %v", time.Since(begin).Round(time.Millisecond), err)
			if err == nil {
				t.Fatal("the run succeeded")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q", want)
				}
			}
			if o.result != nil && o.result.Status != record.Failed {
				t.Errorf("the result has status %s", o.result.Status)
			}
			wantNothingLeft(t, before)
		})
	}
}

func wantNothingLeft(t *testing.T, before int) {
	t.Helper()
	if after := descriptors(t); after > before {
		t.Errorf("%d files are open, %d were before", after, before)
	}
	if left := children(os.Getpid()); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

// A machine that stands still is given up. QEMU is stopped here, so that it does.
func TestStall(t *testing.T) {
	e := needsGuest(t).WithLimits(time.Minute, 2*time.Second)
	run := script(t, "while :; do :; done\n")
	images := packed(t, run)
	before := descriptors(t)
	stage := func(name string) {
		if name == "task" {
			for _, pid := range children(os.Getpid()) {
				unix.Kill(pid, unix.SIGSTOP)
			}
		}
	}
	_, err := e.Run(t.Context(), run, engine.Options{Dir: t.TempDir(), Images: images, Progress: stage})
	if err == nil || !strings.Contains(err.Error(), "the guest stands still") {
		t.Errorf("got %v", err)
	}
	wantNothingLeft(t, before)
}

// A run that is cancelled ends at once.
func TestCancel(t *testing.T) {
	e := needsGuest(t)
	run := script(t, "while :; do :; done\n")
	images := packed(t, run)
	before := descriptors(t)
	ctx, cancel := context.WithCancel(t.Context())
	result, err := e.Run(ctx, run, engine.Options{Dir: t.TempDir(), Images: images, Progress: func(stage string) {
		if stage == "task" {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || result != nil {
		t.Errorf("got %v, result %v", err, result)
	}
	wantNothingLeft(t, before)
}

// processTime is the user's part of the CPU time that a process has used (proc(5), field 14 of stat, in
// ticks of 10 ms).
func processTime(pid int) time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	fields := strings.Fields(string(text))
	if len(fields) < 14 {
		return 0
	}
	ticks, _ := strconv.Atoi(fields[13])
	return time.Duration(ticks) * 10 * time.Millisecond
}

// startEndless starts the detgen program on a run that does not end for long, and gives it, its
// folder, and a descriptor of its QEMU, once the task is going on.
func startEndless(t *testing.T) (cmd *exec.Cmd, dir string, qemu int) {
	t.Helper()
	dir = t.TempDir()
	cmd = exec.Command(shared.program, "run", "ping/echo", "--engine", "exact", "--seed", "1",
		"-s", "params.count=100000", "-s", "params.interval=2ms", "-o", filepath.Join(dir, "run"))
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.Stderr = &bytes.Buffer{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		for _, pid := range children(cmd.Process.Pid) {
			// Being asked for its version and restored takes it a fifth of this time.
			if processTime(pid) >= time.Second {
				fd, err := unix.PidfdOpen(pid, 0)
				if err == nil {
					t.Cleanup(func() { unix.Close(fd) })
					return cmd, dir, fd
				}
			}
		}
		time.Sleep(10 * time.Millisecond) // another process's child has no event
	}
	t.Fatal("no QEMU was started")
	return nil, "", 0
}

func wantEnded(t *testing.T, pidfd int) {
	t.Helper()
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, 10_000)
	if err != nil || n != 1 {
		t.Errorf("QEMU is still there after 10 s (%v)", err)
	}
}

// An interrupted program takes everything with it and leaves neither a run nor its beginning.
func TestInterruptLeavesNothing(t *testing.T) {
	needsGuest(t)
	for _, signal := range []os.Signal{unix.SIGINT, unix.SIGTERM} {
		cmd, dir, qemu := startEndless(t)
		cmd.Process.Signal(signal)
		err := cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 130 {
			t.Errorf("%v: exit code %d (%v), want 130", signal, code, err)
		}
		wantEnded(t, qemu)
		if entries, _ := os.ReadDir(dir); len(entries) > 0 {
			t.Errorf("%v: left in the folder: %v", signal, entries)
		}
	}
}

// A machine that somebody kills is a failed run that says so, and leaves nothing.
func TestKilledQEMU(t *testing.T) {
	needsGuest(t)
	cmd, dir, qemu := startEndless(t)
	if err := unix.PidfdSendSignal(qemu, unix.SIGKILL, nil, 0); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	said := cmd.Stderr.(*bytes.Buffer).String()
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(said, "detgen: QEMU ended: signal: killed; the guest's console ends with:") {
		t.Errorf("exit code %d, and it says %q", code, said)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("left in the folder: %v", entries)
	}
}

// A program that is killed takes its machine with it; what it had begun does not look like a
// run, and the next run beside it removes it.
func TestKillLeavesNothing(t *testing.T) {
	needsGuest(t)
	cmd, dir, qemu := startEndless(t)
	cmd.Process.Kill()
	cmd.Wait()
	wantEnded(t, qemu)
	if _, err := os.Stat(filepath.Join(dir, "run")); err == nil {
		t.Error("the killed run has a run directory")
	}
	next := exec.Command(shared.program, "run", "ping/echo", "--engine", "exact", "--seed", "1", "-o", filepath.Join(dir, "run"))
	if out, err := next.CombinedOutput(); err != nil {
		t.Fatalf("the next run: %v\n%s", err, out)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left in the folder: %v", entries)
	}
}

// A user without privileges makes the same bytes from the cache that root filled.
func TestUnprivilegedUser(t *testing.T) {
	e := needsGuest(t)
	run := resolve(t, "web/get", 21, "params.size=20kB")
	want := execute(t, e, run)
	dir, err := os.MkdirTemp("", "detgen-user-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	program, err := os.ReadFile(shared.program)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "detgen")
	if err := errors.Join(os.WriteFile(path, program, 0o755), os.Chown(dir, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "run", "web/get", "--engine", "exact", "--seed", "21", "-s", "params.size=20kB", "-o", filepath.Join(dir, "run"))
	cmd.Env = []string{"DETGEN_CACHE=" + shared.cache, "TMPDIR=" + dir, "HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r, err := record.Read(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Result.Captures {
		if c.SHA256 != want.files[c.File] {
			t.Errorf("%s differs from root's", c.File)
		}
	}
}

const nobody = 65534

// What is missing or wrong on the machine is named before anything starts.
func TestMachineIsWrong(t *testing.T) {
	e := needsGuest(t)
	open := func(change func(*exact.Config)) error {
		c := config(shared.cache)
		change(&c)
		e, err := exact.Open(t.Context(), c)
		if err == nil {
			e.Close()
		}
		return err
	}
	says := func(version string) string {
		path := filepath.Join(t.TempDir(), "qemu")
		if err := os.WriteFile(path, []byte("#!/bin/sh\necho '"+version+"'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run := script(t, "true\n")
	packed(t, run)
	small := filepath.Join(t.TempDir(), "layer")
	if err := os.WriteFile(small, []byte("short"), 0o644); err != nil {
		t.Fatal(err)
	}
	attempt := func(images map[string][]string) error {
		_, err := e.Run(t.Context(), run, engine.Options{Dir: t.TempDir(), Images: images})
		return err
	}
	digest := run.Hosts[0].Digest
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"no QEMU", open(func(c *exact.Config) { c.QEMU = "/nowhere/qemu" }), "qemu-system-x86_64 is not installed (Debian package qemu-system-x86)"},
		{"wrong QEMU", open(func(c *exact.Config) { c.QEMU = says("QEMU emulator version 8.2.1 (Debian)") }), "is 8.2.1 (Debian), the exact engine needs 7.2"},
		{"not QEMU", open(func(c *exact.Config) { c.QEMU = says("hello") }), "does not say which"},
		{"dynamic agent", open(func(c *exact.Config) { c.Agent = "/bin/true" }), "is linked dynamically: build it with CGO_ENABLED=0"},
		{"missing image", attempt(nil), `host "client": image ping-client (` + digest + `) is not at hand`},
		{"image of another size", attempt(map[string][]string{digest: {small}}), "has 5 bytes; the exact engine's machine takes 1073741824"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) || strings.Contains(c.err.Error(), "\n") {
			t.Errorf("%s: got %v, want one line with %q", c.name, c.err, c.want)
		}
	}
}
