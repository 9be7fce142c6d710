package oracle

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPython(t *testing.T) {
	if testing.Short() {
		t.Skip("asks Python")
	}
	var twice []float64
	Python(t, "import json, sys; json.dump([2 * x for x in json.load(sys.stdin)], sys.stdout)", []float64{1, 2.5}, &twice)
	if len(twice) != 2 || twice[1] != 5 {
		t.Errorf("Python answers %v", twice)
	}
}

func TestData(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "here"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DETGEN_SHARED", dir)
	if got := Data(t, "here"); got != filepath.Join(dir, "here") {
		t.Errorf("the data are at %s", got)
	}
	for _, set := range []string{dir, ""} {
		t.Setenv("DETGEN_SHARED", set)
		r := &recorded{TB: t}
		func() {
			defer func() {
				if r := recover(); r != nil && r != "ended" {
					panic(r)
				}
			}()
			Data(r, "nowhere")
		}()
		if r.failed != (set != "") || r.skipped != (set == "") {
			t.Errorf("DETGEN_SHARED=%q: failed %v, skipped %v", set, r.failed, r.skipped)
		}
	}
}

// recorded is a test that says how it ended.
type recorded struct {
	testing.TB
	failed, skipped bool
}

func (r *recorded) Fatalf(string, ...any) { r.failed = true; panic("ended") }
func (r *recorded) Skipf(string, ...any)  { r.skipped = true; panic("ended") }
