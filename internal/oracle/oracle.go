// Package oracle is what tests compare results with: programs that others wrote, and public data. Only tests import it.
package oracle

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Python runs a script of Debian's Python with a question as JSON on its input, and reads its answer, JSON too. A package
// that is missing fails the test: scripts/install has it.
func Python(t testing.TB, script string, question, answer any) {
	t.Helper()
	text, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-W", "ignore", "-c", script)
	cmd.Stdin = bytes.NewReader(text)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("Python (scripts/install): %v: %s", err, said.String())
	}
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatalf("Python printed %q: %v", out, err)
	}
}

// Tshark gives fields of the frames of a capture that a display filter takes ("" for all): a row a frame.
func Tshark(t testing.TB, capture, filter string, fields ...string) [][]string {
	t.Helper()
	args := []string{"-n", "-r", capture, "-Y", filter, "-T", "fields"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out, err := exec.CommandContext(t.Context(), "tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark (scripts/install) on %s: %v", capture, err)
	}
	var rows [][]string
	for line := range strings.Lines(string(out)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows
}

// Data gives the path of a file or folder of public data, which are not part of the project: below DETGEN_SHARED, or below
// the folder "shared" beside the checkout. A test whose data are missing is skipped, which scripts/test says before it
// begins; where DETGEN_SHARED is set it fails.
func Data(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("DETGEN_SHARED")
	if dir == "" {
		root, err := os.Getwd()
		for err == nil {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			if root == filepath.Dir(root) {
				t.Fatal("the test is not below the module's folder")
			}
			root = filepath.Dir(root)
		}
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(filepath.Dir(root), "shared")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("DETGEN_SHARED") != "" {
			t.Fatalf("public data: %v", err)
		}
		t.Skipf("public data are not at hand (DETGEN_SHARED): %v", err)
	}
	return path
}
