package site

import (
	"bytes"
	"cmp"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"detgen/catalogue"
	"detgen/scenario"
	"detgen/scenario/spec"
)

func openCatalogue(t *testing.T) *scenario.Catalogue {
	t.Helper()
	c, err := scenario.Open(scenario.Source{Name: "catalogue", FS: catalogue.FS})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const small = `site: small
seed: 7
begins: "08:00"
ends: "18:00"
services:
  web: {hosts: {server: www}, set: {params.domain: example, params.size: 2kB}}
habits:
  read: {chain: [{task: web/get, service: web, times: 2, think: 5s}, {task: web/keep-alive, service: web}]}
  ask: {chain: [{task: ping/echo, think: "exp(1s, min=1s)"}]}
users:
  alice: {host: pc-1, image: workstation, rate: 60, hours: ["09:00-12:00"], by_hour: {"10": 3}, habits: {read: 1}}
  bob: {host: pc-2, rate: 10, habits: {read: 1, ask: 3}}
attacks:
  - {at: ["14:00", "15:00:30"], task: ssh-bruteforce/one-user, hosts: {attacker: outside, server: login}, set: {params.passwords: 5}}
`

func timeline(t *testing.T, text string) []*spec.Row {
	t.Helper()
	s, err := Read("site.yaml", []byte(text), openCatalogue(t))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Timeline()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func of(rows []*spec.Row, user string) (own []*spec.Row) {
	for _, r := range rows {
		if r.User == user {
			own = append(own, r)
		}
	}
	return own
}

// TestRatesHoursAndChains: counts against what the rates say, and the order of a chain.
func TestRatesHoursAndChains(t *testing.T) {
	// Think times that let hardly any chain wait for the one before.
	rows := timeline(t, strings.Replace(small, "think: 5s}, {task: web/keep-alive, service: web}", "think: 10ms}, {task: web/keep-alive, service: web, think: 10ms}", 1))
	alice := of(rows, "alice")
	byHour := map[int]int{}
	for i, r := range alice {
		if at := 8*time.Hour + r.Time; at < 9*time.Hour || at >= 12*time.Hour {
			t.Fatalf("alice works at %s", at)
		}
		byHour[int((8*time.Hour+r.Time).Hours())]++
		if want := []string{"web/get", "web/get", "web/keep-alive"}[i%3]; r.Task != want {
			t.Fatalf("activity %d of alice is %s, want %s", i, r.Task, want)
		}
	}
	// 60, 180 and 60 chains of three are expected; five standard deviations.
	for hour, want := range map[int]float64{9: 60, 10: 180, 11: 60} {
		if got := float64(byHour[hour]) / 3; math.Abs(got-want) > 5*math.Sqrt(want) {
			t.Errorf("alice starts %g chains at %d, want about %g", got, hour, want)
		}
	}
	asks, reads := 0, 0
	for _, r := range of(rows, "bob") {
		switch r.Task {
		case "ping/echo":
			asks++
		case "web/keep-alive":
			reads++
		}
	}
	// 100 chains, three of four are "ask".
	if asks < 53 || asks > 97 || reads < 8 || reads > 45 {
		t.Errorf("bob asks %d times and reads %d times", asks, reads)
	}
	first := alice[0]
	if first.Hosts["client"].Text != "pc-1" || first.Hosts["server"].Text != "www" {
		t.Errorf("hosts %+v", first.Hosts)
	}
	set := map[string]string{}
	for _, s := range first.Set {
		set[s.Key] = s.Value
	}
	if set["client.image"] != "workstation" || set["params.size"] != "2kB" || set["params.domain"] != "example" {
		t.Errorf("set %v", set)
	}
	for _, s := range alice[2].Set {
		if s.Key == "params.size" {
			t.Error("keep-alive has no size, and is given one")
		}
	}
	attacks := of(rows, "attacker")
	if len(attacks) != 2 || attacks[0].Time != 6*time.Hour || attacks[1].Time != 7*time.Hour+30*time.Second {
		t.Errorf("attacks %+v", attacks)
	}
}

// TestAUserMovesNobodyElse: the activities of one user do not depend on the others, and one at a time is done.
func TestAUserMovesNobodyElse(t *testing.T) {
	rows, without := timeline(t, small), timeline(t, strings.Replace(small, "  bob: {host: pc-2, rate: 10, habits: {read: 1, ask: 3}}\n", "", 1))
	a, b := of(rows, "alice"), of(without, "alice")
	if len(a) != len(b) || len(a) == 0 {
		t.Fatalf("%d and %d activities", len(a), len(b))
	}
	for i := range a {
		if a[i].Time != b[i].Time || a[i].Task != b[i].Task {
			t.Fatalf("activity %d moves from %s to %s", i, b[i].Time, a[i].Time)
		}
		if i > 0 && a[i].Time-a[i-1].Time < 5*time.Second {
			t.Fatalf("activity %d starts %s after the one before", i, a[i].Time-a[i-1].Time)
		}
	}
	if !slices.IsSortedFunc(rows, func(a, b *spec.Row) int { return cmp.Compare(a.Time, b.Time) }) {
		t.Error("the time line is not in the order of time")
	}
}

// TestWhatIsWrittenCanBePlayed: the CSV file has the rows, and the example resolves to a lab of twelve hosts.
func TestWhatIsWrittenCanBePlayed(t *testing.T) {
	c := openCatalogue(t)
	s, err := ReadFile("../../examples/office-day.yaml", c)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Timeline()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := Write(&text, rows); err != nil {
		t.Fatal(err)
	}
	read, err := spec.ReadTimeline("line.csv", text.String())
	if err != nil {
		t.Fatal(err)
	}
	if len(read.Rows) != len(rows) || len(rows) < 500 {
		t.Fatalf("%d rows of %d are read", len(read.Rows), len(rows))
	}
	for i, r := range read.Rows {
		if r.Time != rows[i].Time || r.Task != rows[i].Task || r.User != rows[i].User || len(r.Hosts) != len(rows[i].Hosts) || len(r.Set) != len(rows[i].Set) {
			t.Fatalf("row %d is %+v, want %+v", i, r, rows[i])
		}
	}
	path := t.TempDir() + "/line.csv"
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	asked, err := scenario.ReadSpec("spec.yaml", []byte("timeline: "+path+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	run, err := c.Resolve(asked, 1, func(string) (string, error) { return "sha256:0", nil })
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Hosts) != 13 || len(run.Activities) != len(rows) {
		t.Errorf("the lab has %d hosts and %d activities of %d", len(run.Hosts), len(run.Activities), len(rows))
	}
}

func TestMistakesInASite(t *testing.T) {
	c := openCatalogue(t)
	for _, test := range []struct{ old, new, want string }{
		{"site: small", "site: Small Site", `site.yaml:1: site: "Small Site"`},
		{`"08:00"`, `"8 am"`, `site.yaml:3: begins: "8 am": must be a time of the day`},
		{`"18:00"`, `"07:00"`, `site.yaml:4: ends: "07:00": must be after begins`},
		{"rate: 60", "rat: 60", `no such field: did you mean "rate"?`},
		{"rate: 60", "rate: 0", "site.yaml:11: users.alice.rate"},
		{"09:00-12:00", "09:00", `users.alice.hours: "09:00": must be from and to`},
		{`"10": 3`, `"25": 3`, "must be an hour of the day"},
		{"habits: {read: 1}}", "habits: {raed: 1}}", `did you mean "read"?`},
		{"task: web/get,", "task: web/gte,", `habits.read.chain[0].task: "web/gte": no such task: did you mean "get"?`},
		{"service: web, times", "service: wbe, times", `habits.read.chain[0].service: "wbe": no such service`},
		{"times: 2", "times: often", "habits.read.chain[0].times"},
		{"think: 5s", "think: exp(5)", "habits.read.chain[0].think"},
		{"{server: www}", "{servr: www}", `did you mean "server"?`},
		{`"14:00"`, `"07:00"`, `attacks[0].at: "07:00": must be within`},
		{"attacker: outside", "atacker: outside", `did you mean "attacker"?`},
		{"params.passwords: 5", `params.passwords: "5;6"`, "without ;"},
	} {
		text := strings.Replace(small, test.old, test.new, 1)
		if text == small {
			t.Fatalf("%q is not there", test.old)
		}
		if _, err := Read("site.yaml", []byte(text), c); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %s", test.new, err, test.want)
		}
	}
}
