package record_test

import (
	"os"
	"path/filepath"
	"testing"

	"detgen/internal/labtest"
	"detgen/record"
)

// TestReadBelowStaysBelow reads a run by its name, and by names that lead elsewhere.
func TestReadBelowStaysBelow(t *testing.T) {
	parent := t.TempDir()
	run := labtest.Run(t, parent)
	folder := filepath.Join(parent, "folder")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(run, filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := record.ReadBelow(parent, filepath.Base(run)); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"link", "../" + filepath.Base(run)} {
		if _, err := record.ReadBelow(folder, name); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}
