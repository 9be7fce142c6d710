package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunsAreRead(t *testing.T) {
	id := strings.Repeat("0a", 16)
	if !idPattern.MatchString(id) {
		t.Fatalf("%s is no id", id)
	}
	for text, want := range map[string]string{
		"run,split\n" + id + ",train\n": "",
		"":                              "has no heading",
		"run\n" + id + "\n":             "lacks a column split",
		"run,split\n../../x,train\n":    `"../../x" is no id of a run`,
		"run,split\n" + id + "\n":       "wrong number of fields",
		"split,run\ntest," + id + "\n":  "",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, RunsTable), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		rows, at, err := readRuns(dir, "run", "split")
		switch {
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %s", text, err, want)
		case want == "" && (err != nil || len(rows) != 1 || rows[0][at[0]] != id):
			t.Errorf("%q: %v, %v, %v", text, rows, at, err)
		}
	}
}
