package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWhatABoundaryNeedsIsNamed(t *testing.T) {
	proc := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(proc, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := func(err error, text string) {
		t.Helper()
		if (err == nil) != (text == "") || err != nil && !strings.Contains(err.Error(), text) {
			t.Errorf("error %v, want %q", err, text)
		}
	}
	want(userNamespaces(proc), "the kernel has no user namespaces")
	write("self/ns/user", "")
	want(userNamespaces(proc), "")
	write("sys/user/max_user_namespaces", "0\n")
	want(userNamespaces(proc), "user namespaces are forbidden")
	write("sys/user/max_user_namespaces", "96364\n")
	want(userNamespaces(proc), "")
	want(newCall("mount_setattr", "5.12", unix.ENOSYS), "mount_setattr does not work (function not implemented): use Linux 5.12")
	want(newCall("mount_setattr", "5.12", unix.EBADF), "")
	want(newCall("openat2", "5.6", unix.EPERM), "openat2 does not work")
	for _, check := range []func() error{checkUserNamespaces, checkMappedMounts, checkOpenat2} {
		want(check(), "") // here labs work
	}
}
