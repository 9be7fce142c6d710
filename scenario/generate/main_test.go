package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The committed files must be what the types and the catalogue give now.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	const root = "../.."
	want, err := files(root)
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range want {
		got, err := os.ReadFile(filepath.Join(root, path))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s is not current: run go generate ./scenario", path)
		}
	}
	committed, err := filepath.Glob(filepath.Join(root, pagesFolder, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range committed {
		if relative, _ := filepath.Rel(root, path); want[filepath.ToSlash(relative)] == nil {
			t.Errorf("%s belongs to no scenario: run go generate ./scenario", relative)
		}
	}
}
