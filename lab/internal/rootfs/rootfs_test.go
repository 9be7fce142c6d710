package rootfs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detgen/record"
)

// An image whose account files are links out of it changes nothing of this computer: links lead within its root.
func TestFurnishStaysInTheRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("files of any owner need root")
	}
	outside, dir := t.TempDir(), t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"passwd", "shadow", "group"} {
		write(filepath.Join(outside, name), "kept:x:5:5::/:\n")
		write(filepath.Join(dir, outside, name), "own:x:7:7::/:\n")
		if err := os.MkdirAll(filepath.Join(dir, "etc"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(outside, name), filepath.Join(dir, "etc", name)); err != nil {
			t.Fatal(err)
		}
	}
	h := &record.Host{
		Name: "server", Users: []record.User{{Name: "alice", UID: 2000, Home: "/home/alice", Shell: "/bin/sh"}},
		Files: []record.File{{Path: "/srv/mine", Text: "x", Owner: "own:own"}},
	}
	if err := Furnish(dir, 0, &record.Run{Hosts: []record.Host{*h}}, h); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(outside, "passwd"):      "kept:x:5:5::/:\n",
		filepath.Join(dir, outside, "passwd"): "own:x:7:7::/:\nalice:x:2000:2000::/home/alice:/bin/sh\n",
	} {
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("%s has %q (%v), not %q", path, got, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "srv/mine")); err != nil {
		t.Error(err)
	}
}

func TestFurnishNamesWhatIsMissing(t *testing.T) {
	h := &record.Host{Name: "server", Users: []record.User{{Name: "alice"}}}
	err := Furnish(t.TempDir(), 0, &record.Run{}, h)
	if err == nil || !strings.Contains(err.Error(), `host "server": user "alice": open /etc/`) {
		t.Errorf("got %v", err)
	}
}
