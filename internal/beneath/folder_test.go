package beneath

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFolderIsBelow(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	for _, err := range []error{os.MkdirAll(filepath.Join(dir, "a/b"), 0o755), os.Symlink(outside, filepath.Join(dir, "link")), os.Symlink("a", filepath.Join(dir, "inner")), os.WriteFile(filepath.Join(dir, "file"), nil, 0o644)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"a/b": "", "missing/too": "", "link": "symbolic link", "inner/b": "symbolic link", "file": "is not a folder", "../a": "must be the name", "/etc": "must be the name"} {
		path, err := Folder(dir, name)
		if want == "" && (err != nil || path != filepath.Join(dir, name)) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %q, %v; want %q", name, path, err, want)
		}
	}
}

// TestErrorsAreOneLine names a file whose name has two.
func TestErrorsAreOneLine(t *testing.T) {
	for _, name := range []string{"a\nb", "a\n\x00b"} {
		if _, err := OpenNamed(name); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q", err)
		}
		if _, err := Open(t.TempDir(), name); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q", err)
		}
	}
}
