package experiment

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"detgen/internal/labtest"
	"detgen/record"
	"detgen/similarity"

	"golang.org/x/sys/unix"
)

// program gives the detgen binary, where labs can be made.
func program(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("makes labs")
	}
	if os.Getuid() != 0 {
		t.Fatal("labs need root")
	}
	return labtest.Program(t)
}

// terminal gives both ends of a pseudo-terminal.
func terminal(t *testing.T) (here, there *os.File) {
	t.Helper()
	here, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close() })
	if err := unix.IoctlSetPointerInt(int(here.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(here.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	there, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return here, there
}

// TestReducedDeterminism does a reduced experiment in real labs on both engines, is killed on the way, and goes on.
func TestReducedDeterminism(t *testing.T) {
	detgen := program(t)
	dir := filepath.Join(t.TempDir(), "out")
	args := []string{"experiment", "determinism", "--plan", "testdata/small.yaml", "--samples", "15", "--pairs", "60", "-o", dir, "--json"}

	// Killed when the terminal says that the third run is done.
	here, there := terminal(t)
	first := exec.Command(detgen, args...)
	first.Stderr = there
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	there.Close()
	var seen []byte
	part := make([]byte, 4096)
	for !bytes.Contains(seen, []byte("3 of 60 runs")) {
		n, err := here.Read(part)
		seen = append(seen, part[:n]...)
		if err != nil {
			first.Process.Kill()
			first.Wait()
			t.Fatalf("the terminal ended before the third run: %v\n%q", err, seen)
		}
	}
	first.Process.Kill()
	first.Wait()
	if !strings.Contains(string(seen), "about ") {
		t.Errorf("no time left is shown: %q", seen)
	}
	before := runs(t, dir)
	if len(before) < 3 || len(before) > 10 {
		t.Fatalf("%d runs are there after the kill: %v", len(before), before)
	}

	out, err := exec.Command(detgen, args...).Output()
	if err != nil {
		t.Fatalf("go on: %v\n%s", err, out)
	}
	after := runs(t, dir)
	if len(after) != 60 {
		t.Errorf("%d runs, want 60", len(after))
	}
	for path, time := range before {
		if after[path] != time {
			t.Errorf("%s was made again", path)
		}
	}
	var r Result
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Types[0].Configurations {
		live, exact := c.Engines[0], c.Engines[1]
		if exact.Samples != 15 || exact.Distinct != 1 || exact.Pairs.Identical != exact.Pairs.Pairs || exact.Pairs.KSPass != exact.Pairs.Pairs {
			t.Errorf("%s, exact: %d samples, %d different captures, %d of %d pairs with the same bytes", c.Name, exact.Samples, exact.Distinct, exact.Pairs.Identical, exact.Pairs.Pairs)
		}
		if live.Samples != 15 || live.Distinct < 2 {
			t.Errorf("%s, live: %d samples, %d different captures", c.Name, live.Samples, live.Distinct)
		}
		for _, m := range similarity.Metrics {
			if x := exact.Pairs.Metrics[m.Name].Max; x != 0 {
				t.Errorf("%s, exact: %s is %g, want 0", c.Name, m.Name, x)
			}
		}
	}
	// How much runs of the live engine differ is a matter of what else the machine does; the bounds are for one with other tests beside.
	for _, bound := range []struct {
		metric string
		most   float64
	}{{"connection", 0.3}, {"window", 0.3}, {"packet", 0.3}} {
		mean := r.Types[0].Engines[0].Normalised[bound.metric]
		t.Logf("live: %s %.3g %% of the type's maximum", bound.metric, 100*mean)
		if mean > bound.most {
			t.Errorf("live: %s is %.3g of the type's maximum, want at most %g", bound.metric, mean, bound.most)
		}
	}
}

// runs gives the complete runs in a folder, by path, and when they were written. Nothing half-made may be there that looks complete.
func runs(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != record.FileName || strings.Contains(path, ".partial-") {
			return err
		}
		if _, err := record.Read(filepath.Dir(path)); err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			found[path] = info.ModTime().UnixNano()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
