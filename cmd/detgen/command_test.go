package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"detgen/engine/engines"
	"detgen/internal/oracle"
	"detgen/record"
)

// The test binary is the command itself when asCommand is set, and whatever a lab makes of it.
func TestMain(m *testing.M) {
	if engines.Role(os.Args) != nil || os.Getenv(asCommand) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

const asCommand = "DETGEN_TEST_AS_COMMAND"

// detgen gives the command with arguments, in a directory of its own.
func detgen(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	cmd.Dir = t.TempDir()
	return cmd
}

// outcome runs a command and gives its exit code and outputs.
func outcome(t *testing.T, cmd *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errors.String()
}

func needsLab(t testing.TB) {
	if testing.Short() {
		t.Skip("makes a lab")
	}
	if os.Getuid() != 0 {
		t.Fatal("labs need root")
	}
}

func TestBadRequestsStartNothing(t *testing.T) {
	existing := t.TempDir()
	if err := os.WriteFile(filepath.Join(existing, "mine"), []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	spec := filepath.Join(t.TempDir(), "spec.yaml")
	if err := os.WriteFile(spec, []byte("task: ping/echo\nset:\n  params.count: many\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"unknown command":   {[]string{"rnu"}, []string{`no command "rnu"`, "did you mean run?"}},
		"two tasks":         {[]string{"run", "ping/echo", "ping/name"}, []string{"at most 1"}},
		"unknown driver":    {[]string{"run", "ping/echo", "--link-driver", "hard"}, []string{`"hard"`, `"soft"`}},
		"nothing to run":    {[]string{"run"}, []string{"SCENARIO/TASK"}},
		"unknown scenario":  {[]string{"run", "pong/echo"}, []string{"pong", "ping"}},
		"unknown task":      {[]string{"run", "ping/ecko"}, []string{"ecko", "echo"}},
		"unknown key":       {[]string{"run", "ping/echo", "-s", "params.cuont=1"}, []string{"params.cuont", `did you mean "count"`}},
		"unknown host":      {[]string{"run", "ping/echo", "-s", "link.clint.up.delay=1ms"}, []string{"clint", "client"}},
		"unknown unit":      {[]string{"run", "ping/echo", "-s", "link.client.up.delay=5parsec"}, []string{"5parsec"}},
		"unknown law":       {[]string{"run", "ping/echo", "-s", "params.count=~zipf(3)"}, []string{"zipf"}},
		"out of range":      {[]string{"run", "ping/echo", "-s", "link.client.up.loss=101%"}, []string{"101%"}},
		"not a setting":     {[]string{"run", "ping/echo", "-s", "params.count"}, []string{"KEY=VALUE"}},
		"unknown engine":    {[]string{"run", "ping/echo", "--engine", "slow"}, []string{"slow", "live"}},
		"unknown flag":      {[]string{"run", "ping/echo", "--loss", "1%"}, []string{"--loss"}},
		"unknown control":   {[]string{"run", "web/get", "--engine", "exact", "-s", "transport.congestion=tcpfast"}, []string{`transport.congestion "tcpfast"`, "bbr, bic, "}},
		"control on live":   {[]string{"run", "web/get", "-s", "transport.congestion=tcpfast"}, []string{`transport.congestion "tcpfast": this kernel has `, "cubic"}},
		"memory workers":    {[]string{"run", "web/get", "-s", "load.memory=12"}, []string{`load.memory`, `"12"`, `host "client" has 488 MiB of memory and a worker takes 32: at most 11`}},
		"directory is used": {[]string{"run", "ping/echo", "-o", existing}, []string{existing, "not empty"}},
		"spec has a line":   {[]string{"run", "--spec", spec}, []string{spec + ":3", "many"}},
		"no such spec":      {[]string{"run", "--spec", "/nowhere.yaml"}, []string{"/nowhere.yaml"}},
		"twin of nothing":   {[]string{"twin", "ping/echo"}, []string{"--vary"}},
		"sweep of nothing":  {[]string{"sweep", "web/get"}, []string{"each-data-segment"}},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := detgen(t, c.args...)
			code, _, stderr := outcome(t, cmd)
			if code != exitRequest {
				t.Errorf("exit code %d, want %d", code, exitRequest)
			}
			for _, want := range c.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("it says %q, which has no %q", stderr, want)
				}
			}
			if strings.Count(stderr, "\n") != 1 {
				t.Errorf("it says more than a line: %q", stderr)
			}
			if left, _ := os.ReadDir(cmd.Dir); len(left) > 0 {
				t.Errorf("it left %v", left)
			}
		})
	}
	if content, _ := os.ReadFile(filepath.Join(existing, "mine")); string(content) != "precious" {
		t.Error("a user's file was touched")
	}
}

func TestNotRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to become somebody else")
	}
	if testing.Short() {
		t.Skip("needs root")
	}
	// The command must be where another user can reach it.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/var/tmp", "detgen-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, "detgen")
	for _, c := range [][]string{{"cp", self, copied}, {"chmod", "755", dir, copied}} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	cmd := exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copied, "run", "ping/echo", "-o", "/tmp/never-made")
	cmd.Env = append(os.Environ(), asCommand+"=1")
	code, _, stderr := outcome(t, cmd)
	if code != exitRequest || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "root") {
		t.Errorf("exit code %d, said %q; want one line that names root", code, stderr)
	}
}

// Same seed twice: the same drawn values, addresses, file bytes and link decisions.
func TestSeedRepeatsEverythingButTime(t *testing.T) {
	needsLab(t)
	var runs []*record.Record
	for range 2 {
		cmd := detgen(t, "run", "web/get", "--seed", "11", "--link-driver", "soft", "-s", "params.size=50kB",
			"-s", "link.all.both.delay=2ms", "-s", "link.all.both.loss=2%", "-o", "out")
		if code, stdout, stderr := outcome(t, cmd); code != exitDone {
			t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
		}
		r, err := record.Read(filepath.Join(cmd.Dir, "out"))
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, r)
	}
	a, b := runs[0], runs[1]
	for i, v := range a.Run.Values {
		if v != b.Run.Values[i] {
			t.Errorf("value %v in one run, %v in the other", v, b.Run.Values[i])
		}
	}
	for i, h := range a.Run.Hosts {
		other := b.Run.Hosts[i]
		if h.Interfaces[0].Address != other.Interfaces[0].Address || h.Interfaces[0].MAC != other.Interfaces[0].MAC {
			t.Errorf("host %s has another address", h.Name)
		}
	}
	for key, value := range a.Result.Activities[0].Outcome {
		if other := b.Result.Activities[0].Outcome[key]; other != value {
			t.Errorf("outcome %s is %q and %q", key, value, other)
		}
	}
}

func TestInterruptLeavesNothing(t *testing.T) {
	needsLab(t)
	cmd := detgen(t, "run", "ping/echo", "-s", "params.count=1000", "-s", "params.interval=100ms", "-o", "out")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The run is going on when its unfinished directory has a capture with frames.
	deadline := time.Now().Add(30 * time.Second)
	for {
		captures, _ := filepath.Glob(filepath.Join(cmd.Dir, ".out.partial-*/logs/client/main.log"))
		if len(captures) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the run did not start: %s", stderr.String())
		}
		time.Sleep(2 * time.Millisecond)
	}
	cmd.Process.Signal(os.Interrupt)
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Errorf("ended with %v, want exit code %d: %s", err, exitInterrupted, stderr.String())
	}
	if left, _ := os.ReadDir(cmd.Dir); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
	if groups, _ := filepath.Glob(fmt.Sprintf("/sys/fs/cgroup/*/detgen-%d-*", cmd.Process.Pid)); len(groups) > 0 {
		t.Errorf("control groups are left: %v", groups)
	}
}

func TestTwinNamesTheFactor(t *testing.T) {
	needsLab(t)
	cmd := detgen(t, "twin", "web/get", "--seed", "5", "-s", "params.size=30kB", "--vary", "link.server.up.drop=data:3", "--link-driver", "soft", "-o", "out")
	code, stdout, stderr := outcome(t, cmd)
	if code != exitDone {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	for _, want := range []string{"link.server.up.drop", "data:3", "first part at client", "data 2897+1448"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("it does not say %q:\n%s", want, stdout)
		}
	}
	for _, file := range []string{"out/a/run.json", "out/b/run.json", "out/twin.json", "out/pairs.csv"} {
		if _, err := os.Stat(filepath.Join(cmd.Dir, file)); err != nil {
			t.Error(err)
		}
	}
}

// In each run of a sweep the named segment is the one that is missing and comes again.
func TestSweepLosesEachSegment(t *testing.T) {
	needsLab(t)
	cmd := detgen(t, "sweep", "web/get", "--seed", "5", "--drop", "each-data-segment", "-s", "params.size=29kB", "-o", "out")
	code, stdout, stderr := outcome(t, cmd)
	if code != exitDone {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	f, err := os.Open(filepath.Join(cmd.Dir, "out/sweep.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 21 {
		t.Fatalf("%d positions, want at least 20", len(rows)-1)
	}
	const data = "tcp.len > 0 && tcp.srcport == 80"
	all := values(t, filepath.Join(cmd.Dir, "out/baseline/captures/server.pcap"), data, "tcp.seq")
	if len(rows)-1 != len(all) {
		t.Errorf("%d positions for %d data segments", len(rows)-1, len(all))
	}
	for i, row := range rows[1:] {
		// The segment that is the row's number among the data segments, by tshark's sequence numbers.
		seq := all[min(i, len(all)-1)]
		captures := filepath.Join(cmd.Dir, "out", row[1], "captures")
		again := values(t, filepath.Join(captures, "server.pcap"), "(tcp.analysis.retransmission || tcp.analysis.out_of_order) && "+data, "tcp.seq")
		if len(again) == 0 || again[0] != seq {
			t.Errorf("position %s: the segment at %s was lost, but %v were sent again", row[0], seq, again)
		}
		// Only what was sent again was received.
		received := values(t, filepath.Join(captures, "client.pcap"), data+" && tcp.seq == "+seq, "tcp.seq")
		if len(received) == 0 || len(received) != len(slices.DeleteFunc(again, func(s string) bool { return s != seq })) {
			t.Errorf("position %s: the segment at %s was received %d times, sent again %d times", row[0], seq, len(received), len(again))
		}
	}
}

// values gives a field of the frames that a display filter of tshark takes.
func values(t *testing.T, capture, filter, field string) (list []string) {
	t.Helper()
	for _, row := range oracle.Tshark(t, capture, filter, field) {
		list = append(list, row[0])
	}
	return list
}

// TestBatchGoesOn: a batch of runs that was killed goes on with the same command: what is there is not made again, what
// the kill left is gone; another batch is refused in that folder; shards share a batch.
func TestBatchGoesOn(t *testing.T) {
	needsLab(t)
	out := filepath.Join(t.TempDir(), "batch")
	args := []string{"run", "ping/echo", "-n", "4", "--seed", "5", "-s", "params.count=1", "--jobs", "1", "-o", out}
	if code, _, stderr := outcome(t, detgen(t, append(args, "--shard", "0/2")...)); code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	first, err := os.ReadFile(filepath.Join(out, "ping-echo-5", "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(out, "ping-echo-6")); err == nil {
		t.Error("shard 0/2 made the second run")
	}
	// what a killed run leaves
	if err := os.Mkdir(filepath.Join(out, ".ping-echo-6.partial-1"), 0o755); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := outcome(t, detgen(t, args...))
	if code != exitDone || strings.Count(stdout, "was there") != 2 || strings.Count(stdout, "complete") != 4 {
		t.Errorf("exit code %d, output %s%s", code, stdout, stderr)
	}
	again, err := os.ReadFile(filepath.Join(out, "ping-echo-5", "run.json"))
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the first run was made again (%v)", err)
	}
	entries, err := os.ReadDir(out)
	if err != nil || len(entries) != 4 {
		t.Errorf("the folder holds %v (%v)", entries, err)
	}
	args[6], args[7] = "-s", "params.count=2"
	if code, _, stderr := outcome(t, detgen(t, args...)); code != exitRequest || !strings.Contains(stderr, "holds another run than the one that was asked for") {
		t.Errorf("another batch: exit code %d: %s", code, stderr)
	}
}

// TestFullDisk: what cannot be printed is an error.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for _, args := range [][]string{{"list"}, {"list", "ping"}, {"image", "list"}, {"doctor"}} {
		cmd := detgen(t, args...)
		var stderr strings.Builder
		cmd.Stdout, cmd.Stderr = full, &stderr
		err := cmd.Run()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitFailed || !strings.Contains(stderr.String(), "no space left on device") {
			t.Errorf("%v: %v, %s", args, err, stderr.String())
		}
	}
}
