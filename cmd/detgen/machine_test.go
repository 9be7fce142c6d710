package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"detgen/internal/labtest"
)

// What the machine lacks for the exact engine is one line and exit code 2, nothing is started
// or left, and "detgen doctor" says it too.
func TestMachineLacks(t *testing.T) {
	needsLab(t)
	path := labtest.Program(t)
	fake := t.TempDir()
	if err := os.WriteFile(filepath.Join(fake, "qemu-system-x86_64"), []byte("#!/bin/sh\necho 'QEMU emulator version 8.2.1'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	small := t.TempDir()
	if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=64m"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(small, unix.MNT_DETACH)
	// A snapshot of another detgen is not one for this.
	if err := os.MkdirAll(filepath.Join(small, "exact", "snapshot-0123456789abcdef"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ env, want string }{
		"no QEMU":      {"PATH=/nowhere", "qemu-system-x86_64 is not installed (Debian package qemu-system-x86)"},
		"another QEMU": {"PATH=" + fake + ":" + os.Getenv("PATH"), "is 8.2.1, the exact engine needs 7.2 (Debian 12's package qemu-system-x86, and detgen's container image: docs/installing.md)"},
		"no room":      {"DETGEN_CACHE=" + small, "MiB left, and the guest's kernel and snapshot take up to 700 MiB: make room, or name another with --cache or DETGEN_CACHE"},
	} {
		t.Run(name, func(t *testing.T) {
			command := func(args ...string) *exec.Cmd {
				cmd := exec.CommandContext(t.Context(), path, args...)
				cmd.Dir = t.TempDir()
				cmd.Env = append(os.Environ(), c.env)
				return cmd
			}
			cmd := command("run", "web/get", "--engine", "exact", "-o", "run")
			code, stdout, stderr := outcome(t, cmd)
			if code != exitRequest || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 || stdout != "" {
				t.Errorf("exit code %d, error %q, output %q; want %q", code, stderr, stdout, c.want)
			}
			if left, _ := os.ReadDir(cmd.Dir); len(left) > 0 {
				t.Errorf("it left %v", left)
			}
			if code, stdout, _ := outcome(t, command("doctor")); code != exitFailed || !strings.Contains(stdout, c.want) {
				t.Errorf("doctor: exit code %d, want 1, and %q in\n%s", code, c.want, stdout)
			}
		})
	}
}
