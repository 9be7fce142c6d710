package exact

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detgen/engine/exact/internal/page"
)

// sparse makes a file with a page of content after a hole.
func sparse(t *testing.T, path string, zeros bool) *os.File {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if zeros {
		f.Write(make([]byte, 1<<20))
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{7}, 4096), 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(3 << 20); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestDigestSeesContentNotHoles(t *testing.T) {
	dir := t.TempDir()
	holes, zeros := sparse(t, filepath.Join(dir, "holes"), false), sparse(t, filepath.Join(dir, "zeros"), true)
	a, errA := digest(holes.Name())
	b, errB := digest(zeros.Name())
	if errA != nil || errB != nil || a != b || len(a) != 64 {
		t.Errorf("digests %s (%v) and %s (%v)", a, errA, b, errB)
	}
	holes.WriteAt([]byte{7}, 0)
	if c, err := digest(holes.Name()); err != nil || c == a {
		t.Errorf("changed: digest %s (%v)", c, err)
	}
}

func TestStampFindsDamage(t *testing.T) {
	dir := t.TempDir()
	f := sparse(t, filepath.Join(dir, "file"), false)
	s, err := newStamp(f)
	if err != nil {
		t.Fatal(err)
	}
	check := func(name, want string) {
		t.Helper()
		opened, err := openStamped(filepath.Join(dir, name), s)
		if err == nil {
			opened.Close()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	check("file", "")
	sparse(t, filepath.Join(dir, "copy"), true) // another inode, the same content
	check("copy", "")
	if err := os.Truncate(filepath.Join(dir, "copy"), 1<<20); err != nil {
		t.Fatal(err)
	}
	check("copy", "is damaged: its SHA-256 is")
	f.WriteAt([]byte{8}, 1<<20)
	check("file", "is damaged: its SHA-256 is")
	check("nothing", "no such file")
}

// Results that a broken guest leaves do no harm.
func TestResultsAreChecked(t *testing.T) {
	for _, c := range []struct {
		name, want string
		files      map[string]string
	}{
		{"no answer", "there is no answer.json", map[string]string{"captures/a.pcap": "x"}},
		{"no JSON", "answer.json: invalid character", map[string]string{page.AnswerFile: "yes"}},
		{"outside", `file name "../x" leaves the run directory`, map[string]string{"../x": "x"}},
		{"failed in the guest", "no such host", map[string]string{page.AnswerFile: `{"error": "no such host"}`}},
		{"no result", "there is no result", map[string]string{page.AnswerFile: `{}`}},
		{"nothing written", "not written", nil},
	} {
		device, err := memoryFile("page", page.Size)
		if err != nil {
			t.Fatal(err)
		}
		defer device.Close()
		if c.files != nil {
			w := page.NewWriter(device, page.Result, make([]byte, 1<<16))
			archive := tar.NewWriter(w)
			for name, text := range c.files {
				archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))})
				archive.Write([]byte(text))
			}
			archive.Close()
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		dir := t.TempDir()
		if _, err := readResults(device, filepath.Join(dir, "run")); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
		if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
			t.Errorf("%s: a file was written outside", c.name)
		}
	}
}
