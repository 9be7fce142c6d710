package image

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detgen/internal/boundary"
)

// greedy are scripts of recipes that take without end, each with what the error says.
var greedy = map[string]struct{ script, want string }{
	"memory":                {"perl -e 'push @x, \"x\" x 1000000 while 1' || true\n  sleep 1000", "it takes more than 256 MiB of memory, its limit"},
	"memory of many":        {"for i in $(seq 100); do perl -e '$x = \"x\" x 30000000; sleep 1000' & done\n  sleep 1000", "it takes more than 256 MiB of memory, its limit"},
	"processes":             {"perl -e 'for (1 .. 600) { fork // select undef, undef, undef, 0.1 }'", "it starts more than 200 processes, its limit"},
	"processes left":        {"for i in $(seq 300); do setsid sh -c 'trap \"\" TERM HUP; sleep 1000' & done\n  sleep 1000", "it starts more than 200 processes, its limit"},
	"disk":                  {"i=0; while :; do dd if=/dev/zero of=/f$i bs=1M count=16 status=none; i=$((i+1)); done", "its layer takes more than 64 MiB of the disk, its limit"},
	"disk, then an end":     {"for i in $(seq 10); do dd if=/dev/zero of=/f$i bs=1M count=16 status=none; done", "its layer takes more than 64 MiB of the disk, its limit"},
	"one file":              {"dd if=/dev/zero of=/f bs=1M status=none || exit 9", "File size limit exceeded"},
	"a file with a hole":    {"truncate -s 1000G /f || exit 9", "File size limit exceeded"},
	"files":                 {"mkdir /d; cd /d; i=0; while :; do : >$i; i=$((i+1)); done", "its layer has more than 3000 files, its limit"},
	"folders in each other": {"i=0; while [ $i -lt 2500 ]; do mkdir d; cd -P d; i=$((i+1)); done", "its layer has a path of more than 4096 bytes"},
}

// tight are limits that a test reaches soon.
var tight = limits{boundary.Amounts{Memory: 256 << 20, Processes: 200}, 64 << 20, 3000}

// A build that takes more than it may ends with one error that says what, and leaves nothing.
func TestAGreedyBuildEnds(t *testing.T) {
	dir := newStore(t)
	for name, g := range greedy {
		t.Run(name, func(t *testing.T) {
			s := open(t, dir, withBase(t, map[string]string{"x": "from: base\nrun: |\n  " + g.script + "\n"}), nil)
			s.limits = tight
			_, err := s.Ensure(t.Context(), "x")
			if err == nil || !strings.Contains(err.Error(), "x/image.yaml:2: run: ") || !strings.Contains(err.Error(), g.want) {
				t.Errorf("error is %v, want %s", err, g.want)
			}
			nothingLeft(t, s, s.recipes.digests["x"])
			if _, err := os.Stat(s.path(s.recipes.digests["x"]) + ".tmp"); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the work directory is left: %v", err)
			}
			if left, _ := filepath.Glob("/sys/fs/cgroup/*/detgen-amounts-*"); len(left) > 0 {
				t.Errorf("control groups are left: %q", left)
			}
		})
	}
}

// first is what a program may be told by its own limits before anybody has looked at what all take.
var first = map[string]string{"processes left": "Cannot fork"}

// An ordinary user's build, which no control group holds, ends in the same way, or by the limits of one process.
func TestAUsersGreedyBuildEnds(t *testing.T) {
	u, dir := userStore(t, boundary.IDRange)
	for _, name := range []string{"memory", "memory of many", "processes", "processes left", "disk", "one file"} {
		t.Run(name, func(t *testing.T) {
			g := greedy[name]
			folder := withBase(t, map[string]string{"x": "from: base\nrun: |\n  " + g.script + "\n"})
			p := startProcess(t, u.Command(t.Context(), environment(dir, folder, "DETGEN_TEST_TIGHT=1"), "build"))
			err := p.end()
			said := strings.Join(p.steps, "\n")
			told := strings.Contains(said, g.want) || first[name] != "" && strings.Contains(said, first[name])
			if err == nil || !strings.Contains(said, "x/image.yaml:2: run: ") || !told {
				t.Errorf("error is %v: %s, want %s", err, said, g.want)
			}
			s := open(t, dir, folder, nil)
			nothingLeft(t, s, s.recipes.digests["x"])
			if _, err := os.Stat(s.path(s.recipes.digests["x"]) + ".tmp"); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the work directory is left: %v", err)
			}
		})
	}
}
