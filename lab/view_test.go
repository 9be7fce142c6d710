package lab

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// What a host has made of its folders must not lead the lab elsewhere: neither a link nor one of /proc.
func TestViewsFollowNoLinkOfAHost(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "plain/below"), 0o755), os.Symlink("plain", filepath.Join(dir, "link")), os.Symlink("/", filepath.Join(dir, "plain/root"))); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		dir + "/plain":        nil,
		dir + "/plain/below":  nil,
		dir + "/link":         unix.ELOOP,
		dir + "/link/below":   unix.ELOOP,
		dir + "/plain/root":   unix.ELOOP,
		"/proc/self/root/etc": unix.ELOOP,
		"/proc/self/cwd":      unix.ELOOP,
		dir + "/none":         unix.ENOENT,
	} {
		fd, err := openPlain(path)
		if err == nil {
			unix.Close(fd)
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}
