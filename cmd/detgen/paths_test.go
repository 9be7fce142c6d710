package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"detgen/internal/labtest"
)

// A run directory can have any name, below a directory that only root can walk to: hosts' mounts do not depend on it.
func TestRunDirectoryNames(t *testing.T) {
	needsLab(t)
	detgen := labtest.Program(t)
	for _, name := range []string{"co,mma", `back\slash`, "co:lon", "a space", `all , \ : of them`} {
		t.Run(name, func(t *testing.T) {
			private := filepath.Join(t.TempDir(), "private "+name)
			if err := os.Mkdir(private, 0o700); err != nil {
				t.Fatal(err)
			}
			code, _, stderr := outcome(t, exec.CommandContext(t.Context(), detgen, "run", "ping/echo", "-s", "params.count=1", "-o", filepath.Join(private, name)))
			if code != exitDone {
				t.Errorf("exit code %d: %s", code, stderr)
			}
		})
	}
}
