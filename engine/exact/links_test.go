package exact_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The tests of the link drivers run in a guest, whose kernel has NetEm: that both drivers take the same settings, and that
// what they do to frames follows the same laws. The guest's init runs them: no host may have the rights.
func TestNetEmInTheGuest(t *testing.T) {
	e := needsGuest(t)
	path := filepath.Join(t.TempDir(), "link.test")
	build := exec.Command("go", "test", "-c", "-ldflags", "-s -w", "-o", path, "detgen/lab/link")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // a guest has no libraries
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the tests of the links: %v\n%s", err, out)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Two thousand frames for each of 17 settings and both drivers take a minute of CPU time: the
	// short test leaves out settings that differ from others in a detail.
	settings := "delay|normal|loss|duplication|corruption|reordering|rate"
	if *soakRuns > 0 {
		settings = ".*"
	}
	for name, c := range map[string]struct {
		tests  string
		passed int
	}{
		"kernel":  {"NetEm(KernelTakes|Delays|Bridges|Schedule$)", 4},
		"conform": {"NetEmAndSoftConform/^(" + settings + ")$", 1},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := e.RunTest(t.Context(), program, "-netem", "-test.v", "-test.run", c.tests)
			if err != nil || strings.Contains(out, "--- SKIP") {
				t.Fatalf("%v\n%s", err, out)
			}
			if passed := strings.Count("\n"+out, "\n--- PASS: TestNetEm"); passed != c.passed {
				t.Errorf("%d tests of the NetEm driver passed, want %d\n%s", passed, c.passed, out)
			}
		})
	}
}
