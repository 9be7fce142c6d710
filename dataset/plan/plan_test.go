package plan

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"detgen/catalogue"
	"detgen/scenario"
)

const head = "dataset: x\nseed: 1\n"

func read(t *testing.T, text string) *Plan {
	t.Helper()
	p, err := Read("plan.yaml", []byte(head+text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestMistakes: each has file, line, field, value and what would be right.
func TestMistakes(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no entries", "entries: []\n", "plan.yaml:1: entries: there are none"},
		{"field", "entres: []\n", `did you mean "entries"?`},
		{"no task", "entries:\n  - {runs: 3}\n", "plan.yaml:4: entries[0].task: is missing"},
		{"runs", "entries:\n  - {task: a/b, runs: -1}\n", `entries[0].runs: "-1": must be from 1 to 10000000`},
		{"same name", "entries:\n  - {task: a/b}\n  - {task: a/b}\n", "is the name of the entry on line 4 too"},
		{"captures", "captures: gzip\nentries: [{task: a/b}]\n", `captures: "gzip": must be keep, zstd or drop`},
		{"fail_above", "fail_above: 5\nentries: [{task: a/b}]\n", "must be from 0 to 1"},
		{"wants and runs", "entries:\n  - {task: a/b, runs: 3, connections: 5}\n", `entries[0].runs: "3": a number of connections or packets is wanted too`},
		{"wants two things", "entries:\n  - {task: a/b, packets: 3, connections: 5}\n", `entries[0].packets: "3": connections are wanted too`},
		{"wants less than nothing", "entries:\n  - {task: a/b, packets: -3}\n", `entries[0].packets: "-3": must be from 1 to 1000000000`},
		{"weights", "entries:\n  - {task: a/b, failures: {none: -1}}\n", `entries[0].failures.none: "-1": must be a number of at least 0`},
		{"weights NaN", "entries:\n  - {task: a/b, failures: {none: .nan}}\n", "must be a number of at least 0"},
		{"weights and a value", "entries:\n  - {task: a/b, set: {failure: x}, failures: {none: 1}}\n", "is set, and drawn by its weights too"},
		{"design", "entries:\n  - {task: a/b, vary: {design: random, factors: {x: [1]}}}\n", `must be full, fraction, latin-hypercube, pairwise or one-at-a-time`},
		{"set twice", "entries:\n  - {task: a/b, set: {x: 1}, vary: {design: full, factors: {x: [1]}}}\n", "is in set too"},
		{"twice", "entries:\n  - {task: a/b, vary: {design: full, factors: {x: [1, 1]}}}\n", "is listed twice"},
		{"points", "entries:\n  - {task: a/b, vary: {design: latin-hypercube, factors: {x: [1]}}}\n", `points: "0": must be from 1`},
		{"fraction", "entries:\n  - {task: a/b, vary: {design: fraction, fraction: 3, factors: {x: [1, 2], y: [1, 2], z: [1, 2]}}}\n", "must be 2, 4, 8"},
		{"small fraction", "entries:\n  - {task: a/b, vary: {design: fraction, fraction: 4, factors: {x: [1, 2], y: [1, 2], z: [1, 2]}}}\n", "main effects can be told apart"},
		{"shares", "entries: [{task: a/b}]\nsplits: {shares: {train: 0.5, test: 0.4}}\n", "the shares must come to 1"},
		{"splits", "entries: [{task: a/b}]\nsplits: {stratify: entry}\n", "needs either shares"},
		{"filter", "entries:\n  - {task: a/b, filter: {packets: {min: 5, max: 3}}}\n", "min is above max"},
		{"too many", "entries:\n  - {task: a/b, runs: 9999999}\n  - {task: a/c, runs: 9}\n", "more than 10000000 runs"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Read("plan.yaml", []byte(head+test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v\nwant %q in it", err, test.want)
			}
		})
	}
}

// TestCombinations: the numbers of points, and what each design promises.
func TestDesigns(t *testing.T) {
	full := combinations([]int{2, 3, 2})
	if len(full) != 12 || fmt.Sprint(full[0], full[1], full[11]) != "[0 0 0] [0 0 1] [1 2 1]" {
		t.Errorf("full: %v", full)
	}
	if rows := oneAtATime([]int{2, 3}); fmt.Sprint(rows) != "[[0 0] [1 0] [0 1] [0 2]]" {
		t.Errorf("one at a time: %v", rows)
	}
	for _, counts := range [][]int{{2, 2, 2}, {4, 3, 3, 2}, {5}, {3, 3, 3, 3, 3, 3, 3}} {
		rows := pairwise(counts)
		for a := range counts {
			for b := a + 1; b < len(counts); b++ {
				met := map[[2]int]bool{}
				for _, r := range rows {
					met[[2]int{r[a], r[b]}] = true
				}
				if len(met) != counts[a]*counts[b] {
					t.Errorf("pairwise %v: factors %d and %d meet in %d of %d ways", counts, a, b, len(met), counts[a]*counts[b])
				}
			}
		}
		if len(counts) > 6 && len(rows) > 25 { // 3^7 has 2187 combinations; a covering array needs 12 to 15
			t.Errorf("pairwise %v: %d rows", counts, len(rows))
		}
	}
	rows := hypercube([]int{4, 5}, 20, 1, "x")
	for k, n := range []int{4, 5} {
		seen := make([]int, n)
		for _, r := range rows {
			seen[r[k]]++
		}
		for level, count := range seen {
			if count != 20/n {
				t.Errorf("hypercube: level %d of factor %d is there %d times", level, k, count)
			}
		}
	}
	if slices.EqualFunc(rows, hypercube([]int{4, 5}, 20, 2, "x"), slices.Equal[[]int]) {
		t.Error("hypercube: another seed gives the same points")
	}
}

// TestFractions: every column is balanced, and no two are the same or opposite, so main effects can be told apart. The
// half of three factors is the textbook's: c = ab.
func TestFractions(t *testing.T) {
	for _, c := range []struct{ factors, of, rows int }{{3, 2, 4}, {4, 2, 8}, {5, 4, 8}, {7, 16, 8}, {6, 4, 16}} {
		rows := fraction(c.factors, c.of)
		if len(rows) != c.rows {
			t.Errorf("%+v: %d rows", c, len(rows))
		}
		for a := range c.factors {
			for b := a; b < c.factors; b++ {
				same := 0
				for _, r := range rows {
					if r[a] == r[b] {
						same++
					}
				}
				if a != b && same != len(rows)/2 {
					t.Errorf("%+v: factors %d and %d agree in %d of %d rows", c, a, b, same, len(rows))
				}
			}
		}
	}
	for _, r := range fraction(3, 2) {
		if r[2] != r[0]^r[1] {
			t.Errorf("half of three: %v", fraction(3, 2))
		}
	}
}

// TestRuns: points of a design share a seed; an entry that is added changes no run of another.
func TestRuns(t *testing.T) {
	const one = "  - {name: a, task: web/get, runs: 2, failures: {none: 1, x: 1}, vary: {design: full, factors: {k: [1, 2], l: [3, 4]}}}\n"
	list := func(text string) []string {
		var out []string
		for r := range read(t, "entries:\n"+text).Runs() {
			out = append(out, fmt.Sprintf("%s %d %v", r.Name(), r.Seed, settings(r)))
		}
		return out
	}
	alone := list(one)
	if len(alone) != 8 || read(t, "entries:\n"+one).Count() != 8 {
		t.Fatalf("%d runs", len(alone))
	}
	if a, b := strings.Fields(alone[0])[1], strings.Fields(alone[3])[1]; a != b || a == strings.Fields(alone[4])[1] {
		t.Errorf("seeds: %v", alone)
	}
	if !strings.Contains(alone[1], "k=1 l=4") {
		t.Errorf("second point: %s", alone[1])
	}
	with := list("  - {name: b, task: ping/echo, runs: 3}\n" + one)
	if !slices.Equal(alone, with[3:]) {
		t.Errorf("alone\n%v\nwith another entry\n%v", alone, with)
	}
}

func settings(r *Run) string {
	var list []string
	for _, s := range r.Spec.Set {
		list = append(list, s.Key+"="+s.Value)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// TestWeights: what is drawn comes about as often as its weight says.
func TestWeights(t *testing.T) {
	p := read(t, "entries:\n  - {task: a/b, runs: 4000, failures: {none: 3, x: 1}}\n")
	n := 0
	for r := range p.Runs() {
		if strings.Contains(settings(r), "failure=x") {
			n++
		}
	}
	if n < 900 || n > 1100 {
		t.Errorf("%d of 4000, want about 1000", n)
	}
}

// TestExamples reads the plans of the project's examples.
func TestExamples(t *testing.T) {
	for _, path := range []string{"../../examples/first-dataset.yaml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path, text); err != nil {
			t.Error(err)
		}
	}
}

// TestDetGenIDS: the example has what the paper's table 2 has, and more, and each of its entries can be made.
func TestDetGenIDS(t *testing.T) {
	p, _, err := ReadFile("../../examples/detgen-ids.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := scenario.Open(scenario.Source{Name: "catalogue", FS: catalogue.FS})
	if err != nil {
		t.Fatal(err)
	}
	activities, scenarios, attacks := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for r := range p.Runs() {
		if r.Index > 0 {
			continue
		}
		run, err := c.Resolve(r.Spec, r.Seed, func(string) (string, error) { return "sha256:0", nil })
		if err != nil {
			t.Errorf("%s: %v", r.Name(), err)
			continue
		}
		main := run.Activities[0]
		if main.Labels.Class == "attack" {
			attacks[main.Scenario] = true
			continue
		}
		scenarios[main.Scenario] = true
		protocol := ""
		for _, v := range run.Values {
			if v.Name == "params.protocol" && main.Scenario == "web" {
				protocol = v.Value
			}
		}
		activities[main.Scenario+protocol+"/"+main.Task+main.Failure+main.Caching] = true
	}
	t.Logf("%d activities of %d scenarios, %d attacks", len(activities), len(scenarios), len(attacks))
	// HTTP and HTTPS are one scenario here.
	if len(activities) < 46 || len(scenarios)+1 < 8 || len(attacks) < 7 {
		t.Errorf("%d activities of %d scenarios, %d attacks", len(activities), len(scenarios), len(attacks))
	}
}
