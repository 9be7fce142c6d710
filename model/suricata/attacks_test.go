package suricata

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detgen/catalogue"
	"detgen/internal/markdown"
	"detgen/record"
	"detgen/scenario"
	"detgen/truth"
)

var (
	full  = flag.Bool("full", false, "read a capture of each attack scenario and of its benign twin")
	write = flag.Bool("write", false, "with -full: write docs/attacks.md of what was found")
	there = flag.Bool("there", false, "with -runs: read only the runs that are there; the page names the scenarios that are missing")
	runs  = flag.String("runs", "", "with -full: folder of runs SCENARIO+TASK; those that are missing are made there")
)

// TestAttacks reads a capture of each attack scenario, and of its benign twin, and checks what the rules are worth: each
// alerts on the attacks that it is for, about connections of the attacker, and is silent about their twins.
func TestAttacks(t *testing.T) {
	if !*full {
		t.Skip("with -full; TestHeartbleed reads one pair")
	}
	l := newLab(t)
	rules, err := Rules()
	if err != nil {
		t.Fatal(err)
	}
	scenarios, err := scenario.Open(scenario.Source{Name: "catalogue", FS: catalogue.FS})
	if err != nil {
		t.Fatal(err)
	}
	var pairs []*attackPair
	var missing []string
	for _, name := range scenarios.Names() {
		s, err := scenarios.Scenario(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range l.pairs(t, s.About(), rules) {
			if *there && !(exists(p.attack.task) && exists(p.twin.task)) {
				missing = append(missing, "`"+p.attack.task+"`")
				continue
			}
			pairs = append(pairs, p)
		}
	}
	t.Run("read", func(t *testing.T) {
		for _, p := range pairs {
			for _, r := range []*reading{&p.attack, &p.twin} {
				t.Run(r.task, func(t *testing.T) {
					t.Parallel()
					*r = l.reading(t, r.task)
				})
			}
		}
	})
	if t.Failed() {
		return
	}
	for _, r := range rules {
		for _, name := range r.For {
			i := slices.IndexFunc(pairs, func(p *attackPair) bool { return p.scenario == name || p.attack.task == name })
			if i < 0 {
				t.Logf("rule %d is for %s, which this catalogue does not have", r.ID, name)
				continue
			}
			if pairs[i].attack.alerts[r.ID].attack == 0 {
				t.Errorf("rule %d (%s) does not alert on the attacker of %s", r.ID, r.Message, pairs[i].attack.task)
			}
			if n := pairs[i].twin.alerts[r.ID]; n != (count{}) && falseAlarms[r.ID] != pairs[i].twin.task {
				t.Errorf("rule %d (%s) alerts on %s, the benign twin: %+v", r.ID, r.Message, pairs[i].twin.task, n)
			}
		}
	}
	if *write {
		if err := os.WriteFile("../../docs/attacks.md", []byte(document(rules, pairs, missing)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// falseAlarms are those of a rule about a benign twin that are known: a server says 530 also to who has not logged in yet.
var falseAlarms = map[int]string{9000013: "ftp-bruteforce/mistyped"}

// attackPair is a task of an attack scenario and its benign twin.
type attackPair struct {
	scenario     string
	attack, twin reading
}

// reading is what was found in a capture.
type reading struct {
	task, host     string
	frames         int
	attack, benign int // connections by their labels
	alerts         map[int]count
}

// count is alerts of a rule and the connections that they are about.
type count struct{ alerts, attack, benign, none int }

// exists says whether there is a run of a task in the folder of runs.
func exists(task string) bool {
	_, err := os.Stat(filepath.Join(*runs, strings.ReplaceAll(task, "/", "+"), "run.json"))
	return *runs != "" && err == nil
}

// pairs lists a scenario's attacks and their twins, not yet read: the task that stands for the scenario in the catalogue's tests, or the
// first attack, and then those that rules name.
func (l *lab) pairs(t *testing.T, about *scenario.About, rules []Rule) []*attackPair {
	t.Helper()
	plan, err := catalogue.ReadPlan(catalogue.FS, about.Scenario)
	if err != nil {
		t.Fatal(err)
	}
	var task *scenario.AboutTask
	for i := range about.Tasks {
		if a := &about.Tasks[i]; a.Class == "attack" && (task == nil || a.Name == plan.Exact) {
			task = a
		}
	}
	if task == nil {
		return nil
	}
	tasks := []*scenario.AboutTask{task}
	for i := range about.Tasks {
		named := func(r Rule) bool { return slices.Contains(r.For, about.Scenario+"/"+about.Tasks[i].Name) }
		if &about.Tasks[i] != task && slices.ContainsFunc(rules, named) {
			tasks = append(tasks, &about.Tasks[i])
		}
	}
	var list []*attackPair
	for _, a := range tasks {
		list = append(list, &attackPair{about.Scenario, reading{task: about.Scenario + "/" + a.Name}, reading{task: a.Twin}})
	}
	return list
}

// reading makes a run of a task, or takes it from the folder of runs, and reads the capture with most frames.
func (l *lab) reading(t *testing.T, task string) reading {
	t.Helper()
	dir := filepath.Join(*runs, strings.ReplaceAll(task, "/", "+"))
	if _, err := os.Stat(dir); *runs == "" || err != nil {
		made := l.run(t, task, small(t, task)...)
		if *runs == "" {
			dir = made
		} else if err := os.Rename(made, dir); err != nil {
			t.Fatal(err)
		}
	}
	tr := read(t, dir)
	if got := tr.Record.Run.Activities[0]; got.Scenario+"/"+got.Task != task || tr.Record.Result.Status != record.Complete {
		t.Fatalf("%s is a run of %s/%s (%s)", dir, got.Scenario, got.Task, tr.Record.Result.Status)
	}
	c := slices.MaxFunc(tr.Captures, func(a, b *truth.Capture) int { return len(a.Frames) - len(b.Frames) })
	r := reading{task: task, host: c.Host, frames: len(c.Frames), alerts: map[int]count{}}
	for i := range tr.Connections {
		switch class(tr, i+1) {
		case "attack":
			r.attack++
		case "benign":
			r.benign++
		}
	}
	// No host sees all of an attack that several take part in: of each rule, the capture counts in which it alerts most.
	for i := range tr.Captures {
		for rule, n := range l.counts(t, dir, tr, tr.Captures[i].File) {
			if old := r.alerts[rule]; n.attack > old.attack || n.attack == old.attack && n.alerts > old.alerts {
				r.alerts[rule] = n
			}
		}
	}
	t.Logf("%s: %s's capture, %d frames: %+v", task, r.host, r.frames, r.alerts)
	return r
}

// counts gives what each rule alerts on in a capture.
func (l *lab) counts(t *testing.T, dir string, tr *truth.Truth, file string) map[int]count {
	t.Helper()
	type about struct{ rule, connection int }
	counts, seen := map[int]count{}, map[about]bool{}
	for _, f := range l.findings(t, dir, tr, file) {
		n := counts[f.Rule]
		n.alerts++
		if !seen[about{f.Rule, f.Connection}] {
			seen[about{f.Rule, f.Connection}] = true
			switch {
			case f.Connection == 0:
				n.none++
			case class(tr, f.Connection) == "attack":
				n.attack++
			default:
				n.benign++
			}
		}
		counts[f.Rule] = n
	}
	return counts
}

// usual are scenarios whose runs are not made small: with fewer guesses than a person's mistakes there is no attack.
var usual = []string{"ftp-bruteforce", "web-bruteforce"}

// small gives the settings that make runs of a task small in the catalogue's tests.
func small(t *testing.T, task string) []string {
	t.Helper()
	name, task, _ := strings.Cut(task, "/")
	plan, err := catalogue.ReadPlan(catalogue.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	scenarios, err := scenario.Open(scenario.Source{Name: "catalogue", FS: catalogue.FS})
	if err != nil {
		t.Fatal(err)
	}
	s, err := scenarios.Scenario(name)
	if err != nil {
		t.Fatal(err)
	}
	about, err := s.AboutTask(task)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(usual, name) {
		return nil
	}
	if name == "rapid-reset" {
		return []string{"params.protocol=http"} // what is inside TLS no rule sees
	}
	var settings []string
	for _, key := range slices.Sorted(maps.Keys(plan.Set)) {
		if slices.Contains(about.Tasks[0].Parameters, strings.TrimPrefix(key, "params.")) {
			settings = append(settings, key+"="+plan.Set[key])
		}
	}
	return settings
}

// document is docs/attacks.md.
func document(rules []Rule, pairs []*attackPair, missing []string) string {
	var b strings.Builder
	b.WriteString(`# What a detector sees of the attacks

Suricata 7 (Debian's, image ` + "`suricata`" + `) with the project's own rules (` + "`model/suricata/rules`" + `) over one capture of
each attack scenario and of its benign twin: runs with seed 1 on the live engine, small ones where that
leaves the attack what it is; the capture with most frames.
An alert belongs to the connection of its frame; attack and benign are the labels of connections in connections.csv.
Alerts are Suricata's, not ours: a detector that nobody here wrote finds in the captures what their labels say, and
where it finds nothing a better one has something to win. Numbers of alerts vary a little from run to run.

` + "`go test ./model/suricata -run TestAttacks -args -full -write`" + ` makes this page again.

Suricata 7 reads no ARP, and no rule knows a stepping stone or bytes within TLS and SSH: what those attacks do is
between connections, below IP, or encrypted.
`)
	message := map[int]string{}
	for _, r := range rules {
		message[r.ID] = r.Message
	}
	if len(missing) > 0 {
		b.WriteString("\n" + markdown.Paragraph("Not read for this page: "+strings.Join(missing, ", ")+"."))
	}
	b.WriteString("\n## Captures\n\n")
	for _, p := range pairs {
		for _, r := range []reading{p.attack, p.twin} {
			what := "attack"
			if r.task == p.twin.task {
				what = "benign twin"
			}
			b.WriteString(markdown.Item("", fmt.Sprintf("`%s` (%s): capture of %s, %d frames; connections: %d attack, %d benign",
				r.task, what, r.host, r.frames, r.attack, r.benign)))
			for _, id := range slices.Sorted(maps.Keys(r.alerts)) {
				n := r.alerts[id]
				b.WriteString(markdown.Item("  ", fmt.Sprintf("%s (%d): %d alerts on connections: %d attack, %d benign, %d without a label",
					message[id], id, n.alerts, n.attack, n.benign, n.none)))
			}
			if len(r.alerts) == 0 {
				b.WriteString(markdown.Item("  ", "no alert"))
			}
		}
	}
	b.WriteString("\n## Rules\n\n")
	for _, r := range rules {
		var hits, misses []string
		for _, p := range pairs {
			if p.attack.alerts[r.ID].alerts > 0 {
				hits = append(hits, p.attack.task)
			}
			if p.twin.alerts[r.ID].alerts > 0 {
				misses = append(misses, p.twin.task)
			}
		}
		said := "alerts on no attack (it is for " + strings.Join(r.For, ", ") + ")"
		if len(hits) > 0 {
			said = "alerts on " + strings.Join(hits, ", ")
		}
		if len(misses) > 0 {
			said += "; of the benign twins on " + strings.Join(misses, ", ")
		}
		b.WriteString(markdown.Item("", fmt.Sprintf("%d, %s; %s. %s", r.ID, r.Message, said, r.Reason)))
	}
	return b.String()
}
