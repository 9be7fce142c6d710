package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"detgen/internal/labtest"
	"detgen/twin"
)

// built gives the command as make builds it, which the exact engine can put into its guest: the test
// binary may be linked dynamically.
func built(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	needsLab(t)
	cmd := exec.CommandContext(t.Context(), labtest.Program(t), args...)
	cmd.Dir = t.TempDir()
	return cmd
}

// makeTwin makes twin runs and gives their folder and report.
func makeTwin(t *testing.T, args ...string) (string, *twin.Report) {
	t.Helper()
	cmd := built(t, append([]string{"twin", "-o", "out"}, args...)...)
	if code, stdout, stderr := outcome(t, cmd); code != exitDone {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	dir := filepath.Join(cmd.Dir, "out")
	content, err := os.ReadFile(filepath.Join(dir, "twin.json"))
	if err != nil {
		t.Fatal(err)
	}
	report := &twin.Report{}
	if err := json.Unmarshal(content, report); err != nil {
		t.Fatal(err)
	}
	return dir, report
}

// Twins of the exact engine, with and without loss, are the same in bytes and times up to the frame
// that is lost, and at the other hosts up to the time when it was.
func TestExactTwinsAreEqualUpToTheFirstLostFrame(t *testing.T) {
	dir, report := makeTwin(t, "web/get", "--engine", "exact", "--seed", "3", "-s", "params.size=300kB", "--vary", "link.all.both.loss=1%")
	var number int
	var host, time string
	for _, row := range labtest.Rows(t, filepath.Join(dir, "b", "packets.csv")) {
		if row["direction"] == "sent" && row["fate"] == "lost" && (time == "" || row["time"] < time) {
			time, host = row["time"], strings.TrimSuffix(filepath.Base(row["capture"]), ".pcap")
			number, _ = strconv.Atoi(row["number"])
		}
	}
	if number < 10 {
		t.Fatalf("the first lost frame is number %d", number)
	}
	lostAt := labtest.Frames(t, filepath.Join(dir, "b", "captures", host+".pcap"))[number-1].Time
	for _, name := range []string{"client", "server"} {
		a, b := labtest.Frames(t, filepath.Join(dir, "a/captures", name+".pcap")), labtest.Frames(t, filepath.Join(dir, "b/captures", name+".pcap"))
		same := 0
		for same < min(len(a), len(b)) && a[same].Time == b[same].Time && bytes.Equal(a[same].Data, b[same].Data) {
			same++
		}
		before := 0
		for before < len(b) && b[before].Time <= lostAt {
			before++
		}
		t.Logf("%s: %d and %d frames, the first %d are the same; %d came until the first loss, of frame %d of %s", name, len(a), len(b), same, before, number, host)
		if same < before || name == host && same < number {
			t.Errorf("%s: only the first %d frames are the same; %d came until the first loss", name, same, before)
		}
		if same == len(a) {
			t.Errorf("%s: the twins are the same", name)
		}
	}
	if c := report.Cause; !report.Exact || c == nil || c.Run != "b" || c.Host != host || int(c.Number) != number || !strings.HasSuffix(c.Did, " lost") {
		t.Errorf("the report says exact %v, cause %+v; frame %d of %s is the first that was lost", report.Exact, c, number, host)
	}
	for file, start := range map[string]string{"twin.svg": "<svg", "twin.png": "\x89PNG", "pairs.csv": "host,interface,what,number_a,"} {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil || !strings.Contains(string(content[:min(200, len(content))]), start) {
			t.Errorf("%s starts with %q, %v", file, content[:min(60, len(content))], err)
		}
	}
}
