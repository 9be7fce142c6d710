package whole

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// TestWriteFile replaces a file, and leaves nothing else, also when it cannot give the file its name.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	for _, text := range []string{"old", "new"} {
		if err := WriteFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
	folder := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(folder, "file"), 0o755); err != nil { // which no file replaces
		t.Fatal(err)
	}
	if err := WriteFile(folder, []byte("third")); err == nil {
		t.Error("no error")
	}
	wantNames(t, dir, "folder", "x")
}

// TestCreate: a file is there when it is complete, one that is given up never is, and what a killed process began is removed,
// but not what another still writes.
func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	for _, name := range []string{"x.partial-1", "y.partial-1"} { // nobody has a lock on them
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "x.partial-folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	first, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	third, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	wantNames(t, dir, filepath.Base(first.Name()), filepath.Base(second.Name()), filepath.Base(third.Name()), "x.partial-folder", "y.partial-1")
	for i, f := range []*File{first, second} {
		if _, err := fmt.Fprint(f, i); err != nil {
			t.Fatal(err)
		}
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != fmt.Sprint(i) {
			t.Errorf("got %q, want %d", got, i)
		}
	}
	if err := third.Abort(); err != nil {
		t.Error(err)
	}
	wantNames(t, dir, "x", "x.partial-folder", "y.partial-1")
}

// TestCreateAtOnce: of many that write one file at the same time, each removing what seems to be left, all come to their end.
func TestCreateAtOnce(t *testing.T) {
	dir := t.TempDir()
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 50 {
				if err := WriteFile(filepath.Join(dir, "x"), []byte("text")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	wantNames(t, dir, "x")
}

// wantNames looks for the names in a folder.
func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the folder has %v, want %v", got, want)
	}
}
