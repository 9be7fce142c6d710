package main

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"detgen/dataset"
	"detgen/dataset/flowset"
	"detgen/internal/labtest"
	"detgen/internal/oracle"
	"detgen/record"
)

// planned writes a plan.
func planned(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// datasetContents gives the files of a dataset's folder that say what was made, and the ids of its runs.
func datasetContents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range []string{dataset.RunsTable, dataset.ConnectionsTable, dataset.PacketsTable, dataset.FileName, dataset.CardFile} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(text)
	}
	return all
}

// TestDatasetKilled builds a dataset on the exact engine four times: without a break, killed at random moments, in two
// shards, and again where it is complete. All have the same bytes. The last run has frames enough that tables and merged
// captures take a while to write.
func TestDatasetKilled(t *testing.T) {
	needsLab(t)
	path := labtest.Program(t)
	plan := planned(t, `
dataset: echoes
seed: 3
engine: exact
entries:
  - {task: ping/echo, vary: {design: full, factors: {params.count: [1, 2, 1000]}}, set: {params.interval: 10ms}}
splits: {shares: {train: 0.5, test: 0.5}}
`)
	command := func(dir string, more ...string) *exec.Cmd {
		return exec.CommandContext(t.Context(), path, append([]string{"dataset", "build", plan, "-o", dir, "--jobs", "1", "--columns", "cicids2017"}, more...)...)
	}
	build := func(dir string, more ...string) {
		t.Helper()
		timed(t, command(dir, more...), nil)
	}
	whole := filepath.Join(t.TempDir(), "whole")
	build(whole)
	want := datasetContents(t, whole)
	if n := strings.Count(want[dataset.RunsTable], "\n"); n != 4 {
		t.Fatalf("runs.csv has %d lines", n)
	}

	begin := time.Now()
	tables := timed(t, command(whole), eventIn(t, whole, `^runs\.csv`))
	start := time.Since(begin) - tables
	killed := filepath.Join(t.TempDir(), "killed")
	if !t.Run("build", func(t *testing.T) {
		killedBuild(t, command, killed, start, runTime(t, whole), tables, everyFile(t, whole))
	}) {
		return
	}
	t.Run("export", func(t *testing.T) {
		killedCommand(t, 4, func(to string) *exec.Cmd {
			return exec.CommandContext(t.Context(), path, "dataset", "export", whole, "-o", to)
		}, "all.pcapng", `^\.?all\.pcapng`)
	})
	shards := filepath.Join(t.TempDir(), "shards")
	build(shards, "--shard", "1/2")
	build(shards, "--shard", "0/2")
	build(shards)
	parts := []string{filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")}
	build(parts[0], "--shard", "0/2")
	t.Setenv("JOB_COMPLETION_INDEX", "1")
	build(parts[1], "--shard", "env/2")
	merged := filepath.Join(t.TempDir(), "merged")
	merging := func(to string, folders ...string) *exec.Cmd {
		return exec.CommandContext(t.Context(), path, append([]string{"dataset", "merge", "-o", to, "--columns", "cicids2017"}, folders...)...)
	}
	t.Run("merge", func(t *testing.T) {
		killedCommand(t, 4, func(to string) *exec.Cmd { return merging(to, parts...) }, "merged", "")
	})
	merge := func(folders ...string) (int, string) {
		code, stdout, stderr := outcome(t, merging(merged, folders...))
		return code, stdout + stderr
	}
	if code, said := merge(parts[0], parts[1], whole); code != exitRequest || !strings.Contains(said, "shards of one build hold different runs") {
		t.Errorf("overlapping folders: exit code %d: %s", code, said)
	}
	if code, said := merge(parts[0]); code != exitFailed || !strings.Contains(said, "1 of 3 runs are not made yet") {
		t.Errorf("a part is missing: exit code %d: %s", code, said)
	}
	if code, said := merge(parts...); code != exitDone || !strings.Contains(said, "1 runs made, 2 were there, 0 failed") {
		t.Errorf("merge: exit code %d: %s", code, said)
	}
	for name, dir := range map[string]string{"killed": killed, "in shards": shards, "built twice": whole, "merged": merged} {
		for file, text := range datasetContents(t, dir) {
			if withoutRunJSON(text) != withoutRunJSON(want[file]) {
				t.Errorf("%s: %s is not that of a build without a break", name, file)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(dir, dataset.RunsFolder, ".*")); len(left) > 0 {
			t.Errorf("%s: %v is left", name, left)
		}
	}
	code, stdout, stderr := outcome(t, exec.CommandContext(t.Context(), path, "dataset", "verify", killed, "--sample", "1"))
	if code != exitDone || !strings.Contains(stdout, "1 runs made again gave the same bytes") {
		t.Errorf("verify: exit code %d: %s%s", code, stdout, stderr)
	}
	remade(t, path, whole, want)
	captures, _ := filepath.Glob(filepath.Join(killed, dataset.RunsFolder, "*", "captures", "client.pcap"))
	text, err := os.ReadFile(captures[0])
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)-1] ^= 1
	if err := os.WriteFile(captures[0], text, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := outcome(t, exec.CommandContext(t.Context(), path, "dataset", "verify", killed)); code != exitFailed || !strings.Contains(stderr, "is not as it was recorded") {
		t.Errorf("a changed capture: exit code %d: %s", code, stderr)
	}
}

// remade writes the recipe of a dataset and makes it again: with the same bytes; and says what keeps it from being made,
// or what came out otherwise, when the recipe is of another one.
func remade(t *testing.T, path, dir string, want map[string]string) {
	t.Helper()
	folder := t.TempDir()
	file, again := filepath.Join(folder, "recipe.json"), filepath.Join(folder, "again")
	if code, stdout, stderr := outcome(t, exec.CommandContext(t.Context(), path, "dataset", "recipe", dir, "-o", file)); code != exitDone || !strings.Contains(stdout, "3 runs") {
		t.Fatalf("recipe: exit code %d: %s%s", code, stdout, stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 64<<10 { // with the files of some 120 packages
		t.Errorf("the recipe has %d bytes", len(text))
	}
	make := func() (int, string) {
		code, stdout, stderr := outcome(t, exec.CommandContext(t.Context(), path, "dataset", "make", file, "-o", again, "--columns", "cicids2017"))
		return code, stdout + stderr
	}
	change := func(pattern, to string) {
		t.Helper()
		at := regexp.MustCompile(pattern).FindIndex(text)
		if at == nil {
			t.Fatalf("the recipe has no %s", pattern)
		}
		if err := os.WriteFile(file, slices.Concat(text[:at[0]], []byte(to), text[at[1]:]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	change(`"adduser": "[^"]*"`, `"adduser": "1"`)
	if code, said := make(); code != exitRequest || !regexp.MustCompile("image ping-client: adduser [^ ]+, the recipe has 1").MatchString(said) {
		t.Errorf("another package: exit code %d: %s", code, said)
	}
	change(`\\"qemu\\":\\"[^"]*\\"`, `\"qemu\":\"1\"`)
	if code, said := make(); code != exitRequest || !regexp.MustCompile("on another engine than this one.*: qemu 1, here [0-9]").MatchString(said) {
		t.Errorf("another engine: exit code %d: %s", code, said)
	}
	if runsIn(again) > 0 {
		t.Error("runs were made of a recipe that cannot be followed")
	}
	change(`"captures": \[\s*"[0-9a-f]{64}"`, `"captures": ["`+strings.Repeat("0", 64)+`"`)
	if code, said := make(); code != exitFailed || strings.Count(said, "same    ") != 2 || !strings.Contains(said, "1 of 3 runs came out with other bytes") {
		t.Errorf("another digest: exit code %d: %s", code, said)
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, said := make(); code != exitDone || !strings.Contains(said, "3 runs have the bytes of the recipe, 0 differ") {
		t.Errorf("make: exit code %d: %s", code, said)
	}
	for name, text := range datasetContents(t, again) {
		if withoutRunJSON(text) != withoutRunJSON(want[name]) {
			t.Errorf("made again, %s differs", name)
		}
	}
}

// digestPattern is one digest in a cell of its own, which is run_json_sha256: there are two captures.
var digestPattern = regexp.MustCompile(`,[0-9a-f]{64},`)

// withoutRunJSON leaves out the digests of run.json and of what has them: run.json has the wall time, which differs.
func withoutRunJSON(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, `"sha256": `) {
			continue
		}
		lines = append(lines, digestPattern.ReplaceAllString(line, ",,"))
	}
	return strings.Join(lines, "")
}

// runTime is how long the runs of a dataset took, on the average, by the clock.
func runTime(t *testing.T, dir string) time.Duration {
	t.Helper()
	runs, _ := filepath.Glob(filepath.Join(dir, dataset.RunsFolder, "*"))
	var sum time.Duration
	for _, run := range runs {
		r, err := record.Read(run)
		if err != nil {
			t.Fatal(err)
		}
		sum += time.Duration(r.Result.WallTime)
	}
	return sum / time.Duration(len(runs))
}

const failingScenario = `scenario: fails
title: A task that fails when it is told to
class: benign
parameters:
  value: {type: int, default: 1, min: 1, max: 9, description: what is observed}
hosts:
  client: {description: observes, image: ping-client}
tasks:
  observe:
    title: Observe a number
    scripts: {client: tasks/observe.sh}
    expect: {seen: "1"}
`

// TestDatasetFailures: runs that fail are kept apart and counted, are in no table, and are made again when asked; too
// many of them fail the build.
func TestDatasetFailures(t *testing.T) {
	needsLab(t)
	catalogue := t.TempDir()
	folder := filepath.Join(catalogue, "scenarios/fails")
	if err := os.MkdirAll(filepath.Join(folder, "tasks"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"scenario.yaml": failingScenario, "tasks/observe.sh": "outcome seen=\"$VALUE\"\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	plan := func(share string) string {
		return planned(t, "dataset: d\nseed: 1\nfail_above: "+share+"\nentries:\n  - {task: fails/observe, vary: {design: full, factors: {params.value: [1, 2]}}}\n  - {task: ping/echo, set: {params.count: 1}}\n")
	}
	dir := filepath.Join(t.TempDir(), "d")
	allowed := plan("0.5")
	code, stdout, stderr := outcome(t, detgen(t, "dataset", "build", allowed, "-o", dir, "--catalogue", catalogue))
	if code != exitDone || !strings.Contains(stdout, "2 runs made, 0 were there, 1 failed") {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	if runs, _ := filepath.Glob(filepath.Join(dir, dataset.Failed, "*", "run.json")); len(runs) != 1 {
		t.Errorf("%d failed runs are kept apart", len(runs))
	}
	if code, stdout, stderr := outcome(t, detgen(t, "dataset", "build", allowed, "-o", dir, "--catalogue", catalogue)); code != exitDone || !strings.Contains(stdout, "0 runs made, 2 were there, 1 failed") {
		t.Errorf("again: exit code %d: %s%s", code, stdout, stderr)
	}
	var o dataset.Description
	text, err := os.ReadFile(filepath.Join(dir, dataset.FileName))
	if err := json.Unmarshal(text, &o); err != nil || o.Runs.Runs != 2 || o.Runs.Failed != 1 || o.Entries["fails-observe"].Failed != 1 {
		t.Errorf("%v, %+v", err, o.Runs)
	}
	if err != nil {
		t.Error(err)
	}
	if code, stdout, _ := outcome(t, detgen(t, "dataset", "build", allowed, "-o", dir, "--catalogue", catalogue, "--retry-failed")); code != exitDone || !strings.Contains(stdout, "0 runs made, 2 were there, 1 failed") {
		t.Errorf("retried: exit code %d: %s", code, stdout)
	}
	none := filepath.Join(t.TempDir(), "none")
	if code, _, stderr := outcome(t, detgen(t, "dataset", "build", plan("0.2"), "-o", none, "--catalogue", catalogue)); code != exitFailed || !strings.Contains(stderr, "more than the plan's fail_above allows") {
		t.Errorf("too many failures: exit code %d: %s", code, stderr)
	}
	if code, _, stderr := outcome(t, detgen(t, "dataset", "build", plan("0.3"), "-o", dir, "--catalogue", catalogue)); code != exitRequest || !strings.Contains(stderr, "holds a dataset of another plan") {
		t.Errorf("another plan: exit code %d: %s", code, stderr)
	}
}

// TestDatasetFilter: a run with a connection out of bounds is in runs.csv, with the reason, and in no other table. Captures are
// dropped when the tables are made; the same command finds those that were made of them.
func TestDatasetFilter(t *testing.T) {
	needsLab(t)
	plan := planned(t, `
dataset: d
seed: 1
captures: drop
entries:
  - {name: many, task: ping/echo, set: {params.count: 3, params.interval: 10ms}, filter: {packets: {min: 5}}}
  - {name: few, task: ping/echo, set: {params.count: 2, params.interval: 10ms}, filter: {packets: {min: 5}}}
`)
	dir := filepath.Join(t.TempDir(), "d")
	build := func(sets string) (int, string) {
		code, _, stderr := outcome(t, detgen(t, "dataset", "build", plan, "-o", dir, "--columns", sets))
		return code, stderr
	}
	if code, stderr := build("cicids2017,cns2022,zeek,unsw"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	made := everyFile(t, dir)
	if code, stderr := build("cicids2017,cns2022,zeek,unsw"); code != exitDone || !maps.Equal(made, everyFile(t, dir)) {
		t.Errorf("again: exit code %d: %s", code, stderr)
	}
	if code, stderr := build("cicids2017,ml"); code != exitFailed || !strings.Contains(stderr, "the first build must have all --columns") {
		t.Errorf("another table: exit code %d: %s", code, stderr)
	}
	all := datasetContents(t, dir)
	otherColumns(t, dir, all[dataset.FileName])
	if runs := all[dataset.RunsTable]; !strings.Contains(runs, "connection 1 has 4 packets, fewer than 5") || strings.Count(runs, "\n") != 3 {
		t.Errorf("runs.csv:\n%s", runs)
	}
	for _, name := range []string{dataset.ConnectionsTable, dataset.PacketsTable} {
		if !strings.Contains(all[name], ",many,") || strings.Contains(all[name], ",few,") {
			t.Errorf("%s has not the run that is kept, or has the one that is left out", name)
		}
	}
}

// otherColumns finds the one connection that is kept, of three echoes, in the columns of others.
func otherColumns(t *testing.T, dir, description string) {
	t.Helper()
	for name, want := range map[string]struct {
		columns int
		label   string
	}{"cicids2017.csv": {85, "BENIGN"}, "cns2022.csv": {91, "BENIGN"}, "conn.log": {27, "BENIGN"}, "unsw.csv": {41, ""}} {
		set, err := flowset.Read(t.Context(), filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(text), "\n")
		n := strings.Count(head, ",") + 1
		if name == "conn.log" {
			n = strings.Count(regexp.MustCompile("(?m)^#fields.*$").FindString(string(text)), "\t")
		}
		if n != want.columns || set.Len() != 1 || want.label != "" && set.Label[0] != want.label || !strings.Contains(description, `"`+name+`": {`) {
			t.Errorf("%s: %d columns, %d rows, label %q", name, n, set.Len(), set.Label)
		}
	}
}

// TestDatasetWanted makes as many runs as it takes for the connections and packets that entries want, makes none when
// the same command is given again, and keeps captures compressed, which everything reads.
func TestDatasetWanted(t *testing.T) {
	needsLab(t)
	plan := planned(t, `
dataset: d
seed: 1
captures: zstd
entries:
  - {name: packets, task: ping/echo, set: {params.count: 3, params.interval: 10ms}, packets: 14}
  - {name: connections, task: ping/echo, connections: 2, filter: {packets: {min: 4}},
     vary: {design: full, factors: {params.count: [1, 2]}}, set: {params.interval: 10ms}}
splits: {shares: {train: 0.5, test: 0.5}}
`)
	dir := filepath.Join(t.TempDir(), "d")
	for _, want := range []string{"7 runs made, 0 were there, 0 failed", "0 runs made, 7"} {
		code, stdout, stderr := outcome(t, detgen(t, "dataset", "build", plan, "-o", dir))
		if code != exitDone || !strings.Contains(stdout, want) {
			t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
		}
	}
	all := datasetContents(t, dir)
	var o dataset.Description
	if err := json.Unmarshal([]byte(all[dataset.FileName]), &o); err != nil {
		t.Fatal(err)
	}
	// 6 packets a run; of two points one is left out by the filter.
	if p, c := o.Entries["packets"], o.Entries["connections"]; p.Runs != 3 || p.Connections != 3 || c.Runs != 4 || c.LeftOut != 2 || c.Connections != 2 || o.Repetitions["packets"] != 3 || o.Repetitions["connections"] != 2 {
		t.Errorf("%+v, repetitions %v", o.Entries, o.Repetitions)
	}
	if card := all[dataset.CardFile]; !strings.Contains(card, "- connections: 2 connections at least\n- connections: runs with packets a connection of at least 4\n- packets: 14 packets at least\n") {
		t.Errorf("the card:\n%s", card)
	}
	if code, _, stderr := outcome(t, detgen(t, "dataset", "build", plan, "-o", filepath.Join(t.TempDir(), "d"), "--shard", "0/2")); code != exitRequest || !strings.Contains(stderr, "build it in one process, or state runs") {
		t.Errorf("a shard: exit code %d: %s", code, stderr)
	}
	compressed(t, dir)
}

// compressed looks at a dataset whose captures are compressed.
func compressed(t *testing.T, dir string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, dataset.RunsFolder, "*", "captures", "*"))
	plain, _ := filepath.Glob(filepath.Join(dir, dataset.RunsFolder, "*", "captures", "*.pcap"))
	if len(files) != 14 || len(plain) > 0 {
		t.Fatalf("%d captures, %d not compressed", len(files), len(plain))
	}
	run := filepath.Dir(filepath.Dir(files[0]))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"dataset", "verify", dir}, "files of 7 runs are as they were recorded"},
		{[]string{"flows", run}, filepath.Base(files[0])},
		{[]string{"packets", run}, ",ping,echo,"},
		{[]string{"show", run, "--packets"}, "client"},
	} {
		code, stdout, stderr := outcome(t, detgen(t, c.args...))
		if code != exitDone || !strings.Contains(stdout, c.want) {
			t.Errorf("%v: exit code %d: %.300s%s", c.args, code, stdout, stderr)
		}
	}
	exported(t, dir)
	example := exec.CommandContext(t.Context(), "/usr/bin/python3", "../../examples/load_dataset.py", dir)
	if code, stdout, stderr := outcome(t, example); code != exitDone || !strings.Contains(stdout, "7 runs, 5 connections, ") || !strings.Contains(stdout, "train  benign") {
		t.Errorf("the example: exit code %d: %s%s", code, stdout, stderr)
	}
	if code, _, stderr := outcome(t, detgen(t, "dataset", "build", filepath.Join(dir, dataset.PlanFile), "-o", dir, "--format", "parquet")); code != exitDone {
		t.Fatalf("as Parquet: exit code %d: %s", code, stderr)
	}
	if code, stdout, stderr := outcome(t, duckDB(t, dir)); code != exitDone || !strings.Contains(stdout, "train  benign  ") || !strings.Contains(stdout, "ping/echo  ") {
		t.Errorf("the example with DuckDB: exit code %d: %s%s", code, stdout, stderr)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string][]byte{"cut": text[:len(text)-5], "of another run": slices.Concat(text, text)} {
		if err := os.WriteFile(files[0], bad, 0o644); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := outcome(t, detgen(t, "dataset", "verify", dir)); code != exitFailed || !strings.Contains(stderr, files[0]) {
			t.Errorf("%s: exit code %d: %s", what, code, stderr)
		}
	}
}

// duckDB gives the example that reads the dataset with DuckDB, with what it needs from npm, by digest, beside it.
func duckDB(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("../../examples/duckdb")); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund")
	install.Dir = folder
	if code, stdout, stderr := outcome(t, install); code != exitDone {
		t.Fatalf("npm ci: exit code %d: %s%s", code, stdout, stderr)
	}
	return exec.CommandContext(t.Context(), "node", filepath.Join(folder, "load_dataset.js"), dir)
}

// exported merges the captures of runs, and looks at the files as tshark does: frames once and by time, runs one after
// the other, labels in comments.
func exported(t *testing.T, dir string) {
	t.Helper()
	folder := t.TempDir()
	export := func(args ...string) (int, string) {
		code, stdout, stderr := outcome(t, detgen(t, append([]string{"dataset", "export", dir}, args...)...))
		return code, stdout + stderr
	}
	tshark := func(file string, fields ...string) [][]string { return oracle.Tshark(t, file, "", fields...) }
	all := filepath.Join(folder, "all.pcapng")
	if code, said := export("-o", all, "--entry", "packets", "--gap", "5s"); code != exitDone || !strings.Contains(said, " frames over ") || !strings.HasSuffix(said, " of 3 runs\n") {
		t.Fatalf("exit code %d: %s", code, said)
	}
	echoes, gaps, last := 0, 0, 0.0
	runs, samples := map[string]bool{}, map[string]bool{}
	for i, row := range tshark(all, "frame.time_epoch", "frame.comment", "icmp.type", "frame.interface_name") {
		at, err := strconv.ParseFloat(row[0], 64)
		if err != nil || i > 0 && at < last {
			t.Errorf("frame %d: time %s: %v", i+1, row[0], err)
		}
		if i > 0 && at-last > 4.99 {
			gaps++
		}
		last = at
		if row[2] == "" {
			continue
		}
		echoes++
		m := regexp.MustCompile("^([0-9]+),benign,.*,direction=sent,.*,run=([0-9a-f]{32}),entry=packets,split=(train|test)$").FindStringSubmatch(row[1])
		if m == nil || row[3] != "client:eth0" && row[3] != "target:eth0" {
			t.Fatalf("frame %d: %q", i+1, row)
		}
		runs[m[2]], samples[m[1]] = true, true
	}
	if echoes != 18 || gaps != 2 || len(runs) != 3 || len(samples) != 3 {
		t.Errorf("%d echoes, %d gaps, %d runs, %d samples", echoes, gaps, len(runs), len(samples))
	}
	one := filepath.Join(folder, "one.pcap")
	if code, said := export("-o", one, "--run", slices.Sorted(maps.Keys(runs))[0], "--host", "target"); code != exitDone || len(tshark(one, "frame.number")) < 6 {
		t.Errorf("a run: exit code %d: %s", code, said)
	}
	table := filepath.Join(folder, "conn.log")
	if code, said := export("-o", table, "--columns", "zeek", "--label", "benign"); code != exitDone || !strings.Contains(said, "5 rows of 5 runs") {
		t.Errorf("a table: exit code %d: %s", code, said)
	}
	for want, args := range map[string][]string{
		"must end with .pcapng or .pcap":        {"-o", filepath.Join(folder, "x.txt")},
		"--entry x: the dataset has none":       {"-o", all, "--entry", "x"},
		"--run x: the dataset has no such run":  {"-o", all, "--run", "x"},
		"say where to write":                    {},
		`--columns: columns "x": there are cic`: {"-o", table, "--columns", "x"},
		"no run is of all that is chosen":       {"-o", all, "--entry", "packets", "--run", leftOutRun(t, dir)},
	} {
		if code, said := export(args...); code != exitRequest || !strings.Contains(said, want) {
			t.Errorf("%v: exit code %d: %s", args, code, said)
		}
	}
}

// leftOutRun gives the id of a run that a filter leaves out.
func leftOutRun(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, dataset.RunsTable))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if id, rest, _ := strings.Cut(line, ","); strings.Contains(rest, "fewer than") {
			return id
		}
	}
	t.Fatal("no run is left out")
	return ""
}
