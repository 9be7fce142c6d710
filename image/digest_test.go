package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLookupTakesDigestsOnly(t *testing.T) {
	dir := t.TempDir()
	// What a digest that is not checked would lead to.
	evil := filepath.Join(dir, "evil")
	if err := os.MkdirAll(evil, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(evil, "image.json"), []byte(`{"format":1,"name":"x"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	s := &Store{dir: filepath.Join(dir, "store")}
	if i, err := s.Lookup("sha256:../../evil"); err == nil || !strings.Contains(err.Error(), "must be sha256: and 64 hexadecimal digits") {
		t.Errorf("got %+v, %v", i, err)
	}
	good := "sha256:" + strings.Repeat("a", 64)
	if err := os.MkdirAll(s.path(good), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.path(good), "image.json"), []byte(`{"format":1,"name":"x","ancestors":["sha256:../../evil"]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if i, err := s.Lookup(good); err == nil || !strings.Contains(err.Error(), "ancestors") {
		t.Errorf("got %+v, %v", i, err)
	}
}
