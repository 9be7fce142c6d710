package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// buildEscape builds the program that tries to get out (lab/escape) at a path.
func buildEscape(t *testing.T, path string) {
	t.Helper()
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "../lab/escape")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
}

// refused checks what the program printed: an answer to every attempt, none of them "OUT".
func refused(t *testing.T, log string) {
	t.Helper()
	attempts := 0
	for line := range strings.Lines(log) {
		_, answer, ok := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		if !ok || answer == "OUT" {
			t.Errorf("got out: %s", line)
		}
		attempts++
	}
	if attempts < 100 {
		t.Errorf("only %d attempts: %q", attempts, log)
	}
}

// escaping gives a folder with the image x, whose build tries to get out and then runs the lines.
func escaping(t *testing.T, lines ...string) Folder {
	t.Helper()
	folder := withBase(t, map[string]string{"x": `
from: base
files:
  - {path: /escape, source: escape, mode: 0755}
run: |
  /escape build >/escape.log || test $? = 1
  cat /proc/self/status >/status.log
  cat /proc/self/uid_map >/ids.log
  ` + strings.Join(lines, "\n  ") + "\n"})
	buildEscape(t, filepath.Join(folder.Dir, "images/x/escape"))
	if err := os.WriteFile("/run/detgen-escape", []byte("the machine's"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove("/run/detgen-escape") })
	return folder
}

// A recipe's script that tries to get out of the build is refused each time.
func TestNothingGetsOutOfABuild(t *testing.T) {
	dir := newStore(t)
	folder := escaping(t, "rm /escape /escape-was-here")
	watched := func() (all []string) {
		for _, p := range []string{"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname"} {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(b))
		}
		info, err := os.Stat("/dev/null")
		if err != nil {
			t.Fatal(err)
		}
		return append(all, info.Mode().String(), run(t, "stat", "-c", "%u:%g", "/dev/null"))
	}
	before := watched()
	image := ensure(t, open(t, dir, folder, nil), "x")
	if after := watched(); !slices.Equal(before, after) {
		t.Errorf("the machine's %q became %q", before, after)
	}
	refused(t, inside(t, image, "cat /escape.log"))
	if got := inside(t, image, "cat /ids.log"); !slices.Equal(strings.Fields(got), []string{"0", "536805376", "65536"}) {
		t.Errorf("the build's IDs are %q", got)
	}
	status := inside(t, image, "cat /status.log")
	for _, want := range []string{"NoNewPrivs:\t1\n", "Seccomp:\t2\n", "CapBnd:\t00000000800400fb\n"} {
		if !strings.Contains(status, want) {
			t.Errorf("the build's status has no %q:\n%s", want, status)
		}
	}
	if got := inside(t, image, "stat -c %u:%g /escape.log"); got != "0:0\n" {
		t.Errorf("what the build made belongs to %s", got)
	}
}

// A package's script that leaves the image's root finds this machine's programs, and can change nothing.
func TestAPackagesScriptThatLeavesTheImage(t *testing.T) {
	dir := newStore(t)
	folder := withBase(t, map[string]string{
		"y": "from: base\nfiles:\n  - {path: /escape, source: escape, mode: 0755}\n",
		"x": "from: y\npackages: [tree]\n",
	})
	buildEscape(t, filepath.Join(folder.Dir, "images/y/escape"))
	script := installScript
	defer func() { installScript = script }()
	// What a script that got out of chroot(2) would see.
	installScript = `
/image/escape build || test $? = 1
exec >/image/seen
ls / /etc /usr/local
for f in /usr/bin /usr/lib /etc/alternatives /build /build/archives /image/run/detgen/archives /usr/local; do
	! (: >$f/x) 2>&- || echo "wrote in $f"
done
! (: >>/build/apt.conf) 2>&- || echo wrote apt.conf
`
	image := ensure(t, open(t, dir, folder, nil), "x")
	log, err := os.ReadFile(filepath.Join(filepath.Dir(image.Layers[0]), "build.log"))
	if err != nil {
		t.Fatal(err)
	}
	_, tried, _ := strings.Cut(string(log), "write /proc/sys/kernel/core_pattern")
	refused(t, "write /proc/sys/kernel/core_pattern"+tried)
	got := strings.Fields(inside(t, image, "cat /seen"))
	want := strings.Fields("/: bin build dev etc image lib lib64 proc sbin tmp usr /etc: alternatives group passwd /usr/local:")
	got = slices.DeleteFunc(got, func(s string) bool { return s == "lib32" || s == "libx32" })
	if !slices.Equal(got, want) {
		t.Errorf("it finds %q, want %q", got, want)
	}
}

// A layer that a hostile script made cannot lead its readers out.
func TestALayersLinksLeadNowhere(t *testing.T) {
	dir := newStore(t)
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("Package: secret\nStatus: install ok installed\nVersion: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, withBase(t, map[string]string{"x": "from: base\nrun: |\n  mv /var/lib/dpkg /d; ln -s /d /var/lib/dpkg\n  ln -sf " + secret + " /d/status\n"}), nil)
	_, err := s.Ensure(t.Context(), "x")
	if err == nil || !strings.Contains(err.Error(), "read package versions") {
		t.Errorf("error is %v", err)
	}
}
