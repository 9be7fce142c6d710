package main

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"detgen/dataset"
	"detgen/internal/labtest"
	"detgen/record"
)

var killSeed = flag.Uint64("kill-seed", 0, "of the moments at which commands are killed; 0: another one each time")

// killer kills commands at random moments. All that a command starts is in a control group of its own, so that what is
// left of it is known.
type killer struct {
	t         *testing.T
	random    *rand.Rand
	temporary string        // TMPDIR of the commands
	hits      int           // kills of a command that was going on
	misses    int           // commands that ended before their moment
	lived     time.Duration // the last one, from its start, or from its event
	cpu       time.Duration // of all
	pids      []int         // of what was killed
}

func newKiller(t *testing.T) *killer {
	seed := *killSeed
	for seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("the moments of kills are those of -args -kill-seed %d", seed)
	return &killer{t: t, random: rand.New(rand.NewPCG(seed, 0)), temporary: t.TempDir()}
}

// within draws a moment.
func (k *killer) within(span time.Duration) time.Duration {
	return time.Duration(k.random.Float64() * float64(span))
}

// kill starts a command and kills it at a moment: a time after its start or, with an event, after that; when another event
// comes, at once. Every other time, all of its processes end together, as when a machine dies; else the kernel has to end
// what the command started. It tells if the command was hit. Nothing of it lives then.
func (k *killer) kill(cmd *exec.Cmd, from *event, after time.Duration, latest *event) bool {
	t := k.t
	t.Helper()
	defer from.close()
	defer latest.close()
	group := controlGroup(t)
	defer group.Close()
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	cmd.Stderr = stderr // a file: the end of a pipe would wait for all who have it
	cmd.Env = append(os.Environ(), "TMPDIR="+k.temporary)
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(group.Fd())}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	defer func() {
		k.lived = time.Since(begin)
		k.cpu += cpuTime(t, group)
	}()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	moment := time.NewTimer(after)
	defer moment.Stop()
	come := from.channel()
	if come != nil {
		moment.Stop()
	}
	for waiting := true; waiting; {
		select {
		case <-come:
			come, begin = nil, time.Now()
			moment.Reset(after)
		case <-moment.C:
			waiting = false
		case <-latest.channel():
			waiting = false
		case err := <-ended:
			if err != nil {
				text, _ := os.ReadFile(stderr.Name())
				t.Fatalf("the command failed before it was killed: %v: %s", err, text)
			}
			k.misses++
			wantNone(t, group)
			return false
		}
	}
	if (k.hits+k.misses)%2 == 0 {
		if err := os.WriteFile(filepath.Join(group.Name(), "cgroup.kill"), []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
	} else {
		cmd.Process.Kill()
	}
	<-ended
	wantNone(t, group)
	if cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL { // it ended at the very moment
		k.misses++
		return false
	}
	k.hits++
	k.pids = append(k.pids, cmd.Process.Pid)
	return true
}

// left looks for what killed commands left: temporary files, mounts that name a folder of the test, and control groups
// of labs. Without processes and mounts no network namespace is left either: labs' have no names.
func (k *killer) left(dirs ...string) {
	t := k.t
	t.Helper()
	if entries, err := os.ReadDir(k.temporary); err != nil || len(entries) > 0 {
		t.Errorf("temporary files are left: %v, %v", entries, err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range append(dirs, k.temporary) {
		if bytes.Contains(mounts, []byte(dir)) {
			t.Errorf("a mount is left at %s", dir)
		}
	}
	for _, pid := range k.pids {
		for _, pattern := range []string{"/sys/fs/cgroup/detgen-%d-*", "/sys/fs/cgroup/*/detgen-%d-*"} {
			if groups, _ := filepath.Glob(fmt.Sprintf(pattern, pid)); len(groups) > 0 {
				t.Errorf("control groups of a lab are left: %v", groups)
			}
		}
	}
}

// controlGroup makes a control group of version 2, which is removed with the test.
func controlGroup(t *testing.T) *os.File {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(`(?m)^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 `).FindSubmatch(mounts)
	if at == nil {
		t.Fatal("no hierarchy of control groups of version 2 is mounted")
	}
	dir, err := os.MkdirTemp(string(at[1]), "killed-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	group, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return group
}

// cpuTime gives the CPU time that all processes took that were in a control group.
func cpuTime(t *testing.T, group *os.File) time.Duration {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(group.Name(), "cpu.stat"))
	if err != nil {
		t.Fatal(err)
	}
	var micros int64
	if _, err := fmt.Sscanf(string(text), "usage_usec %d", &micros); err != nil {
		t.Fatal(err)
	}
	return time.Duration(micros) * time.Microsecond
}

// wantNone waits until no process is in a control group: what was killed, or has lost its parent, is about to end.
func wantNone(t *testing.T, group *os.File) {
	t.Helper()
	events, err := os.Open(filepath.Join(group.Name(), "cgroup.events"))
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	for {
		text := make([]byte, 100)
		n, err := events.ReadAt(text, 0)
		if n == 0 {
			t.Fatal(err)
		}
		if bytes.Contains(text[:n], []byte("populated 0")) {
			return
		}
		n, err = unix.Poll([]unix.PollFd{{Fd: int32(events.Fd()), Events: unix.POLLPRI}}, 20_000)
		if n == 0 {
			processes, _ := os.ReadFile(filepath.Join(group.Name(), "cgroup.procs"))
			os.WriteFile(filepath.Join(group.Name(), "cgroup.kill"), []byte("1"), 0)
			t.Fatalf("20 s after the command, processes are left: %q", processes)
		}
		if err != nil && err != unix.EINTR {
			t.Fatal(err)
		}
	}
}

// event is the first time that something is made or changed in a folder. A nil event never comes.
type event struct {
	come chan struct{}
	in   *os.File
}

func (e *event) channel() <-chan struct{} {
	if e == nil {
		return nil
	}
	return e.come
}

func (e *event) close() {
	if e != nil {
		e.in.Close()
	}
}

// eventIn waits for the first event of a name that matches a pattern.
func eventIn(t *testing.T, dir, pattern string) *event {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	e := &event{make(chan struct{}), os.NewFile(uintptr(fd), "inotify")}
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE|unix.IN_MODIFY|unix.IN_MOVED_TO|unix.IN_ONLYDIR); err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(pattern)
	go func() {
		text := make([]byte, 64<<10)
		for {
			n, err := e.in.Read(text)
			if err != nil {
				return // it is closed
			}
			for rest := text[:n]; len(rest) >= unix.SizeofInotifyEvent; {
				end := unix.SizeofInotifyEvent + int(uint32(rest[12])|uint32(rest[13])<<8|uint32(rest[14])<<16|uint32(rest[15])<<24)
				if name.Match(bytes.TrimRight(rest[unix.SizeofInotifyEvent:end], "\x00")) {
					close(e.come)
					return
				}
				rest = rest[end:]
			}
		}
	}()
	return e
}

// timed runs a command and gives how long it took; with an event, from that on.
func timed(t *testing.T, cmd *exec.Cmd, event *event) time.Duration {
	t.Helper()
	defer event.close()
	begin := make(chan time.Time, 1)
	if event != nil {
		go func() { <-event.come; begin <- time.Now() }()
	} else {
		begin <- time.Now()
	}
	if code, _, stderr := outcome(t, cmd); code != exitDone {
		t.Fatalf("%v: exit code %d: %s", cmd.Args, code, stderr)
	}
	end := time.Now()
	return end.Sub(<-begin)
}

var (
	wallTime    = regexp.MustCompile(`(?m)^ *"wall_time": .*\n`)
	unfinished  = regexp.MustCompile(`\.partial-`)
	digestLines = regexp.MustCompile(`(?m)^ *"sha256": .*\n`)
)

// everyFile gives the content of all files below a dataset's folder, but for the wall time, and the digests of what has it.
// Of what is not finished, only the names are in it.
func everyFile(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		switch {
		case unfinished.MatchString(name):
			all[name] = ""
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch filepath.Base(name) {
		case "run.json":
			text = wallTime.ReplaceAll(text, nil)
		case dataset.RunsTable:
			text = digestPattern.ReplaceAll(text, []byte(",,"))
		case dataset.FileName:
			text = digestLines.ReplaceAll(text, nil)
		}
		all[name] = string(text)
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return all
}

// wantWhole compares what is in a folder after a kill with the files of a build that was never killed: each is the same or
// not there.
func wantWhole(t *testing.T, when, dir string, want map[string]string) {
	t.Helper()
	for name, text := range everyFile(t, dir) {
		if whole, ok := want[name]; !unfinished.MatchString(name) && (!ok || text != whole) {
			t.Fatalf("%s, %s is not that of a build that was never killed", when, name)
		}
	}
}

// wantSame compares a folder with the files of a build that was never killed, and with its own digests.
func wantSame(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	got := everyFile(t, dir)
	if names, all := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(names, all) {
		t.Errorf("the files are\n%s\nand not\n%s", strings.Join(names, "\n"), strings.Join(all, "\n"))
	}
	for name, text := range got {
		if text != want[name] {
			t.Errorf("%s is not that of a build that was never killed", name)
		}
	}
	if _, err := dataset.Check(t.Context(), dir); err != nil {
		t.Error(err)
	}
}

// runID matches the folder of a run that is made.
const runID = "^[0-9a-f]{32}$"

// The kills of a build, and how many of them are for the writing of its tables.
const kills, killsOfTables = 20, 6

// killedBuild builds in a folder and is killed 20 times meanwhile: at moments within the time that the start of the command
// takes, until the folder is there, then within that of a run too, then within that of the tables. When six kills have
// let no run come to be, the seventh waits for one, so that the build gets on.
func killedBuild(t *testing.T, build func(dir string, more ...string) *exec.Cmd, dir string, start, run, tables time.Duration, want map[string]string) {
	k := newKiller(t)
	folder := filepath.Join(dir, dataset.RunsFolder)
	runs := strings.Count(want[dataset.RunsTable], "\n") - 1
	made, last := 0, 0 // runs, and at which kill
	moments := start + run
	for k.hits < kills-killsOfTables && made < runs {
		if k.hits == 3 {
			timed(t, build(dir, "--shard", "8/9"), nil) // which has no run: the folder is there in any case
		}
		var from, latest *event
		within := moments
		switch _, err := os.Stat(folder); {
		case err != nil:
			within = start
		case k.hits-last >= 6:
			from = eventIn(t, folder, runID)
		default:
			latest = eventIn(t, folder, runID)
		}
		k.kill(build(dir), from, k.within(within), latest)
		if more := runsIn(dir) - made; more > 0 {
			if made, last = made+more, k.hits; latest != nil { // the machine is faster than it was
				moments = min(moments, k.lived)
			}
		}
		wantWhole(t, fmt.Sprintf("after kill %d", k.hits), dir, want)
	}
	making := k.hits
	if making < kills/4 || made == 0 {
		t.Errorf("%d kills hit the making of runs, of which %d came to be", making, made)
	}
	for _, shard := range []string{"0/2", "1/2"} { // which write no tables
		timed(t, build(dir, "--shard", shard), nil)
	}
	for k.hits < kills && k.misses < kills {
		if !k.kill(build(dir), eventIn(t, dir, `^runs\.csv`), k.within(tables), nil) {
			tables = min(tables, k.lived) // the machine is faster than it was
		}
		wantWhole(t, fmt.Sprintf("after kill %d", k.hits), dir, want)
	}
	t.Logf("%d kills while %d runs were made, %d while tables were written; %d commands had ended; %.1f s of CPU time", making, made, k.hits-making, k.misses, k.cpu.Seconds())
	if k.hits < kills {
		t.Errorf("%d of %d kills hit a build", k.hits, kills)
	}
	timed(t, build(dir), nil)
	wantSame(t, dir, want)
	k.left(dir)
}

// killedCommand kills a command that makes one thing, at moments within the time it takes, from the first event of a name in
// the folder where it is made or, without a pattern, from the start. What is there after a kill, and all after it came to
// its end, is what the command makes without a break.
func killedCommand(t *testing.T, times int, command func(to string) *exec.Cmd, name, pattern string) {
	k := newKiller(t)
	other, dir := t.TempDir(), t.TempDir()
	from := func(dir string) *event {
		if pattern == "" {
			return nil
		}
		return eventIn(t, dir, pattern)
	}
	took := timed(t, command(filepath.Join(other, name)), from(other))
	want := everyFile(t, other)
	for k.hits < times && k.misses < 5*times {
		if !k.kill(command(filepath.Join(dir, name)), from(dir), k.within(took), nil) {
			took = min(took, k.lived)
		}
		wantWhole(t, fmt.Sprintf("after kill %d", k.hits), dir, want)
	}
	t.Logf("%d kills; %d commands had ended; %.1f s of CPU time", k.hits, k.misses, k.cpu.Seconds())
	if k.hits < times {
		t.Errorf("%d of %d kills hit the command", k.hits, times)
	}
	timed(t, command(filepath.Join(dir, name)), nil)
	if got := everyFile(t, dir); !maps.Equal(got, want) {
		t.Errorf("the files are %v and not those of the command without a break, %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	k.left(dir)
}

// TestLiveBuildKilled kills a build of the live engine, whose labs have hosts, networks and mounts, at random moments. Runs
// that are there are complete, and after the build's end there is what there is without a break.
func TestLiveBuildKilled(t *testing.T) {
	needsLab(t)
	path := labtest.Program(t)
	plan := planned(t, `
dataset: echoes
seed: 3
entries:
  - {task: ping/echo, vary: {design: full, factors: {params.count: [1, 2, 3]}}, set: {params.interval: 10ms}}
`)
	build := func(dir string) *exec.Cmd {
		return exec.CommandContext(t.Context(), path, "dataset", "build", plan, "-o", dir, "--jobs", "2")
	}
	parent := t.TempDir()
	whole, dir := filepath.Join(parent, "whole"), filepath.Join(parent, "killed")
	timed(t, build(whole), nil) // images are built
	took := timed(t, build(filepath.Join(parent, "again")), nil)
	k := newKiller(t)
	const times = 8
	for k.hits < times && k.misses < 5*times {
		if !k.kill(build(dir), nil, k.within(took), nil) {
			took = min(took, k.lived)
		}
		there, _ := filepath.Glob(filepath.Join(dir, dataset.RunsFolder, "[0-9a-f]*"))
		for _, run := range there {
			r, err := record.Read(run)
			if err != nil {
				t.Fatalf("after kill %d: %v", k.hits, err)
			}
			for i := range r.Result.Captures {
				if err := r.CheckCapture(run, &r.Result.Captures[i]); err != nil {
					t.Errorf("after kill %d: %v", k.hits, err)
				}
			}
		}
		if len(there) == 3 { // another one
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d kills; %d commands had ended; %.1f s of CPU time", k.hits, k.misses, k.cpu.Seconds())
	if k.hits < times {
		t.Errorf("%d of %d kills hit a build", k.hits, times)
	}
	timed(t, build(dir), nil)
	if _, err := dataset.Check(t.Context(), dir); err != nil {
		t.Error(err)
	}
	got, want := slices.Sorted(maps.Keys(everyFile(t, dir))), slices.Sorted(maps.Keys(everyFile(t, whole)))
	if !slices.Equal(got, want) {
		t.Errorf("the files are\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	k.left(dir)
}
