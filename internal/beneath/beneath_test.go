package beneath

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

func TestNothingElsewhereIsOpened(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	for _, err := range []error{
		os.WriteFile(secret, []byte("secret"), 0o600),
		os.WriteFile(filepath.Join(dir, "file"), []byte("text"), 0o600),
		os.Mkdir(filepath.Join(dir, "folder"), 0o700),
		os.WriteFile(filepath.Join(dir, "folder", "inner"), []byte("inner"), 0o600),
		os.Symlink("../file", filepath.Join(dir, "folder", "within")),
		os.Symlink(secret, filepath.Join(dir, "absolute")),
		os.Symlink(outside, filepath.Join(dir, "elsewhere")),
		os.Symlink("../../"+filepath.Base(outside)+"/secret", filepath.Join(dir, "folder", "relative")),
		unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	files := Dir(dir)
	for name, want := range map[string]string{"file": "text", "folder/inner": "inner", "folder/within": "text"} {
		if got, err := fs.ReadFile(files, name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"absolute", "elsewhere/secret", "folder/relative", "../" + filepath.Base(outside) + "/secret", "fifo", "missing"} {
		if got, err := fs.ReadFile(files, name); err == nil {
			t.Errorf("%s: %q is read", name, got)
		}
	}
}

func TestIsAFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, fstest.MapFS{"a/b": {Data: []byte("b")}, "c": {Data: []byte("c")}}); err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(Dir(dir), "a/b", "c"); err != nil {
		t.Error(err)
	}
}

func TestAMissingFolder(t *testing.T) {
	if _, err := fs.Stat(Dir(filepath.Join(t.TempDir(), "missing")), "."); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("%v", err)
	}
}
