// Package labtest is what tests of labs share: the built program, the parts that a test binary plays in a lab, and
// reading what a run left. Only tests import it.
package labtest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"detgen/engine/engines"
	"detgen/packet"
)

// Main runs the tests of a package whose labs start the test binary again: it plays what detgen is in a lab, and the
// package's own roles by their first argument, and runs tests otherwise.
func Main(m *testing.M, roles map[string]func(args []string) error) {
	role := engines.Role(os.Args)
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		role = func() error { return roles[os.Args[1]](os.Args[2:]) }
	}
	if role == nil {
		os.Exit(m.Run())
	}
	if err := role(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Build builds the detgen binary at path, linked statically, as it is the init of hosts and guests too.
func Build(path string) error { return build("detgen", path) }

func build(command, path string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "detgen/cmd/"+command)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", command, err, out)
	}
	return nil
}

// Program gives the detgen binary: the one that DETGEN names, or one that is built for the test.
func Program(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("DETGEN"); path != "" {
		return path
	}
	return built(t, "detgen")
}

// ONNXProgram gives detgen-onnx: the one beside the program that DETGEN names, which is built with it, or one that is built
// for the test.
func ONNXProgram(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("DETGEN"); path != "" {
		return filepath.Join(filepath.Dir(path), "detgen-onnx")
	}
	return built(t, "detgen-onnx")
}

func built(t testing.TB, command string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), command)
	if err := build(command, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// Frames gives the frames of a capture, with data of their own.
func Frames(t testing.TB, path string) []packet.Frame {
	t.Helper()
	r, err := packet.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var frames []packet.Frame
	for {
		var f packet.Frame
		if err := r.Next(&f); errors.Is(err, io.EOF) {
			return frames
		} else if err != nil {
			t.Fatal(err)
		}
		f.Data = bytes.Clone(f.Data)
		frames = append(frames, f)
	}
}

// Rows reads a CSV file, each row by the names of its columns.
func Rows(t testing.TB, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) == 0 {
		t.Fatalf("%s has no header", path)
	}
	rows := make([]map[string]string, len(lines)-1)
	for i, line := range lines[1:] {
		rows[i] = map[string]string{}
		for j, cell := range line {
			rows[i][lines[0][j]] = cell
		}
	}
	return rows
}
