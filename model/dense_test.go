package model

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestSavedModelTakesLittleMemory reads files that are full of what takes most memory for its length. What is made of one, and thrown
// away while it grows, is at most 16 times its length; what would take more is refused before.
func TestSavedModelTakesLittleMemory(t *testing.T) {
	const size = 8 << 20
	fill := func(before, one, after string) string {
		return before + strings.TrimSuffix(strings.Repeat(one+",", size/(len(one)+1)), ",") + after
	}
	const begin = `{"detgen_model":1,"name":"x","kind":"flow","columns":["a"],`
	for name, c := range map[string]struct {
		text string
		most uint64 // times the length
		want string
	}{
		"short numbers":          {fill(begin+`"cbam":{"weights":[`, "0", "]}}"), 2, "values in"},
		"empty nodes":            {fill(begin+`"forest":[[`, "{}", "]]}"), 2, "values in"},
		"empty nodes, far apart": {fill(begin+`"forest":[[`, "{}      ", "]]}"), 2, "objects in"},
		"empty trees":            {fill(begin+`"forest":[`, "[]", "]}"), 2, "values in"},
		"no parts":               {fill(begin+`"kitnet":{"parts":[`, "null", "]}}"), 2, "values in"},
		"short names":            {fill(`{"detgen_model":1,"name":"x","kind":"flow","columns":[`, `""`, "]}"), 2, "values in"},
		"numbers":                {fill(begin+`"cbam":{"weights":[`, "0.125", "]}}"), 16, "neither a network"},
		"leaves":                 {fill(begin+`"forest":[[`, `{"c":0,"t":0,"l":0,"r":0,"p":1}`, "]]}"), 16, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.model")
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := openSaved(path, Options{})
			runtime.ReadMemStats(&after)
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > c.most*uint64(len(c.text)) {
				t.Errorf("it took %d bytes for a file of %d", took, len(c.text))
			} else {
				t.Logf("%.1f times its length", float64(took)/float64(len(c.text)))
			}
		})
	}
	path := filepath.Join(t.TempDir(), "x.model")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, maxSaved+1); err != nil {
		t.Fatal(err)
	}
	if _, err := openSaved(path, Options{}); err == nil || !strings.Contains(err.Error(), "is larger than 120 MiB") {
		t.Errorf("of a file above the limit: %v", err)
	}
}
