package catalogue_test

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"detgen/catalogue"
	"detgen/scenario"
)

// testCase is one run that the test makes.
type testCase struct {
	task string
	set  map[string]string
}

func (c testCase) name() string {
	var parts []string
	for _, key := range sorted(c.set) {
		// The last word of a key and its value tell runs apart well enough.
		parts = append(parts, strings.TrimPrefix(key, "params.")+"="+c.set[key])
	}
	return strings.ReplaceAll(strings.Join(append([]string{c.task}, parts...), ","), "/", "_")
}

func sorted[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

func readPlan(t *testing.T, name string) catalogue.Plan {
	t.Helper()
	p, err := catalogue.ReadPlan(catalogue.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// cases lists the runs of a scenario: each task with each implementation and each value that the
// plan names, each failure and caching option with each task and each implementation, though not
// in every combination with the others; all asks for every combination.
func cases(about *scenario.About, p catalogue.Plan, all bool, can func(testCase) bool) []testCase {
	var list []testCase
	for _, runs := range p.Runs {
		for _, task := range about.Tasks {
			if len(runs.Tasks) > 0 && !slices.Contains(runs.Tasks, task.Name) {
				continue
			}
			values := implementations(about, task, nil)
			maps.Copy(values, runs.Each)
			with := func(set map[string]string) testCase { return newCase(about, task, p.Set, nil, set) }
			for _, set := range combine(values, all, func(set map[string]string) bool { return can(with(set)) }, task.Name, fmt.Sprint(runs)) {
				list = append(list, with(set))
			}
		}
	}
	for key, variants := range map[string][]scenario.AboutVariant{"failure": about.Failures, "caching": about.Caching} {
		for _, v := range variants {
			list = append(list, variantCases(about, p, key, v, all, can)...)
		}
	}
	slices.SortStableFunc(list, func(a, b testCase) int { return strings.Compare(a.name(), b.name()) })
	return slices.CompactFunc(list, func(a, b testCase) bool { return a.name() == b.name() })
}

// variantCases lists the runs of a failure or caching option.
func variantCases(about *scenario.About, p catalogue.Plan, key string, v scenario.AboutVariant, all bool, can func(testCase) bool) []testCase {
	var list []testCase
	fixed := map[string]bool{}
	for _, s := range v.Set {
		fixed[s.Key] = true
	}
	for n, name := range v.Tasks {
		task := about.Tasks[slices.IndexFunc(about.Tasks, func(t scenario.AboutTask) bool { return t.Name == name })]
		values := implementations(about, task, v.Implementations)
		maps.Copy(values, p.Runs[0].Each)
		maps.DeleteFunc(values, func(k string, _ []string) bool { return fixed[k] })
		// The combinations are the same for all tasks, which share them: each task has one, each is
		// used.
		with := func(set map[string]string) testCase {
			return newCase(about, task, p.Set, fixed, map[string]string{key: v.Name}, set)
		}
		sets := combine(values, all, func(set map[string]string) bool { return can(with(set)) }, key, v.Name)
		for i, set := range sets {
			if all || i%len(v.Tasks) == n || i == n%max(len(sets), 1) {
				list = append(list, with(set))
			}
		}
	}
	return list
}

// newCase joins settings, leaving out those of the plan that the task does not have or that are
// fixed.
func newCase(about *scenario.About, task scenario.AboutTask, common map[string]string, fixed map[string]bool, more ...map[string]string) testCase {
	c := testCase{task: about.Scenario + "/" + task.Name, set: map[string]string{}}
	for key, value := range common {
		if name, isParam := strings.CutPrefix(key, "params."); fixed[key] || isParam && !hasParameter(task, name) {
			continue
		}
		c.set[key] = value
	}
	for _, m := range more {
		maps.Copy(c.set, m)
	}
	return c
}

func hasParameter(task scenario.AboutTask, name string) bool {
	return slices.Contains(task.Parameters, name) ||
		slices.ContainsFunc(task.Own, func(p scenario.AboutParameter) bool { return p.Name == name })
}

// implementations gives HOST.implementation: [names] of the hosts that take part in a task and
// have a choice, as far as the task and a failure or caching option offer them.
func implementations(about *scenario.About, task scenario.AboutTask, offered map[string][]string) map[string][]string {
	who := map[string][]string{}
	for _, h := range about.Hosts {
		if len(h.Implementations) == 0 || !slices.Contains(task.Hosts, h.Name) {
			continue
		}
		for _, i := range h.Implementations {
			allowed := func(names []string) bool { return len(names) == 0 || slices.Contains(names, i.Name) }
			if allowed(task.Implementations[h.Name]) && allowed(offered[h.Name]) {
				who[h.Name+".implementation"] = append(who[h.Name+".implementation"], i.Name)
			}
		}
	}
	return who
}

// product gives all combinations of values.
func product(values map[string][]string) []map[string]string {
	sets := []map[string]string{{}}
	for _, key := range sorted(values) {
		var longer []map[string]string
		for _, set := range sets {
			for _, v := range values[key] {
				with := maps.Clone(set)
				with[key] = v
				longer = append(longer, with)
			}
		}
		sets = longer
	}
	return sets
}

// combine gives about as few of the combinations that can be run as it takes to have each value once, shuffled by the
// words so that different cases combine differently; or all combinations, also those that cannot.
func combine(values map[string][]string, all bool, can func(map[string]string) bool, words ...string) []map[string]string {
	if all {
		return product(values)
	}
	n := 1
	for _, choices := range values {
		n = max(n, len(choices))
	}
	sets := make([]map[string]string, n)
	for i := range sets {
		sets[i] = map[string]string{}
	}
	for _, key := range sorted(values) {
		for i, j := range shuffled(n, append(words, key)...) {
			sets[i][key] = values[key][j%len(values[key])]
		}
	}
	whole := len(sets)
	sets = slices.DeleteFunc(sets, func(set map[string]string) bool { return !can(set) })
	if len(sets) == whole {
		return sets
	}
	// What was in those that cannot be run goes into others.
	others := product(values)
	order := shuffled(len(others), words...)
	for _, key := range sorted(values) {
		for _, value := range values[key] {
			has := func(set map[string]string) bool { return set[key] == value }
			if slices.ContainsFunc(sets, has) {
				continue
			}
			for _, i := range order {
				if has(others[i]) && can(others[i]) {
					sets = append(sets, others[i])
					break
				}
			}
		}
	}
	return sets
}

// shuffled gives a permutation of the first n numbers that depends on the words.
func shuffled(n int, words ...string) []int {
	h := fnv.New64a()
	h.Write([]byte(strings.Join(words, "\x00")))
	return rand.New(rand.NewPCG(h.Sum64(), 0)).Perm(n)
}

// sample keeps a success, a failure and a caching option of each scenario's cases: the plan's
// exact task if it is among them, and the first of each list otherwise.
func sample(list []testCase, p catalogue.Plan) []testCase {
	var kept []testCase
	for _, key := range []string{"", "failure", "caching"} {
		var of []testCase
		for _, c := range list {
			if kind(c) == key {
				of = append(of, c)
			}
		}
		if len(of) == 0 {
			continue
		}
		i := slices.IndexFunc(of, func(c testCase) bool { return p.Exact != "" && strings.HasSuffix(c.task, "/"+p.Exact) })
		kept = append(kept, of[max(i, 0)])
	}
	return kept
}

// kind says what a case is a case of: "failure", "caching", or "" for a plain task.
func kind(c testCase) string {
	for _, key := range []string{"failure", "caching"} {
		if c.set[key] != "" {
			return key
		}
	}
	return ""
}

var taskName = regexp.MustCompile("`([a-z0-9-]+)/([a-z0-9-]+)`")

// TestTable3 finds every task that docs/table3.md names.
func TestTable3(t *testing.T) { findTasks(t, "../docs/table3.md", 50) }

// TestCICIDS2017 finds every task that docs/cicids2017.md names for each of the 15 labels.
func TestCICIDS2017(t *testing.T) {
	text := findTasks(t, "../docs/cicids2017.md", 25)
	for _, label := range []string{
		"BENIGN", "FTP-Patator", "SSH-Patator", "DoS slowloris", "DoS Slowhttptest", "DoS Hulk", "DoS GoldenEye", "Heartbleed",
		"Web Attack - Brute Force", "Web Attack - XSS", "Web Attack - Sql Injection", "Infiltration", "Bot", "PortScan", "DDoS",
	} {
		_, entry, ok := strings.Cut(text, "- **"+label+"**: ")
		if entry, _, _ = strings.Cut(entry, "\n- **"); !ok || !taskName.MatchString(entry) {
			t.Errorf("the page names no task for %s", label)
		}
	}
}

// findTasks makes sure that a page names so many tasks, and that all exist. It gives the page.
func findTasks(t *testing.T, page string, least int) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	c := openCatalogue(t)
	named := taskName.FindAllStringSubmatch(string(text), -1)
	if len(named) < least {
		t.Fatalf("the page names %d tasks, which cannot be all", len(named))
	}
	for _, m := range named {
		s, err := c.Scenario(m[1])
		if err != nil {
			t.Errorf("%s: %v", m[0], err)
			continue
		}
		if _, err := s.AboutTask(m[2]); err != nil {
			t.Errorf("%s: %v", m[0], err)
		}
	}
	return string(text)
}
