package hostile

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"detgen/internal/labtest"
	"detgen/internal/plain"
	"detgen/record"
	"detgen/truth"

	"golang.org/x/sys/unix"
)

// A folder of what the commands read:
//
//	work/run, work/twins/{a,b}   runs that no lab made
//	work/set                     a dataset of 12 runs, six of them attacks
//	work/card, work/cards/*      a card's dataset, and two cards
//	work/catalogue               a scenario
//	work/*                       files that are named on the command line
//	outside                      the same again: nothing of it is opened
//	tmp                          for temporary files: nothing is left in it
type tree struct{ base, work, outside, tmp string }

// runID is the folder of a dataset's run.
func runID(n int) string { return fmt.Sprintf("%032x", n+1) }

const (
	setRuns    = 12
	setColumns = "run,entry,split,label,id,class,scenario,task,activity,client,server,client_port,server_port,protocol,start,link.all.both.delay,Destination Port,Flow Duration\n"
)

func mustWrite(t testing.TB, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// labelled makes a run directory with its tables, of a seed, at a path.
func labelled(t *testing.T, path string) {
	t.Helper()
	made := labtest.Run(t, t.TempDir())
	rec, err := record.Read(made)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(truth.Label(made, rec), os.MkdirAll(filepath.Dir(path), 0o755), os.CopyFS(path, os.DirFS(made))); err != nil {
		t.Fatal(err)
	}
	set("result.engine.name", "exact")(t, path)
}

// makeTree makes the folder; base is empty.
func makeTree(t *testing.T, base string) {
	t.Helper()
	work := filepath.Join(base, "work")
	run := filepath.Join(work, "run")
	labelled(t, run)
	copies := []string{filepath.Join(work, "placebo", record.TwinA), filepath.Join(work, "placebo", record.TwinB), filepath.Join(work, "twins", record.TwinA), filepath.Join(work, "twins", record.TwinB)}
	for n := range setRuns {
		copies = append(copies, filepath.Join(work, "set/runs", runID(n)))
	}
	for _, path := range copies {
		if err := os.CopyFS(path, os.DirFS(run)); err != nil {
			t.Fatal(err)
		}
	}
	connections, packets, runs, scores := setColumns, "run,connection,direction,side,time,flags,tcp_exact,tcp_class\n", "run,entry,index,seed\n", "id,score\n"
	zeek := "#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\torig_pkts\tresp_pkts\n"
	flows := "Source IP,Source Port,Destination IP,Destination Port,Protocol,Flow Duration,Total Fwd Packet,Total Bwd packets,Total Length of Fwd Packet,Total Length of Bwd Packet,Label\n"
	for n := range setRuns {
		label, class, entry, task := "benign", "benign", "web-get", "web,get"
		if n >= setRuns/2 {
			label, class, entry, task = "sqli", "attack", "sqli-dump", "sqli,dump"
		}
		level := []string{"1ms", "5ms"}[n%2]
		if n%2 == 1 {
			entry += "-delay-1"
		}
		connections += fmt.Sprintf("%s,%s,train,%s,1,%s,%s,main,10.0.0.1,10.0.0.2,40000,80,6,1700000000000000000,%s,80,%d\n", runID(n), entry, label, class, task, level, n)
		packets += fmt.Sprintf("%s,1,sent,client,1000,S,new,\n%[1]s,1,received,server,2000,SA,new,\n", runID(n))
		runs += fmt.Sprintf("%s,%s,%d,%d\n", runID(n), entry, n, 100+n/2)
		scores += fmt.Sprintf("%s/1,%g\n", runID(n), float64(n)/setRuns)
		zeek += fmt.Sprintf("17000000%02d.5\tC%d\t10.0.0.%d\t4%d\t10.0.1.1\t80\ttcp\thttp\t1.5\t%d\t5000\t20\t30\n", n, n, n+1, 1000+n, 100+n)
	}
	for n := range 100 {
		label := "BENIGN"
		if n%10 == 9 {
			label = "Web Attack - Brute Force"
		}
		flows += fmt.Sprintf("10.0.0.%d,%d,10.0.1.1,80,6,%d,%d,20,900,%d,%s\n", n+1, 40000+n, 100000+n*37%91, 20+n%9, 5000+n, label)
	}
	for _, name := range []string{"set", "card"} {
		mustWrite(t, filepath.Join(work, name, "connections.csv"), connections)
		mustWrite(t, filepath.Join(work, name, "packets.csv"), packets)
		mustWrite(t, filepath.Join(work, name, "runs.csv"), runs)
	}
	mustWrite(t, filepath.Join(work, "card/plan.yaml"), `dataset: card-2
seed: 1
entries:
  - {name: web-get, task: web/get, runs: 3}
  - {name: web-get-delay-1, task: web/get, runs: 3, set: {link.all.both.delay: 5ms}}
  - {name: sqli-dump, task: sqli/dump, runs: 3}
  - {name: sqli-dump-delay-1, task: sqli/dump, runs: 3, set: {link.all.both.delay: 5ms}}
`)
	card := `{"battery":2,"battery_sha256":"x","dataset":"d","model":{"name":"m","kind":"any","step_scores":false},"benign":["web/get"],"attacks":["sqli/dump"],` +
		`"clean":{"level":"clean","area":{"auc":0.9}},"threshold":0.5,"factors":[{"name":"delay","key":"link.all.both.delay","loss":0.1,"severities":[{"level":"5ms","loss":0.1}]}],"mean_loss":0.1,"runs":3}`
	mustWrite(t, filepath.Join(work, "cards/one/card.json"), card)
	mustWrite(t, filepath.Join(work, "cards/two/card.json"), card)
	mustWrite(t, filepath.Join(work, "scores.csv"), scores)
	mustWrite(t, filepath.Join(work, "flows.csv"), flows)
	mustWrite(t, filepath.Join(work, "conn.log"), zeek)
	mustWrite(t, filepath.Join(work, "times.csv"), "time\n1\n")
	mustWrite(t, filepath.Join(work, "line.csv"), "time,task\n0,ping/echo\n")
	mustWrite(t, filepath.Join(work, "spec.yaml"), "task: ping/echo\nbackground:\n  - {task: ping/echo, schedule: {csv: times.csv}}\n")
	mustWrite(t, filepath.Join(work, "line.yaml"), "timeline: line.csv\n")
	mustWrite(t, filepath.Join(work, "other.csv"), flows)
	mustWrite(t, filepath.Join(work, "catalogue/scenarios/x/scenario.yaml"), "title: x\n")
	for _, name := range []string{"lstm", "forest"} {
		packed, err := os.Open("../../model/builtin/" + name + ".model.gz")
		if err != nil {
			t.Fatal(err)
		}
		defer packed.Close()
		in, err := gzip.NewReader(packed)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, filepath.Join(work, name+".model"), string(text))
	}
	cmd := exec.CommandContext(t.Context(), labtest.Program(t), "mirror", "profile", "flows.csv", "-o", "profile.json")
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, change := range []error{
		os.CopyFS(filepath.Join(work, "capture"), os.DirFS(filepath.Join(run, "captures"))),
		os.CopyFS(filepath.Join(base, "outside"), os.DirFS(work)), os.Mkdir(filepath.Join(base, "tmp"), 0o755),
	} {
		if change != nil {
			t.Fatal(change)
		}
	}
}

func treeAt(base string) *tree {
	return &tree{base, filepath.Join(base, "work"), filepath.Join(base, "outside"), filepath.Join(base, "tmp")}
}

// said is what came of a command.
type said struct {
	code           int
	stdout, stderr string
}

// run runs the command in work/, and holds it to the limits: of time and memory, of what it reads and writes, and of what it
// shows.
func (f *tree) run(t *testing.T, program string, args ...string) said {
	t.Helper()
	before := f.listing(t)
	touched := watch(t, f.outside)
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append([]string{"--quiet"}, args...)...)
	cmd.Dir, cmd.Env = f.work, append(os.Environ(), "TMPDIR="+f.tmp)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	names := touched()
	s := said{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
	if ctx.Err() != nil {
		t.Errorf("it waits")
	}
	if took := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); took > mostTime {
		t.Errorf("it took %v", took)
	}
	if m := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10; m > mostMemory {
		t.Errorf("it took %d MiB", m>>20)
	}
	for _, name := range names {
		t.Errorf("it opened or changed %s, which is outside", name)
	}
	for _, change := range differences(before, f.listing(t)) {
		t.Errorf("it changed %s", change)
	}
	for _, text := range []string{s.stdout, s.stderr} {
		if shown := plain.Text(text); shown != text || strings.Contains(text, outside) {
			t.Errorf("it showed %q", text[:min(len(text), 500)])
		}
		if strings.Contains(text, "goroutine ") || strings.Contains(text, "%!") {
			t.Errorf("it showed what is of its inside: %s", text[:min(len(text), 2000)])
		}
	}
	return s
}

// out begins the names of what commands are told to write.
const out = "out"

// listing is all that is in the folder but for what a command was told to write, and what watch sees.
func (f *tree) listing(t *testing.T) map[string]string {
	t.Helper()
	list := map[string]string{}
	err := filepath.WalkDir(f.base, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == f.outside {
			return fs.SkipDir
		}
		if filepath.Dir(path) == f.work && strings.HasPrefix(d.Name(), out) {
			return removed(path, d)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		list[path] = fmt.Sprint(info.Mode(), info.ModTime().UnixNano())
		if !info.IsDir() {
			list[path] += fmt.Sprint(" ", info.Size())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// removed removes what a command was told to write.
func removed(path string, d fs.DirEntry) error {
	if err := os.RemoveAll(path); err != nil || !d.IsDir() {
		return err
	}
	return fs.SkipDir
}

// differences names what one listing has otherwise than another. That a file was made in a folder is seen by the file: folders
// in which something was that is gone have another time.
func differences(before, after map[string]string) (list []string) {
	for path, was := range before {
		if is := after[path]; is != was && filepath.Base(path) != "work" {
			list = append(list, fmt.Sprintf("%s: %s, now %s", path, was, is))
		}
	}
	for path := range after {
		if before[path] == "" {
			list = append(list, path+": it is new")
		}
	}
	slices.Sort(list)
	return list
}

// watch tells which files below a folder are opened or changed from now on.
func watch(t *testing.T, dir string) (touched func() []string) {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	folders := map[int32]string{}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		wd, err := unix.InotifyAddWatch(fd, path, unix.IN_OPEN|unix.IN_MODIFY|unix.IN_ATTRIB|unix.IN_CREATE|unix.IN_DELETE|unix.IN_MOVE)
		folders[int32(wd)] = path
		return err
	})
	if err != nil {
		unix.Close(fd)
		t.Fatal(err)
	}
	return func() (names []string) {
		defer unix.Close(fd)
		buffer := make([]byte, 64<<10)
		for {
			n, err := unix.Read(fd, buffer)
			if errors.Is(err, unix.EAGAIN) {
				slices.Sort(names)
				return slices.Compact(names)
			}
			if err != nil {
				t.Fatal(err)
			}
			for at := 0; at < n; {
				wd, mask, size := int32(binary.NativeEndian.Uint32(buffer[at:])), binary.NativeEndian.Uint32(buffer[at+4:]), int(binary.NativeEndian.Uint32(buffer[at+12:]))
				if mask&unix.IN_ISDIR == 0 || mask&unix.IN_OPEN == 0 { // others list folders
					names = append(names, filepath.Join(folders[wd], string(bytes.TrimRight(buffer[at+16:at+16+size], "\x00"))))
				}
				at += 16 + size
			}
		}
	}
}

// refused wants one line that tells what is wrong, with the words of want, as of a request that was wrong.
func (s said) refused(t *testing.T, want ...string) {
	t.Helper()
	if s.code != 2 || s.stdout != "" || strings.Count(s.stderr, "\n") != 1 || !strings.HasPrefix(s.stderr, "detgen: ") || len(s.stderr) > longestError {
		t.Errorf("exit code %d, %d bytes on stdout, %d bytes on stderr in %d lines: %s", s.code, len(s.stdout), len(s.stderr), strings.Count(s.stderr, "\n"), s.stderr[:min(len(s.stderr), 1000)])
	}
	for _, w := range want {
		if !strings.Contains(s.stderr, w) {
			t.Errorf("it says %q, which has no %q", s.stderr[:min(len(s.stderr), 1000)], w)
		}
	}
}

// longestError is more than an error says, bytes.
const longestError = 5000

// reads are the commands with the files that they read: those in folders that are named, which may come from anybody, and
// those that are named themselves.
var reads = map[string]struct {
	args         string
	below, named []string
	folders      []string // below the folders that are named
	lab          bool     // it goes on to make runs: that it does so is not for here
}{
	"verify":                {"verify run", []string{"run/run.json", "run/captures/client.pcap"}, nil, []string{"run/captures"}, true},
	"twin":                  {"twin --spec spec.yaml --vary params.count=2 -o out", nil, []string{"spec.yaml", "times.csv"}, nil, true},
	"twin by catalogue":     {"twin x/y --catalogue catalogue --vary params.count=2 -o out", []string{"catalogue/scenarios/x/scenario.yaml"}, nil, []string{"catalogue/scenarios/x"}, true},
	"sweep":                 {"sweep --spec spec.yaml --drop each-frame -o out", nil, []string{"spec.yaml", "times.csv"}, nil, true},
	"sweep of a time line":  {"sweep --spec line.yaml --drop each-frame -o out", nil, []string{"line.yaml", "line.csv"}, nil, true},
	"mirror profile":        {"mirror profile flows.csv -o out", nil, []string{"flows.csv"}, nil, false},
	"mirror profile, Zeek":  {"mirror profile conn.log -o out", nil, []string{"conn.log"}, nil, false},
	"mirror profile, pcap":  {"mirror profile capture/client.pcap -o out", nil, []string{"capture/client.pcap"}, nil, false},
	"mirror plan":           {"mirror plan profile.json -o out", nil, []string{"profile.json"}, nil, false},
	"mirror compare":        {"mirror compare flows.csv --figure out.svg -- other.csv", nil, []string{"flows.csv", "other.csv"}, nil, false},
	"probe":                 {"probe set --model scores.csv --draws 20 -o out", []string{"set/connections.csv", "set/packets.csv"}, []string{"scores.csv"}, nil, false},
	"probe sweep":           {"probe sweep set --by link.all.both.delay --model scores.csv --draws 20 -o out", []string{"set/connections.csv", "set/packets.csv", "set/runs.csv"}, []string{"scores.csv"}, nil, false},
	"probe twin":            {"probe twin twins --placebo placebo --model lstm.model -o out", []string{"twins/a/run.json", "twins/b/connections.csv", "twins/b/captures/server.pcap", "placebo/a/run.json", "placebo/b/connections.csv"}, []string{"lstm.model"}, []string{"twins/a", "twins/b/captures"}, false},
	"probe correct":         {"probe correct set --transform T1 --model lstm.model --draws 20 -o out", []string{"set/connections.csv", "set/runs/" + runID(1) + "/run.json", "set/runs/" + runID(2) + "/captures/server.pcap"}, []string{"lstm.model"}, []string{"set/runs"}, false},
	"probe card":            {"probe card card --model scores.csv --draws 20 -o out", []string{"card/plan.yaml", "card/connections.csv"}, []string{"scores.csv"}, nil, false},
	"probe compare":         {"probe compare cards/one cards/two --figure out.svg", []string{"cards/one/card.json", "cards/two/card.json"}, nil, nil, false},
	"model check":           {"model check scores.csv set", []string{"set/connections.csv"}, []string{"scores.csv"}, nil, false},
	"model check, captures": {"model check lstm.model set", []string{"set/runs/" + runID(3) + "/run.json", "set/runs/" + runID(4) + "/captures/server.pcap"}, []string{"lstm.model"}, []string{"set/runs/" + runID(5)}, false},
	"model check, flows":    {"model check forest.model set", []string{"set/runs/" + runID(3) + "/run.json"}, []string{"forest.model"}, []string{"set/runs/" + runID(6)}, false},
}

// TestCommandsTakeWhatIsNoFile puts what is no file, or is elsewhere, in the place of each file that a command reads.
func TestCommandsTakeWhatIsNoFile(t *testing.T) {
	program, f := labtest.Program(t), madeTree(t)
	for n, name := range slices.Sorted(maps.Keys(reads)) {
		c := reads[name]
		args := strings.Fields(c.args)
		if !c.lab {
			t.Run(name, func(t *testing.T) {
				if s := f.run(t, program, args...); s.code > 1 || s.code == 1 && !strings.HasPrefix(name, "model check") {
					t.Fatalf("it refuses what is right: %+v", s)
				}
			})
		}
		for i, file := range slices.Concat(c.below, c.named) {
			kinds := map[string]func(string) error{"endless": sparse(5 << 30)}
			switch (n + i) % 3 { // each takes some 50 ms of the processor
			case 0:
				kinds["pipe"] = fifo
			case 1:
				kinds["device"] = device
			case 2:
				kinds["folder"] = folder
			}
			if slices.Contains(c.below, file) {
				kinds["link"] = linkTo(filepath.Join(f.outside, file))
			}
			for kind, put := range kinds {
				t.Run(name+": "+file+" that is a "+kind, func(t *testing.T) {
					f.with(t, file, func() { replace(file, put)(t, f.work) })
					f.run(t, program, args...).refused(t, filepath.Base(file))
				})
			}
		}
		for _, folder := range c.folders { // below one that is named: it is not elsewhere either
			t.Run(name+": "+folder+" that is a link", func(t *testing.T) {
				f.with(t, folder, func() { replace(folder, linkTo(filepath.Join(f.outside, folder)))(t, f.work) })
				f.run(t, program, args...).refused(t, filepath.Base(folder))
			})
		}
	}
}

// with changes what is at a name in work/ until the test ends.
func (f *tree) with(t *testing.T, name string, change func()) {
	t.Helper()
	path := filepath.Join(f.work, name)
	kept := filepath.Join(t.TempDir(), "kept")
	err := os.Rename(path, kept)
	t.Cleanup(func() {
		if err := errors.Join(os.RemoveAll(path), os.Rename(kept, path)); err != nil {
			t.Fatal(err)
		}
	})
	if info, statErr := os.Stat(kept); statErr == nil && !info.IsDir() {
		var content []byte
		if content, statErr = os.ReadFile(kept); statErr == nil {
			err = errors.Join(err, os.WriteFile(path, content, 0o644)) // for who changes what is in it
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	change()
}

// madeTree makes the folder of good things.
func madeTree(t *testing.T) *tree {
	t.Helper()
	f := treeAt(t.TempDir())
	makeTree(t, f.base)
	return f
}

// names are names that lead elsewhere, or that are none.
var names = map[string]func(f *tree) string{
	"leads out": func(*tree) string { return "../../outside/run" },
	"absolute":  func(f *tree) string { return filepath.Join(f.outside, "run") },
	"NUL":       func(*tree) string { return "a\x00b" },
	"newline":   func(*tree) string { return "a\nb" },
	"escapes":   func(*tree) string { return "a\x1b[2J\x1b]0;t\x07\u202eb" },
	"10 MB":     func(*tree) string { return strings.Repeat("a", 10<<20) },
	"1 MB":      func(*tree) string { return strings.Repeat("a", 1<<20) },
	"no digest": func(*tree) string { return "sha256:" + strings.Repeat("g", 64) },
}

// places are where such names stand in what a command reads. What is free text may have them, and is shown harmlessly.
var places = []struct {
	command, file string
	put           func(file, name string) func(t *testing.T, dir string)
	free          bool
	want          string // in what is said of it, which names the file too
}{
	{"verify", "run/run.json", member("result.captures.0.file"), false, "result.captures[0].file"},
	{"verify", "run/run.json", member("run.hosts.0.name"), false, "run.hosts[0].name"},
	{"verify", "run/run.json", member("run.hosts.0.digest"), false, "run.hosts[0].digest"},
	{"twin", "spec.yaml", text("ping/echo"), false, "task"},
	{"twin", "spec.yaml", text("times.csv"), false, "schedule.csv"},
	{"twin by catalogue", "catalogue/scenarios/x/scenario.yaml", key("extends"), false, "extends"},
	{"sweep", "spec.yaml", key("count"), false, "count"},
	{"sweep of a time line", "line.csv", text("ping/echo"), false, "task"},
	{"mirror profile", "flows.csv", text("Web Attack - Brute Force"), true, ""},
	{"mirror profile", "flows.csv", text("Flow Duration"), true, ""},
	{"mirror profile, Zeek", "conn.log", text("http"), true, ""},
	{"mirror plan", "profile.json", member("target"), true, ""},
	{"mirror plan", "profile.json", member("services.0.service"), true, ""},
	{"mirror plan", "profile.json", member("attacks.0.label"), true, ""},
	{"mirror compare", "other.csv", text("Web Attack - Brute Force"), true, ""},
	{"probe", "set/connections.csv", text(runID(3)), false, "run"},
	{"probe", "set/connections.csv", text("sqli,1"), true, ""},
	{"probe", "scores.csv", text(runID(3) + "/1"), false, runID(3)},
	{"probe sweep", "set/connections.csv", text("5ms"), true, ""},
	{"probe sweep", "set/runs.csv", text("web-get"), true, ""},
	{"probe twin", "twins/b/run.json", member("result.captures.1.file"), false, "result.captures[1].file"},
	{"probe twin", "placebo/b/run.json", member("run.hosts.0.name"), false, "run.hosts[0].name"},
	{"probe correct", "set/connections.csv", text(runID(4)), false, "run"},
	{"probe correct", "set/runs/" + runID(1) + "/run.json", member("result.captures.0.file"), false, "result.captures[0].file"},
	{"probe card", "card/plan.yaml", text("sqli/dump"), true, "task"},
	{"probe card", "card/plan.yaml", text("card-2"), false, "dataset"},
	{"probe compare", "cards/two/card.json", member("model.name"), true, ""},
	{"probe compare", "cards/two/card.json", member("factors.0.name"), true, ""},
	{"model check", "set/connections.csv", text(runID(5)), false, "run"},
	{"model check, captures", "lstm.model", member("recipe"), false, "recipe"},
	{"model check, captures", "lstm.model", member("name"), true, ""},
	{"model check, flows", "forest.model", member("columns.0"), true, ""},
}

// member puts a name into a JSON file.
func member(path string) func(file, name string) func(t *testing.T, dir string) {
	return func(file, name string) func(t *testing.T, dir string) { return setIn(file, path, name) }
}

// text puts a name in the place of a text of a file: quoted as its kind is.
func text(old string) func(file, name string) func(t *testing.T, dir string) {
	return func(file, name string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			content, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(string(content), old, quoted(file, name), 1)
			if changed == string(content) {
				t.Fatalf("%s has no %q", file, old)
			}
			write(file, changed)(t, dir)
		}
	}
}

// key puts a name behind a key of a YAML file.
func key(name string) func(file, value string) func(t *testing.T, dir string) {
	return func(file, value string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			appendTo(t, filepath.Join(dir, file), name+": "+quoted(file, value)+"\n")
		}
	}
}

// quoted is a name as a file of such a kind has it.
func quoted(file, name string) string {
	switch filepath.Ext(file) {
	case ".yaml":
		b, err := json.Marshal(name)
		if err != nil {
			panic(err)
		}
		return string(b)
	case ".csv":
		return `"` + name + `"`
	}
	return name
}

// TestCommandsTakeNamesThatLeadElsewhere puts names into the fields of files that a command reads.
func TestCommandsTakeNamesThatLeadElsewhere(t *testing.T) {
	program, f := labtest.Program(t), madeTree(t)
	seen := map[string]bool{}
	for i, p := range places {
		args := strings.Fields(reads[p.command].args)
		first := !seen[p.command]
		seen[p.command] = true
		for k, name := range slices.Sorted(maps.Keys(names)) {
			of := names[name]
			switch isDigest := strings.HasSuffix(p.want, "digest"); {
			case isDigest != (name == "no digest") && (isDigest || name == "no digest"):
				continue
			case !isDigest && !first && ((i+k)%5 != 0 || name == "10 MB"): // a command has each name in one place at least
				continue
			case name == "10 MB" && !slices.Contains([]string{"verify", "twin", "mirror plan", "probe compare", "model check"}, p.command) || name == "1 MB" && !first:
				continue // a second of the processor each: one for each reader
			}
			t.Run(fmt.Sprintf("%s: %s: %s", p.command, p.want, name), func(t *testing.T) {
				f.with(t, p.file, func() { p.put(p.file, of(f))(t, f.work) })
				s := f.run(t, program, args...)
				if !p.free {
					want := []string{p.want}
					if strings.HasSuffix(name, " MB") { // the row, or the file, is too long
						want = nil
					}
					s.refused(t, want...)
				} else if s.code != 0 || len(s.stderr) > longestError {
					if s.code != 1 || !strings.HasPrefix(p.command, "model check") {
						s.refused(t)
					}
				}
			})
		}
	}
}
