package runner_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"detgen/internal/labtest"
	"detgen/internal/ordinary"
	"detgen/record"
	"detgen/runner"

	"golang.org/x/sys/unix"
)

// user is an ordinary user who has detgen and images.
type user struct {
	*ordinary.User
	group *os.File // a control group that is the user's
}

// newUser makes a user whose images are copies of root's.
func newUser(t *testing.T, images ...string) *user {
	t.Helper()
	if testing.Short() {
		t.Skip("becomes another user and makes labs: needs root")
	}
	u := &user{User: ordinary.New(t, 65536, labtest.Program(t)), group: ownGroup(t)}
	store, _, err := runner.OpenImages("", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	list, err := store.Ensure(t.Context(), images...)
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(u.Home, ".cache/detgen")
	for _, dir := range []string{"images", "locks"} {
		if err := os.MkdirAll(filepath.Join(cache, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range list {
		for _, layer := range i.Layers {
			entry := filepath.Dir(layer)
			copied := filepath.Join(cache, "images", filepath.Base(entry))
			if _, err := os.Stat(copied); err == nil {
				continue
			}
			if err := errors.Join(os.Mkdir(copied, 0o755), copyTree(filepath.Join(entry, "image.json"), copied), copyTree(layer, copied), giveLayer(filepath.Join(copied, "layer"))); err != nil {
				t.Fatal(err)
			}
		}
	}
	// All but the layers' files are the user's own.
	err = filepath.WalkDir(filepath.Join(u.Home, ".cache"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Name() == "layer" {
			return fs.SkipDir
		}
		return errors.Join(err, os.Lchown(path, ordinary.UID, ordinary.GID))
	})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func copyTree(from, to string) error {
	if out, err := exec.Command("cp", "--archive", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// giveLayer makes a copy of root's layer one that the user has built: by owners, and by the notes of overlayfs.
func giveLayer(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		owner := info.Sys().(*syscall.Stat_t)
		if owner.Nlink > 1 && !e.IsDir() && owner.Uid >= ordinary.FirstUser {
			return nil // by another name already
		}
		if err := os.Lchown(path, ordinary.FirstUser+int(owner.Uid), ordinary.FirstGroup+int(owner.Gid)); err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return nil
		}
		if err := unix.Chmod(path, owner.Mode&0o7777); err != nil { // which the owner's change took bits of
			return err
		}
		const note = "overlay.opaque"
		value := make([]byte, 1)
		n, err := unix.Lgetxattr(path, "trusted."+note, value)
		if errors.Is(err, unix.ENODATA) {
			return nil
		}
		return errors.Join(err, unix.Lsetxattr(path, "user."+note, value[:n], 0))
	})
}

// ownGroup makes a control group that is the user's, as systemd makes one with Delegate=yes. What is left in it when the
// test ends is an error.
func ownGroup(t *testing.T) *os.File {
	t.Helper()
	top := "/sys/fs/cgroup"
	var st unix.Statfs_t
	if err := unix.Statfs(top, &st); err != nil {
		t.Fatal(err)
	}
	if st.Type != unix.CGROUP2_SUPER_MAGIC {
		top += "/unified"
	}
	dir, err := os.MkdirTemp(top, "detgen-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Errorf("control groups are left: %v", err)
		}
	})
	for _, file := range []string{"", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"} {
		if err := os.Chown(filepath.Join(dir, file), ordinary.UID, ordinary.GID); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// detgen is a command of the user, in the user's group where delegated.
func (u *user) detgen(ctx context.Context, delegated bool, args ...string) *exec.Cmd {
	cmd := u.Command(ctx, nil, args...)
	if delegated {
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(u.group.Fd())}
	}
	return cmd
}

// labels counts what the tables of a run say of its connections, and finds what they say of packets.
func labels(t *testing.T, dir string) map[string]int {
	t.Helper()
	count := map[string]int{}
	for file, columns := range map[string][]string{
		"connections.csv": {"client_host", "server_host", "protocol", "activity", "scenario", "task", "program", "span", "first_phase", "last_phase"},
		"packets.csv":     {"span", "activity", "phase", "process", "fate"},
	} {
		for _, row := range labtest.Rows(t, filepath.Join(dir, file)) {
			// What hosts send when they come up is nobody's; when they ask each other for addresses is chance.
			if row["span"] == "setup" || file == "packets.csv" && row["connection"] == "" {
				continue
			}
			key := file
			for _, c := range columns {
				value, ok := row[c]
				if !ok {
					t.Fatalf("%s has no column %s", file, c)
				}
				key += " " + c + "=" + value
			}
			if count[key]++; file == "packets.csv" {
				count[key] = 1 // how many acknowledgements there are is chance
			}
		}
	}
	return count
}

// A run of a user has the labels of root's run of the same spec: they come from the same kernel's notes of the same
// sockets, by another of its mechanisms.
func TestAUsersLabelsAreRoots(t *testing.T) {
	u := newUser(t, "ping-client", "web-client", "nginx", "dns-client", "knot", "openssh")
	program := labtest.Program(t)
	spec := filepath.Join(filepath.Dir(u.Program()), "two.yaml")
	const two = `task: web/get
set: {client.implementation: curl, server.implementation: nginx, params.size: 20kB}
background:
  - {name: objects, task: web/multi-get, set: {params.object_size: 5kB}, schedule: {at: [0s, 100ms, 200ms]}}
`
	if err := os.WriteFile(spec, []byte(two), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"ping":             {"ping/echo"},
		"ping over IPv6":   {"ping/echo", "-s", "network.family=ipv6"},
		"web":              {"web/get", "-s", "client.implementation=curl", "-s", "server.implementation=nginx"},
		"dns":              {"dns/query", "-s", "network.family=dual"},
		"ssh":              {"ssh/command", "-s", "server.implementation=openssh"},
		"four on a client": {"--spec", spec},
	} {
		t.Run(name, func(t *testing.T) {
			args = append([]string{"run", "--seed", "5", "--link-driver", "soft"}, args...)
			roots := filepath.Join(t.TempDir(), "run")
			if out, err := exec.CommandContext(t.Context(), program, append(args, "-o", roots)...).CombinedOutput(); err != nil {
				t.Fatalf("root: %v: %s", err, out)
			}
			users := filepath.Join(u.Home, strings.ReplaceAll(name, " ", "-"))
			if out, err := u.detgen(t.Context(), true, append(args, "-o", users)...).CombinedOutput(); err != nil {
				t.Fatalf("user: %v: %s", err, out)
			}
			got, want := labels(t, users), labels(t, roots)
			if !maps.Equal(got, want) {
				for key := range got {
					if got[key] != want[key] {
						t.Errorf("%s: %d of the user, %d of root", key, got[key], want[key])
					}
				}
				for key := range want {
					if got[key] == 0 {
						t.Errorf("%s: none of the user, %d of root", key, want[key])
					}
				}
			}
			rec, err := record.Read(users)
			if err != nil {
				t.Fatal(err)
			}
			named := map[string]bool{}
			for _, o := range rec.Result.Owners {
				named[o.Activity] = true
			}
			for _, a := range rec.Run.Activities {
				if !named[a.Name] {
					t.Errorf("nothing is %s's: %v", a.Name, rec.Result.Owners)
				}
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		for name, c := range map[string]struct {
			args []string
			want []string
		}{
			"four without a group": {[]string{"--spec", spec}, []string{"the run has 4 activities", "could not be told apart", "may make no control groups", "Delegate=yes"}},
			"a limit of the CPU":   {[]string{"ping/echo", "-s", "client.cpu=0.5"}, []string{`host "client": client.cpu`, "takes root"}},
		} {
			dir := filepath.Join(u.Home, "refused")
			cmd := u.detgen(t.Context(), false, append([]string{"run", "-o", dir}, c.args...)...)
			out, err := cmd.CombinedOutput()
			const refused = 2
			if err == nil || cmd.ProcessState.ExitCode() != refused {
				t.Errorf("%s: %v: %s", name, err, out)
			}
			for _, want := range c.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("%s: it says %q, which has no %q", name, out, want)
				}
			}
			if _, err := os.Stat(dir); err == nil {
				t.Errorf("%s: something was started", name)
			}
		}
		// One activity needs nothing to be told apart from.
		dir := filepath.Join(u.Home, "alone")
		if out, err := u.detgen(t.Context(), false, "run", "ping/echo", "-o", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, row := range labtest.Rows(t, filepath.Join(dir, "connections.csv")) {
			if row["activity"] != "main" {
				t.Errorf("a connection is %q's: %v", row["activity"], row)
			}
		}
	})
}

// Images that come in an archive serve a user's labs.
func TestAUsersImagesAreLoaded(t *testing.T) {
	u := newUser(t)
	archive := filepath.Join(filepath.Dir(u.Program()), "images.tar.zst")
	if out, err := exec.CommandContext(t.Context(), labtest.Program(t), "image", "save", "ping-client", "-o", archive).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(archive, 0o644); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(u.Home, "run")
	for _, args := range [][]string{{"image", "load", archive}, {"run", "ping/echo", "-o", dir}} {
		if out, err := u.detgen(t.Context(), true, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	built, err := filepath.Glob(filepath.Join(u.Home, ".cache/detgen/images/*/build.log"))
	if err != nil || len(built) > 0 {
		t.Errorf("images were built: %v (%v)", built, err)
	}
	// The files belong to subordinate IDs, and only the user's detgen removes them.
	if out, err := u.detgen(t.Context(), true, "image", "prune", "--all").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	left, err := filepath.Glob(filepath.Join(u.Home, ".cache/detgen/images/*"))
	if err != nil || len(left) > 0 {
		t.Errorf("images are left: %v (%v)", left, err)
	}
}

// What tries to get out of a host of a user's lab is refused, as in one of root's.
func TestAUsersHostsAreTight(t *testing.T) {
	u := newUser(t, "base")
	folder := filepath.Join(filepath.Dir(u.Program()), "escape")
	if err := os.CopyFS(folder, os.DirFS("../cmd/detgen/testdata/escape")); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", filepath.Join(folder, "scenarios/escape/escape"), "../lab/escape")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v: %s", err, out)
	}
	dir := filepath.Join(u.Home, "escape")
	if out, err := u.detgen(t.Context(), true, "run", "escape/try", "--catalogue", folder, "-o", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	log, err := os.ReadFile(filepath.Join(dir, "logs/prisoner/main.log"))
	if err != nil {
		t.Fatal(err)
	}
	attempts := strings.Split(strings.TrimSpace(string(log)), "\n")
	if len(attempts) < 100 {
		t.Errorf("%d attempts", len(attempts))
	}
	for _, a := range attempts {
		if _, answer, ok := strings.Cut(a, "\t"); !ok || answer == "OUT" {
			t.Error(a)
		}
	}
}

// greedyScenario has tasks whose script takes without end.
const greedyScenario = `
scenario: greedy
title: A program that takes what there is
description: A program takes memory, processes or space without end.
class: benign
hosts:
  glutton: {description: runs the program, image: base, memory: 64MB, processes: 64}
  other: {description: is there too, image: base}
tasks:
`

// A host of a user's lab cannot take more than its limits, though no control group holds them: the run ends and says so.
func TestAUsersGreedyHostEndsTheRun(t *testing.T) {
	u := newUser(t, "base")
	folder := filepath.Join(filepath.Dir(u.Program()), "greedy")
	scenario := greedyScenario
	tasks := filepath.Join(folder, "scenarios/greedy/tasks")
	if err := os.MkdirAll(tasks, 0o755); err != nil {
		t.Fatal(err)
	}
	greedy := map[string]struct{ script, want string }{
		"memory":    {`perl -e '$x = "x" x 30000000; fork; fork; sleep 1000'`, `host "glutton": it takes more than 61 MiB of memory, its limit`},
		"processes": {"for i in $(seq 70); do sleep 1000 & done\nwait", `host "glutton": it starts more than 64 processes, its limit`},
		"process":   {`perl -e '$x = "x" x 9000000000'`, "Out of memory"},
		"files":     {"cat /dev/zero >/file", "No space left on device"},
		"shared":    {"cat /dev/zero >/dev/shm/file", "No space left on device"},
	}
	for name, g := range greedy {
		scenario += fmt.Sprintf("  %s:\n    title: Take %[1]s\n    hosts: [glutton, other]\n    scripts: {glutton: tasks/%[1]s.sh}\n    phases: [take]\n    expect: {done: 1}\n    timeout: 2min\n", name)
		if err := os.WriteFile(filepath.Join(tasks, name+".sh"), []byte("phase take\n"+g.script+"\noutcome done=1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "scenarios/greedy/scenario.yaml"), []byte(scenario), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, g := range greedy {
		t.Run(name, func(t *testing.T) {
			out, err := u.detgen(t.Context(), true, "run", "greedy/"+name, "--catalogue", folder, "-o", filepath.Join(u.Home, name)).CombinedOutput()
			if err == nil || !strings.Contains(string(out), g.want) {
				t.Errorf("%v: %s", err, out)
			}
			await(t, "the end of all processes", func() bool { return !populated(t, filepath.Join(u.group.Name(), "cgroup.events")) })
		})
	}
}

// Whatever ends a user's detgen, no process of the lab is left, and the next run removes the control groups.
func TestNothingIsLeftOfAUsersLab(t *testing.T) {
	u := newUser(t, "ping-client")
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			cmd := u.detgen(t.Context(), true, "run", "ping/echo", "-s", "params.count=1000", "-s", "params.interval=1s", "-o", filepath.Join(u.Home, "killed"))
			cmd.Stderr, cmd.Stdout = os.Stderr, os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			await(t, "the task", func() bool {
				states, _ := filepath.Glob(filepath.Join(u.group.Name(), "detgen-*-client/main/cgroup.events"))
				return len(states) == 1 && populated(t, states[0])
			})
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			await(t, "the end of all processes", func() bool { return !populated(t, filepath.Join(u.group.Name(), "cgroup.events")) })
			groups := labGroups(t, u)
			if signal == syscall.SIGINT && len(groups) > 0 {
				t.Errorf("control groups are left: %v", groups)
			}
		})
	}
	if out, err := u.detgen(t.Context(), true, "run", "ping/echo", "-o", filepath.Join(u.Home, "after")).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if groups := labGroups(t, u); len(groups) > 0 {
		t.Errorf("control groups are left: %v", groups)
	}
}

// populated tells if a control group, or one below it, has processes.
func populated(t *testing.T, events string) bool {
	t.Helper()
	text, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(text), "populated 1")
}

// await waits for what another process or the kernel does.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s does not come", what)
		}
	}
}

func labGroups(t *testing.T, u *user) []string {
	t.Helper()
	entries, err := os.ReadDir(u.group.Name())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}
