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

// A file that the user names may be behind a link, and is a file.
func TestOpenNamedTakesFilesAlone(t *testing.T) {
	dir := t.TempDir()
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "file"), []byte("text"), 0o644),
		os.Symlink("file", filepath.Join(dir, "link")),
		unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"file", "link"} {
		if b, err := ReadNamed(filepath.Join(dir, name), 4); err != nil || string(b) != "text" {
			t.Errorf("%s: got %q, %v", name, b, err)
		}
	}
	for name, want := range map[string]string{filepath.Join(dir, "fifo"): "not a regular file", dir: "not a regular file", "/dev/zero": "not a regular file", filepath.Join(dir, "none"): "no such file"} {
		if b, err := ReadNamed(name, 4); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v, want %s", name, b, err, want)
		}
	}
	if _, err := ReadNamed(filepath.Join(dir, "file"), 3); err == nil || !strings.Contains(err.Error(), "larger than 3 bytes") {
		t.Errorf("a file over the limit: %v", err)
	}
}
