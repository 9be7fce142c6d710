package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"detgen/internal/labtest"
)

// A program that tries to get out of its host is refused each time, on live and on exact. What the
// kernel says is the table in docs/security.md: the kernel of exact is the same everywhere, that of live is this
// machine's, and may be more or less able than the table's.
func TestEscape(t *testing.T) {
	needsLab(t)
	detgen := labtest.Program(t)
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("testdata/escape")); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(folder, "scenarios/escape/escape"), "../../lab/escape")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	listen(t)
	watched := []string{"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname"}
	before := contents(t, watched)
	said := map[string][][2]string{}
	for _, engine := range []string{"live", "exact"} {
		dir := filepath.Join(folder, engine)
		code, _, stderr := outcome(t, exec.CommandContext(t.Context(), detgen, "run", "escape/try", "--catalogue", folder,
			"--engine", engine, "--seed", "1", "-o", dir))
		log, err := os.ReadFile(filepath.Join(dir, "logs/prisoner/main.log"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(log)) {
			attempt, answer, ok := strings.Cut(strings.TrimRight(line, "\n"), "\t")
			if !ok || answer == "OUT" {
				t.Errorf("%s: %s", engine, line)
			}
			said[engine] = append(said[engine], [2]string{attempt, answer})
		}
		if code != exitDone || len(said[engine]) < 100 {
			t.Fatalf("%s: exit code %d after %d attempts: %s", engine, code, len(said[engine]), stderr)
		}
	}
	if after := contents(t, watched); !slices.Equal(before, after) {
		t.Errorf("the machine's %v became %q", watched, after)
	}
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	for i, a := range said["exact"] {
		live := said["live"][i]
		if live[0] != a[0] {
			t.Fatalf("attempt %d is %q on live and %q on exact", i, live[0], a[0])
		}
		table.WriteString("| " + a[0] + " | " + live[1] + " | " + a[1] + " |\n")
		row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(a[0]) + ` \| [^|]+ \| ` + regexp.QuoteMeta(a[1]) + ` \|$`)
		if !row.Match(page) {
			t.Errorf("docs/security.md has no row of %q with %s on exact", a[0], a[1])
		}
	}
	if t.Failed() {
		t.Logf("the table is\n%s", table.String())
	}
}

// listen makes what the program looks for on the machine, and shows that it can be found there.
func listen(t *testing.T) {
	t.Helper()
	if err := os.WriteFile("/run/detgen-escape", []byte("the machine's"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove("/run/detgen-escape") })
	for _, at := range [][2]string{{"unix", "@detgen-escape"}, {"tcp", "127.0.0.1:47474"}, {"unix", "/run/detgen-escape.sock"}} {
		l, err := net.Listen(at[0], at[1])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		c, err := net.Dial(at[0], at[1])
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
}

func contents(t *testing.T, paths []string) []string {
	t.Helper()
	var all []string
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(b))
	}
	return all
}
