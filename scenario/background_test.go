package scenario_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"detgen/record"
	"detgen/scenario"
)

// withBackground resolves sound/get with a background, written as in a spec file.
func withBackground(t *testing.T, background string) (*record.Run, error) {
	t.Helper()
	spec, err := scenario.ReadSpec("my.yaml", []byte("task: sound/get\nset: {link.all.both.delay: 5ms}\nbackground:\n"+background))
	if err != nil {
		return nil, err
	}
	return folder(t).Resolve(spec, 1, images)
}

func mustBackground(t *testing.T, background string) *record.Run {
	t.Helper()
	run, err := withBackground(t, background)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func hostNames(run *record.Run) string {
	var names []string
	for _, h := range run.Hosts {
		names = append(names, h.Name)
	}
	return strings.Join(names, " ")
}

func valueOf(run *record.Run, name string) string {
	i := slices.IndexFunc(run.Values, func(v record.Value) bool { return v.Name == name })
	if i < 0 {
		return ""
	}
	return run.Values[i].Value
}

func TestBackgroundOfTheSameScenarioPlaysOnTheSameHosts(t *testing.T) {
	run := mustBackground(t, "  - task: sound/put\n")
	if got := hostNames(run); got != "server client router" {
		t.Errorf("hosts %s", got)
	}
	if len(run.Activities) != 2 || run.Activities[1].Name != "background-1" || run.Activities[1].Task != "put" {
		t.Fatalf("activities %+v", run.Activities)
	}
	main, background := run.Activities[0].Scripts[0], run.Activities[1].Scripts[0]
	for _, name := range []string{"SERVER_ADDRESS", "SERVER_NAME", "USER", "SIZE"} {
		if main.Environment[name] == "" || main.Environment[name] != background.Environment[name] {
			t.Errorf("%s is %q in the main activity and %q beside it", name, main.Environment[name], background.Environment[name])
		}
	}
	if files := run.Hosts[0].Files; len(files) != 2 {
		t.Errorf("%d files on the server, want 2", len(files))
	}
}

func TestBackgroundMustNotChangeTheMainActivitysHosts(t *testing.T) {
	_, err := withBackground(t, "  - task: sound/put\n    set: {params.size: 1MB}\n")
	wantError(t, err, "hosts.server.files[0]", "not the same", "hosts: {server: own}")
	_, err = withBackground(t, "  - task: sound/put\n    set: {link.server.up.delay: 1ms}\n")
	wantError(t, err, "my.yaml:5: link.server.up.delay", "set this there")
	_, err = withBackground(t, "  - task: sound/put\n    set: {addresses: fixed}\n")
	wantError(t, err, "my.yaml:5: addresses", "whole run")
}

func TestBackgroundOnHostsOfItsOwn(t *testing.T) {
	run := mustBackground(t, `  - name: other
    task: sound/put
    set: {params.size: 1MB, link.server.up.loss: 1%}
    hosts: {server: own}
`)
	if got := hostNames(run); got != "server client router other-server" {
		t.Fatalf("hosts %s", got)
	}
	own, script := run.Hosts[3], run.Activities[1].Scripts[0]
	if script.Environment["SERVER_NAME"] != "other-server" || script.Environment["SERVER_ADDRESS"] != own.Interfaces[0].Address.Addr().String() {
		t.Errorf("the script does not know its server: %v", script.Environment)
	}
	if own.Interfaces[0].Network != "lan" {
		t.Errorf("network %s, want the main activity's", own.Interfaces[0].Network)
	}
	if up := own.Interfaces[0].Up; up.Delay != record.Duration(5*time.Millisecond) || up.Loss != 0.01 {
		t.Errorf("link %+v, want what the main activity sets for all, and the loss", up)
	}
	if got := valueOf(run, "other.params.size"); got != "1MB" {
		t.Errorf("other.params.size is %q", got)
	}
	if !strings.Contains(own.Files[0].Text, "size 1000000") {
		t.Errorf("file %q", own.Files[0].Text)
	}
}

func TestBackgroundOfAnotherScenario(t *testing.T) {
	c := open(t)
	spec, err := scenario.ReadSpec("my.yaml", []byte("task: ping/echo\nbackground: [{task: ping/name, hosts: {client: client, target: own}}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	run, err := c.Resolve(spec, 1, anyImage)
	if err != nil {
		t.Fatal(err)
	}
	if got := hostNames(run); got != "client target background-1-target background-1-resolver background-1-authority" {
		t.Errorf("hosts %s", got)
	}
	if !slices.ContainsFunc(run.Hosts[0].Files, func(f record.File) bool { return f.Path == "/etc/resolv.conf" }) {
		t.Errorf("the shared client lacks what the background needs: %v", run.Hosts[0].Files)
	}
}

func TestBackgroundMovesNoValueOfTheMainActivity(t *testing.T) {
	with, without := mustBackground(t, "  - {task: sound/put, hosts: {server: own, client: own, router: own}}\n"), mustBackground(t, "  []\n")
	for _, v := range without.Values {
		if got := valueOf(with, v.Name); got != v.Value {
			t.Errorf("%s is %s beside a background, %s without", v.Name, got, v.Value)
		}
	}
	for i, h := range without.Hosts {
		if got := with.Hosts[i].Interfaces[0]; got.MAC != h.Interfaces[0].MAC || got.Address != h.Interfaces[0].Address {
			t.Errorf("host %s has %s %s beside a background, %s %s without", h.Name, got.MAC, got.Address, h.Interfaces[0].MAC, h.Interfaces[0].Address)
		}
	}
}

func TestALinkChangesAfterEachStart(t *testing.T) {
	run := mustBackground(t, "  - task: sound/get\n    hosts: {client: own, server: own, router: own}\n    schedule: {at: [20s, 7s, 20s]}\n"+
		"    set: {link.client.down.rate: 1mbit, 'link.client.down.schedule': '5s: rate=100kbit; 15s: rate=50kbit'}\n")
	for _, h := range run.Hosts {
		if h.Name != "background-1-client" {
			continue
		}
		var got []string
		for _, c := range h.Interfaces[0].Down.Schedule {
			got = append(got, fmt.Sprintf("%v %d", c.At, c.Link.Rate/1000))
		}
		// The last change of the first time would come at 22 s, when the next has begun.
		if want := "12s 100, 20s 1000, 20s 1000, 25s 100, 35s 50"; strings.Join(got, ", ") != want {
			t.Errorf("the client's link changes %v, want %s", got, want)
		}
		return
	}
	t.Error("no such host")
}

func TestSchedules(t *testing.T) {
	file := filepath.Join(t.TempDir(), "times.csv")
	if err := os.WriteFile(file, []byte("time,task\n0.5,\n2s,sound/put\n1500ms,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		schedule string
		want     string
	}{
		{"{at: [3s, 1s]}", "background-1-1@1s background-1-2@3s"},
		{"{at: [1s]}", "background-1@1s"},
		{"{csv: " + file + "}", "background-1-sound-get-1@500ms background-1-sound-get-2@1.5s background-1-sound-put@2s"},
	} {
		run := mustBackground(t, "  - {task: sound/get, schedule: "+c.schedule+"}\n")
		var got []string
		for _, a := range run.Activities[1:] {
			got = append(got, a.Name+"@"+a.Start.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.schedule, got, c.want)
		}
	}
}

func TestPoissonSchedule(t *testing.T) {
	run := mustBackground(t, "  - {task: sound/get, schedule: {poisson: {mean: 10ms, until: 10s}}}\n")
	n := len(run.Activities) - 1
	if n < 850 || n > 1150 { // 1000 expected, 5 standard deviations
		t.Errorf("%d activities in 10 s, want about 1000", n)
	}
	last := record.Duration(0)
	for _, a := range run.Activities[1:] {
		if a.Start < last || a.Start > record.Duration(10*time.Second) {
			t.Fatalf("start %s after %s", a.Start, last)
		}
		last = a.Start
	}
}

func TestMistakesInABackground(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.csv")
	if err := os.WriteFile(bad, []byte("time\n1s\nlater\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for background, want := range map[string][]string{
		"  - {task: sound/gte}\n":                                                        {"my.yaml:4: background[0].task", `did you mean "get"?`},
		"  - {task: sound/get, name: main}\n":                                            {"background[0].name", `"main"`, "another activity"},
		"  - {task: sound/get, name: Two Words}\n":                                       {"background[0].name", "small letters"},
		"  - {task: sound/get, hosts: {servr: own}}\n":                                   {"background[0].hosts.servr", `did you mean "server"?`},
		"  - {task: sound/get, hosts: {server: clint}}\n":                                {"background[0].hosts.server", `did you mean "client"?`},
		"  - {task: sound/get, hosts: {server: client}}\n":                               {"image", "own"},
		"  - {task: sound/get, schedule: {}}\n":                                          {"exactly one of at, poisson and csv"},
		"  - {task: sound/get, schedule: {at: [soon]}}\n":                                {"schedule.at", `"soon"`, "a time like"},
		"  - {task: sound/get, schedule: {poisson: {mean: 1us, until: 1h}}}\n":           {"at most 5000"},
		"  - {task: sound/get, schedule: {csv: missing.csv}}\n":                          {"schedule.csv", "missing.csv"},
		"  - {task: sound/get, schedule: {csv: " + bad + "}}\n":                          {"bad.csv:3: time", `"later"`},
		"  - {task: sound/get, set: {failure: refused}, hosts: {server: own}}\n  - {}\n": {"background[1].task", "SCENARIO/TASK"},
	} {
		_, err := withBackground(t, background)
		wantError(t, err, want...)
	}
}

// A host that several activities share can have an image that the user answers for.
func TestHostImageIsTheUsers(t *testing.T) {
	spec, err := scenario.ReadSpec("my.yaml", []byte("task: ping/echo\nset: {client.image: workstation}\nbackground: [{task: web/get, hosts: {client: client}}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	run, err := open(t).Resolve(spec, 1, anyImage)
	if err != nil {
		t.Fatal(err)
	}
	if run.Hosts[0].Image != "workstation" {
		t.Errorf("the client's image is %q", run.Hosts[0].Image)
	}
}

// Each time of a task has values of its own, unless its hosts depend on them; a process may have no time at all.
func TestTimesDrawTheirOwnValues(t *testing.T) {
	spec, err := scenario.ReadSpec("my.yaml", []byte("task: ping/echo\nbackground: [{name: b, task: syncthing/add-text, schedule: {at: [0s, 1s, 1s]}}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	run, err := open(t).Resolve(spec, 1, anyImage)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, a := range run.Activities[1:] {
		env := a.Scripts[0].Environment
		if len(a.Values) != 1 || a.Values[0].Name != "params.name" || a.Values[0].Value != env["NAME"] {
			t.Errorf("%s: values %v, NAME %q", a.Name, a.Values, env["NAME"])
		}
		if seen[env["NAME"]] {
			t.Errorf("%s has the name %q of another time", a.Name, env["NAME"])
		}
		seen[env["NAME"]] = true
		if env["FOLDER"] != valueOf(run, "b.params.folder") {
			t.Errorf("%s: folder %q, but that of its hosts is %q", a.Name, env["FOLDER"], valueOf(run, "b.params.folder"))
		}
	}
	if valueOf(run, "b.params.name") != "" {
		t.Error("the run lists a name that no time has")
	}
	run = mustBackground(t, "  - {task: sound/get, schedule: {poisson: {mean: 10s, until: 1us}}}\n")
	if len(run.Activities) != 1 {
		t.Errorf("%d activities", len(run.Activities))
	}
}
