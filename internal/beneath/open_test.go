package beneath

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenStaysBelow(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "run")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(dir, "captures"), 0o755),
		os.WriteFile(filepath.Join(dir, "captures/good"), []byte("inside"), 0o644),
		os.WriteFile(filepath.Join(root, "secret"), []byte("outside"), 0o644),
		os.Symlink("../secret", filepath.Join(dir, "link")),
		os.Symlink("captures", filepath.Join(dir, "folder")),
		unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644),
		os.Symlink(dir, filepath.Join(root, "way")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"../secret":             "must be the name of a file below",
		"captures/../../secret": "must be the name of a file below",
		"/etc/passwd":           "must be the name of a file below",
		"":                      "must be the name of a file below",
		"link":                  "symbolic link",
		"folder/good":           "symbolic link",
		"fifo":                  "not a regular file",
		"captures":              "not a regular file",
		".":                     "not a regular file",
		"none":                  "no such file",
	} {
		if f, err := Open(dir, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want %s", name, f, err, want)
		}
	}
	if _, err := Open(dir, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	// The folder itself is the user's word, and may be behind a link.
	if b, err := ReadFile(filepath.Join(root, "way"), "captures/good", 6); err != nil || string(b) != "inside" {
		t.Errorf("got %q, %v", b, err)
	}
	if _, err := ReadFile(dir, "captures/good", 5); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a file over the limit: %v", err)
	}
}
