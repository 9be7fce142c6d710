package live_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"detgen/record"
)

// talker is a service that prints each line that is written to a FIFO.
func talker(run *record.Run) {
	run.Hosts[0].Services = []record.Service{{
		Name: "talker", Command: []string{"sh", "-c", "mkfifo /tmp/in; echo up; while :; do while read -r l; do echo \"got $l\"; done </tmp/in; done"},
		Ready: record.Ready{Log: "^up$"}, Timeout: record.Duration(5 * time.Second),
	}}
}

// A script sees what a service of its host has printed, and waits for lines of it.
func TestScriptsReadLogs(t *testing.T) {
	needsLab(t)
	run := twoHosts(`phase echo
echo one >$HOST_ROOT/tmp/in
outcome first="$(log talker 'got (one|two)')"
(echo two; echo three) >$HOST_ROOT/tmp/in
outcome three="$(log talker '^got' 3 | tr '\n' ,)"
outcome all="$(log talker | tr '\n' ,)"
outcome nobody="$(log nobody 2>&1 || true)"
outcome count="$(log talker x 0 2>&1 || true)"
printf 'no end of line'
outcome own="$(log main)"
outcome replies=3
`)
	talker(run)
	result, dir, err := execute(t, run)
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "logs/client/main.log"))
		t.Fatalf("%v\n%s", err, log)
	}
	outcome := result.Activities[0].Outcome
	for key, want := range map[string]string{
		"first": "got one", "three": "got one,got two,got three,", "all": "got one,got two,got three,", "own": "no end of line",
	} {
		if outcome[key] != want {
			t.Errorf("%s is %q, want %q", key, outcome[key], want)
		}
	}
	for key, want := range map[string]string{"nobody": `host "client" has not started "nobody"`, "count": `log: count "0": want a number of lines, from 1`} {
		if !strings.Contains(outcome[key], want) {
			t.Errorf("%s is %q, want %q", key, outcome[key], want)
		}
	}
}

// A log has everything that was printed before a script asks for it, or before a program's end.
func TestLogsAreWhole(t *testing.T) {
	needsLab(t)
	run := twoHosts("phase echo\nseq 1 100000\noutcome own=\"$(log main | tail -n 1)\"\nseq 100001 200000\noutcome replies=3\n")
	result, dir, err := execute(t, run)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Activities[0].Outcome["own"]; got != "100000" {
		t.Errorf("the script sees %q at the end of its log", got)
	}
	content, err := os.ReadFile(filepath.Join(dir, "logs/client/main.log"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(string(content), "\n"); len(lines) != 200001 || lines[199999] != "200000" {
		t.Errorf("the log has %d lines", len(lines)-1)
	}
}

// Root of a host has no way to the run directory: neither by its own output, nor by what the init has open.
func TestHostsCannotReachTheRunDirectory(t *testing.T) {
	needsLab(t)
	run := twoHosts(`phase echo
outcome logs="$(ls /.detgen)"
for f in /proc/self/fd/1 /proc/self/fd/2 /proc/1/fd/1 /proc/1/fd/2 /proc/1/fd/3; do
	cp /bin/true $f 2>/dev/null || true
	chmod 4755 $f 2>/dev/null || true
done
outcome init="$(readlink /proc/1/fd/3 || echo refused)"
outcome replies=3
`)
	result, dir, err := execute(t, run)
	if err != nil {
		t.Fatal(err)
	}
	outcome := result.Activities[0].Outcome
	if got := strings.Join(strings.Fields(outcome["logs"]), " "); got != "bin detgen host run views" {
		t.Errorf("the lab's folder of the host has %q", got)
	}
	if outcome["init"] != "refused" {
		t.Errorf("the init's connection is reached: %q", outcome["init"])
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode() != 0o644 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
