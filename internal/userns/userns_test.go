package userns

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detgen/internal/helper"
	"detgen/internal/ordinary"
)

// TestMain lets the test binary be the user's program ("start") and the process that it starts ("inside").
func TestMain(m *testing.M) {
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	var err error
	switch os.Args[1] {
	case "start":
		err = start(os.Args[2:])
	case "inside":
		err = inside(os.Args[2])
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// start starts a process with a layout, and prints what it tells.
func start(layout []string) error {
	var l Layout
	fmt.Sscan(strings.Join(layout[:3], " "), &l.Own, &l.First, &l.Count)
	p, err := Start(helper.Command{Args: []string{"inside", layout[3]}}, l)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(p.Conn)
	fmt.Printf("%s%s", text, p.Output())
	return errors.Join(err, p.Wait())
}

// inside tells of itself, then makes a file and gives it to an ID of the namespace.
func inside(owner string) error {
	parent, err := Enter()
	if err != nil {
		return err
	}
	for _, f := range []string{"uid_map", "gid_map"} {
		text, err := os.ReadFile("/proc/self/" + f)
		if err != nil {
			return err
		}
		fmt.Fprintln(parent, strings.Join(strings.Fields(string(text)), " "))
	}
	// A program that it starts has the capabilities and none of its files.
	out, err := exec.Command("sh", "-euc", `id -u; sed -n "s/^CapEff:\t//p" /proc/self/status; ls /proc/self/fd | wc -l; mktemp -d`).CombinedOutput()
	fmt.Fprintf(parent, "%s", out)
	if err != nil {
		return err
	}
	lines := strings.Fields(string(out))
	dir := lines[len(lines)-1]
	if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
		return err
	}
	return exec.Command("chown", owner+":"+owner, dir+"/file").Run()
}

// asUser gives a user with so many subordinate IDs, who runs this test binary.
func asUser(t *testing.T, subordinate int) *ordinary.User {
	t.Helper()
	if testing.Short() {
		t.Skip("becomes another user: needs root")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return ordinary.New(t, subordinate, self)
}

func TestStart(t *testing.T) {
	tests := []struct {
		name                    string
		subordinate             int
		own, first, count, own2 int // own2: an ID of the namespace that gets a file
		users, groups, id       string
		uid, gid                string // of the file on the machine
	}{
		{"images", 70000, 65536, 0, 65536, 7, "65536 64710 1 0 400000000 65536", "65536 64720 1 0 500000000 65536", "65536", "400000007", "500000007"},
		{"root", 70000, 0, 1000, 70000, 1009, "0 64710 1 1000 400000000 70000", "0 64720 1 1000 500000000 70000", "0", "400000009", "500000009"},
		{"own IDs alone", 0, 0, 0, 0, 0, "0 64710 1", "0 64720 1", "0", "64710", "64720"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			u := asUser(t, test.subordinate)
			args := strings.Fields(fmt.Sprint(test.own, test.first, test.count, test.own2))
			out, err := u.Command(t.Context(), []string{"TMPDIR=" + u.Home}, append([]string{"start"}, args...)...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			got := strings.Split(strings.TrimSpace(string(out)), "\n")
			all, err := capabilities()
			if err != nil {
				t.Fatal(err)
			}
			want := []string{test.users, test.groups, test.id, fmt.Sprintf("%016x", uint64(1)<<len(all)-1), "4"} // 0, 1, 2 and ls's own
			if len(got) != 6 || !slices.Equal(got[:5], want) {
				t.Fatalf("it tells %q, want %q", got, want)
			}
			owner, err := exec.Command("stat", "-c", "%u %g", filepath.Join(got[5], "file")).CombinedOutput()
			if want := test.uid + " " + test.gid + "\n"; err != nil || string(owner) != want {
				t.Errorf("the file's owner is %q, want %q (%v)", owner, want, err)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	u := asUser(t, 1000)
	tests := []struct {
		name string
		run  func() *exec.Cmd
		want []string
	}{
		{"too few", func() *exec.Cmd { return u.Command(t.Context(), nil, "start", "65536", "0", "65536", "0") },
			[]string{"/etc/sub", "has 1000 subordinate IDs, and 65536 are needed", "usermod --add-subuids"}},
		{"forbidden", func() *exec.Cmd { return u.Forbidden(t.Context(), nil, "start", "0", "0", "0", "0") },
			[]string{"this machine forbids them", "sysctl user.max_user_namespaces"}},
		{"no newuidmap", func() *exec.Cmd {
			return u.Command(t.Context(), []string{"PATH=/nowhere"}, "start", "65536", "0", "1000", "0")
		}, []string{"missing", "apt-get install uidmap"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, err := test.run().CombinedOutput()
			if err == nil {
				t.Error("no error")
			}
			for _, want := range append(test.want, ErrForbidden.Error()) {
				if !strings.Contains(string(out), want) {
					t.Errorf("it says %q, which has no %q", out, want)
				}
			}
		})
	}
}

func TestAllowed(t *testing.T) {
	tests := []struct{ name, file, text, want, hint string }{
		{"all is well", "sys/user/max_user_namespaces", "10000\n", "", "a container's filter"},
		{"none", "sys/user/max_user_namespaces", "0\n", "max_user_namespaces=10000", "max_user_namespaces"},
		{"Debian's switch", "sys/kernel/unprivileged_userns_clone", "0\n", "kernel.unprivileged_userns_clone=1", "unprivileged_userns_clone"},
		{"AppArmor, which may let detgen", "sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", "", "apparmor_restrict"},
		{"a kernel without", "", "", "CONFIG_USER_NS", "a container's filter"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			proc := t.TempDir()
			if test.file != "" {
				for file, text := range map[string]string{"self/ns/user": "", test.file: test.text} {
					file = filepath.Join(proc, file)
					if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
						t.Fatal(err)
					}
				}
			}
			err := allowed(proc)
			if test.want == "" && err != nil || test.want != "" && (!errors.Is(err, ErrForbidden) || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
			if got := hint(proc); !strings.Contains(got, test.hint) {
				t.Errorf("hint is %q, want %q", got, test.hint)
			}
		})
	}
}

func TestRanges(t *testing.T) {
	const text = "# a comment\nother:1:2\nuser:100000:65536\n1000:300000:10\nuser:x:1\nuser:5\n user2:7:7\n"
	if got, want := rangesOf(text, []string{"1000", "user"}), []idRange{{100000, 65536}, {300000, 10}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := rangesOf(text, []string{"7"}); got != nil {
		t.Errorf("a stranger has %v", got)
	}
	lines, err := Layout{First: 50, Count: 65540}.place([]idRange{{100000, 65536}, {300000, 10}})
	if want := "50 100000 65536 65586 300000 4"; err != nil || strings.Join(lines, " ") != want {
		t.Errorf("got %q (%v), want %q", lines, err, want)
	}
}
