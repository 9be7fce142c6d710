package image

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"detgen/catalogue"

	"golang.org/x/sys/unix"
)

func TestBuildAppliesTheRecipe(t *testing.T) {
	dir := newStore(t)
	folder := withBase(t, map[string]string{"x": `
from: base
debconf:
  - tree tree/answer string forty-two
packages: [tree]
files:
  - {path: /etc/x/y, text: "hello", mode: 0640, owner: games:mail}
  - {path: /etc/z, directory: true, mode: 01777}
  - {path: /etc/l, symlink: x/y}
  - {path: /etc/s, source: s}
run: |
  cat /etc/x/y >/etc/copy
  echo log >/var/log/x.log
  echo "$SOURCE_DATE_EPOCH" >/etc/epoch
  hostname >/etc/name
  tail -n +3 /proc/net/dev | cut -d: -f1 >/etc/interfaces
remove:
  - /usr/share/doc/stress-*
  - /bin/su
`})
	if err := os.WriteFile(filepath.Join(folder.Dir, "images/x/s"), []byte("source"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, folder, nil)
	image := ensure(t, s, "x")
	if len(image.Layers) != 2 || !strings.Contains(image.Layers[1], hexOf(s.recipes.digests["base"])) {
		t.Fatalf("layers are %v, want its own and that of base", image.Layers)
	}
	if image.Packages["tree"] == "" || image.Packages["dash"] == "" {
		t.Errorf("packages are %v, want tree and base's", image.Packages)
	}
	tests := []struct{ what, script, want string }{
		{"package works", "tree --version | cut -c1-4", "tree"},
		{"debconf answer", "sed -n \"/^Name: tree.answer/,/^$/s/^Value: //p\" /var/cache/debconf/config.dat", "forty-two"},
		{"file", `cat /etc/x/y; stat -c " %a %U:%G" /etc/x/y`, "hello 640 games:mail"},
		{"directory", "stat -c %a /etc/z", "1777"},
		{"symlink", "readlink /etc/l", "x/y"},
		{"source", "cat /etc/s; stat -c \" %a %u\" /etc/s", "source 644 0"},
		{"script ran after files", "cat /etc/copy", "hello"},
		{"fixed time", "cat /etc/epoch", "1767225600"},
		{"fixed host name", "cat /etc/name", "localhost"},
		{"no network", "cat /etc/interfaces", "lo"},
		{"removed by pattern", "ls -d /usr/share/doc/stress-* 2>&- || echo none", "none"},
		{"removed through a link", "ls /usr/bin/su 2>&- || echo none", "none"},
		{"no logs", "find /var/log -type f", ""},
		{"no traces of package tools", "ls -d /usr/sbin/policy-rc.d /var/lib/apt /etc/apt /var/cache/apt /var/lib/dpkg/*-old /etc/*- 2>&- || true", ""},
		{"no host state", "ls /etc/resolv.conf /etc/hostname /etc/machine-id 2>&- || true", ""},
		{"empty mount points", "ls -A /dev /proc /run /sys /tmp | grep -v : || true", ""},
		{"no late times", "find / -xdev -newermt @1767225600", ""},
		{"root folder", "stat -c \"%a %u\" /", "755 0"},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			script := strings.ReplaceAll(test.script, `'`, `'\''`)
			if got := strings.TrimSpace(inside(t, image, script)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestBuiltImageIsNotBuiltAgain(t *testing.T) {
	dir := newStore(t)
	folder := withBase(t, map[string]string{"x": "from: base\nrun: echo >/x\n"})
	first := ensure(t, open(t, dir, folder, nil), "x")
	var steps []string
	second := ensure(t, open(t, dir, folder, &steps), "x")
	if len(steps) > 0 {
		t.Errorf("the second time, steps are %v", steps)
	}
	if !slices.Equal(first.Layers, second.Layers) || first.Digest != second.Digest {
		t.Errorf("first %v, then %v", first, second)
	}
}

func TestChangedRecipeIsBuilt(t *testing.T) {
	dir := newStore(t)
	before := ensure(t, open(t, dir, withBase(t, map[string]string{"x": "from: base\nrun: echo one >/x\n"}), nil), "x")
	after := ensure(t, open(t, dir, withBase(t, map[string]string{"x": "from: base\nrun: echo two >/x\n"}), nil), "x")
	if got := inside(t, after, "cat /x"); got != "two\n" {
		t.Errorf("the new image has %q", got)
	}
	if got := inside(t, before, "cat /x"); got != "one\n" {
		t.Errorf("the old image has %q", got)
	}
}

// TestClusterIsTheSameInEachBuild builds the catalogue's image that makes a database of PostgreSQL twice. A server that starts from
// other bytes takes other times, so that the exact engine's captures would be those of one machine alone.
func TestClusterIsTheSameInEachBuild(t *testing.T) {
	recipe, err := catalogue.FS.ReadFile("images/postgresql/image.yaml")
	if err != nil {
		t.Fatal(err)
	}
	recipes := map[string]string{}
	for _, name := range []string{"one", "two"} {
		recipes[name] = strings.NewReplacer("from: common", "from: base", "run: |", "run: |\n  # "+name).Replace(string(recipe))
	}
	s := open(t, newStore(t), withBase(t, recipes), nil)
	one, two := ensure(t, s, "one"), ensure(t, s, "two")
	if one.Digest == two.Digest {
		t.Error("it was built once")
	}
	const cluster = "var/lib/postgresql"
	out, err := exec.Command("diff", "-r", "--no-dereference", "--brief", filepath.Join(one.Layers[0], cluster), filepath.Join(two.Layers[0], cluster)).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestWithoutLeavesDependencyOut(t *testing.T) {
	dir := newStore(t)
	s := open(t, dir, withBase(t, map[string]string{"x": "from: base\npackages: [vsftpd]\nwithout: [libwrap0, procps]\n"}), nil)
	image := ensure(t, s, "x")
	if p := image.Packages; p["vsftpd"] == "" || p["libwrap0"] != "" || p["procps"] != "" {
		t.Errorf("packages are %v, want vsftpd without libwrap0 and procps", p)
	}
	for name := range image.Packages {
		if strings.HasPrefix(name, standInPrefix) {
			t.Errorf("%s is told as a package", name)
		}
	}
	if got := inside(t, image, "dpkg --audit"); got != "" {
		t.Errorf("dpkg finds faults: %s", got)
	}
}

func TestBuildErrors(t *testing.T) {
	dir := newStore(t)
	tests := []struct {
		name, recipe string
		want         []string
	}{
		{"unknown package", "from: base\npackages:\n  - tree\n  - no-such-package\n", []string{"x/image.yaml:4: packages: Unable to locate package no-such-package", "(log: "}},
		{"script fails", "from: base\nabout: x\nrun: |\n  echo reason\n  exit 3\n", []string{"x/image.yaml:3: run: ", "reason"}},
		{"unknown owner", "from: base\nfiles:\n  - {path: /a, owner: nobody-else}\n", []string{"x/image.yaml:2: files: ", "/a: there is no owner nobody-else"}},
		{"bad debconf line", "from: base\ndebconf:\n  - nonsense\n", []string{"x/image.yaml:2: debconf: "}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, dir, withBase(t, map[string]string{"x": test.recipe}), nil)
			_, err := s.Ensure(t.Context(), "x")
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range append(test.want, `image "x": `) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is %q, want it to contain %q", err, want)
				}
			}
			nothingLeft(t, s, s.recipes.digests["x"])
			if _, err := os.Stat(s.path(s.recipes.digests["x"]) + ".tmp"); err == nil {
				t.Error("the work directory is left")
			}
		})
	}
}

func TestMissingMmdebstrap(t *testing.T) {
	needsRoot(t)
	t.Setenv("PATH", t.TempDir())
	s := open(t, t.TempDir(), withBase(t, nil), nil)
	_, err := s.Ensure(t.Context(), "base")
	if want := "mmdebstrap is missing; install the package mmdebstrap"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestOthersUseWhatRootBuilt(t *testing.T) {
	dir := newStore(t)
	folder := withBase(t, map[string]string{"x": "from: base\nrun: echo >/x\n"})
	nobody := &syscall.Credential{Uid: 65534, Gid: 65534}
	ensure(t, open(t, dir, folder, nil), "x")
	after := startBuild(t, dir, folder, nobody)
	if err := after.end(); err != nil || len(after.steps) > 0 {
		t.Errorf("a built image is not there for another user: %v, %q", err, after.steps)
	}
}

func TestFullDisk(t *testing.T) {
	needsRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=20m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s := open(t, dir, withBase(t, nil), nil)
	_, err := s.Ensure(t.Context(), "base")
	if want := "no space left on the disk of " + dir; err == nil || !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestTwoProcessesBuildOnce(t *testing.T) {
	dir := newStore(t)
	folder := withBase(t, map[string]string{"x": "from: base\npackages: [tree]\n"})
	s := open(t, dir, folder, nil)
	first, err := acquire(t.Context(), s.lockFile(s.recipes.digests["x"]), unix.LOCK_EX, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, b := startBuild(t, dir, folder, nil), startBuild(t, dir, folder, nil)
	a.until("wait for another process")
	b.until("wait for another process")
	first.release()
	if err := errors.Join(a.end(), b.end()); err != nil {
		t.Fatalf("%v: %q %q", err, a.steps, b.steps)
	}
	steps := append(a.steps, b.steps...)
	built := slices.DeleteFunc(slices.Clone(steps), func(s string) bool { return s != Built })
	if len(built) != 1 {
		t.Errorf("built %d times: %q %q", len(built), a.steps, b.steps)
	}
	ensure(t, s, "x")
}

func TestKilledBuildIsBuiltAgain(t *testing.T) {
	dir := newStore(t)
	folder := withBase(t, map[string]string{"x": "from: base\npackages: [perl]\n"})
	s := open(t, dir, folder, nil)
	digest := s.recipes.digests["x"]
	p := startBuild(t, dir, folder, nil)
	p.until("install")
	waitForText(t, s.path(digest)+".tmp/entry/build.log", "Unpacking perl")
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.end()
	nothingLeft(t, s, digest)
	if _, err := os.Stat(s.path(digest) + ".tmp"); err != nil {
		t.Errorf("the build was not half way: %v", err)
	}
	image := ensure(t, s, "x")
	if got := inside(t, image, "perl -v"); !strings.Contains(got, "This is perl 5") {
		t.Errorf("perl of the second build says %q", got)
	}
	if _, err := os.Stat(s.path(digest) + ".tmp"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what the killed build left is there: %v", err)
	}
}

func TestInterruptedBuildLeavesNothing(t *testing.T) {
	dir := newStore(t)
	folder := withBase(t, map[string]string{"x": "from: base\nrun: |\n  (trap \"\" TERM INT HUP; sleep 1000) &\n  echo started\n  sleep 1000\n"})
	ctx, cancel := context.WithCancel(t.Context())
	s := open(t, dir, folder, nil)
	digest := s.recipes.digests["x"]
	s.progress = func(p Progress) {
		if p.Step == "install" {
			go func() {
				waitForText(t, s.path(digest)+".tmp/entry/build.log", "started")
				cancel()
			}()
		}
	}
	if _, err := s.Ensure(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	nothingLeft(t, s, digest)
	if _, err := os.Stat(s.path(digest) + ".tmp"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the work directory is left: %v", err)
	}
}

func TestWaitForAnotherProcessCanBeInterrupted(t *testing.T) {
	dir := newStore(t)
	s := open(t, dir, withBase(t, map[string]string{"x": "from: base\nrun: echo >/x\n"}), nil)
	other, err := acquire(t.Context(), s.lockFile(s.recipes.digests["x"]), unix.LOCK_EX, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.release()
	ctx, cancel := context.WithCancel(t.Context())
	s.progress = func(p Progress) { cancel() } // told that it waits
	if _, err := s.Ensure(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}
