// Package ordinary lets tests that run as root do things as an ordinary user: one without any capability, with a private
// home, and with subordinate IDs or none. Nothing of the machine's own users changes. Only tests import it.
package ordinary

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The IDs of the user on the machine. Those of users and of groups differ, so that no test takes one for the other.
const (
	UID, GID          = 64710, 64720
	FirstUser         = 400_000_000 // subordinate
	FirstGroup        = 500_000_000
	name              = "detgen-test"
	passwd, group     = "/etc/passwd", "/etc/group"
	subUsers, subGrps = "/etc/subuid", "/etc/subgid"
)

// User is an ordinary user while a test lasts.
type User struct {
	Home    string // which nobody else may enter
	files   string // the user's own files of /etc
	program string
}

// New makes a user with so many subordinate IDs, who runs a program.
func New(t testing.TB, subordinate int, program string) *User {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "detgen-test-") // where others may walk to
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	u := &User{Home: filepath.Join(dir, "home"), files: filepath.Join(dir, "etc"), program: program}
	texts := map[string]string{passwd: fmt.Sprintf("%s:x:%d:%d::%s:/bin/sh\n", name, UID, GID, u.Home), group: fmt.Sprintf("%s:x:%d:\n", name, GID)}
	for file := range texts {
		old, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[file] = string(old) + texts[file]
	}
	texts[subUsers], texts[subGrps] = "", ""
	if subordinate > 0 {
		texts[subUsers] = fmt.Sprintf("%s:%d:%d\n", name, FirstUser, subordinate)
		texts[subGrps] = fmt.Sprintf("%d:%d:%d\n", UID, FirstGroup, subordinate) // a line may have the number of the user
	}
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	must(os.Chmod(dir, 0o755))
	must(os.Mkdir(u.files, 0o755))
	must(os.Mkdir(u.Home, 0o700))
	must(os.Chown(u.Home, UID, GID))
	for file, text := range texts {
		must(os.WriteFile(filepath.Join(u.files, filepath.Base(file)), []byte(text), 0o644))
	}
	must(os.WriteFile(filepath.Join(dir, "program"), nil, 0o755))
	// The device is everybody's where udev made it.
	must(syscall.Mknod(filepath.Join(u.files, "tun"), syscall.S_IFCHR, 10<<8|200))
	must(os.Chmod(filepath.Join(u.files, "tun"), 0o666))
	return u
}

// script is what becomes the user. The process stays the same one all the way.
const script = `
files=$1 program=$2 home=$3 before=$4; shift 4
for f in passwd group subuid subgid; do mount --bind "$files/$f" "/etc/$f"; done
mount --bind "$program" "$files/../program"
[ ! -e /dev/net/tun ] || mount --bind "$files/tun" /dev/net/tun
eval "$before"
cd "$home"
exec setpriv --reuid=` + "%d --regid=%d" + ` --clear-groups --inh-caps=-all env -i HOME="$home" PATH=/usr/local/bin:/usr/bin:/bin "$@"
`

// Command is the program with these arguments, run by the user in the user's home. environment are more variables
// ("NAME=VALUE") than HOME and PATH.
func (u *User) Command(ctx context.Context, environment []string, args ...string) *exec.Cmd {
	return u.command(ctx, "", environment, args)
}

// Forbidden is Command on a machine where nobody may have user namespaces.
func (u *User) Forbidden(ctx context.Context, environment []string, args ...string) *exec.Cmd {
	// The switch of the kernel counts for a user namespace and all in it: in one that has the same IDs as the machine.
	cmd := u.command(ctx, "echo 0 >/proc/sys/user/max_user_namespaces", environment, args)
	same := []syscall.SysProcIDMap{{Size: 1<<32 - 1}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: same, GidMappings: same, GidMappingsEnableSetgroups: true}
	return cmd
}

func (u *User) command(ctx context.Context, before string, environment, args []string) *exec.Cmd {
	all := []string{"--mount", "--propagation=private", "sh", "-euc", fmt.Sprintf(script, UID, GID), "sh", u.files, u.program, u.Home, before}
	all = append(append(append(all, environment...), u.Program()), args...)
	return exec.CommandContext(ctx, "unshare", all...)
}

// Program is the path by which the user finds the program.
func (u *User) Program() string { return filepath.Join(strings.TrimSuffix(u.files, "etc"), "program") }
