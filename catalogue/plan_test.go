package catalogue_test

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
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
func cases(about *scenario.About, p catalogue.Plan, all bool) []testCase {
	var list []testCase
	for _, runs := range p.Runs {
		for _, task := range about.Tasks {
			if len(runs.Tasks) > 0 && !slices.Contains(runs.Tasks, task.Name) {
				continue
			}
			values := implementations(about, task, nil)
			maps.Copy(values, runs.Each)
			for _, set := range combine(values, all, task.Name, fmt.Sprint(runs)) {
				list = append(list, newCase(about, task, p.Set, nil, set))
			}
		}
	}
	for key, variants := range map[string][]scenario.AboutVariant{"failure": about.Failures, "caching": about.Caching} {
		for _, v := range variants {
			list = append(list, variantCases(about, p, key, v, all)...)
		}
	}
	slices.SortStableFunc(list, func(a, b testCase) int { return strings.Compare(a.name(), b.name()) })
	return slices.CompactFunc(list, func(a, b testCase) bool { return a.name() == b.name() })
}

// variantCases lists the runs of a failure or caching option.
func variantCases(about *scenario.About, p catalogue.Plan, key string, v scenario.AboutVariant, all bool) []testCase {
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
		sets := combine(values, all, key, v.Name)
		for i, set := range sets {
			if all || i%len(v.Tasks) == n || i == n%len(sets) {
				list = append(list, newCase(about, task, p.Set, fixed, map[string]string{key: v.Name}, set))
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

// combine gives as few combinations as it takes to have each value once, shuffled by the words
// so that different cases combine differently; or all combinations.
func combine(values map[string][]string, all bool, words ...string) []map[string]string {
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
		h := fnv.New64a()
		h.Write([]byte(strings.Join(append(words, key), "\x00")))
		for i, j := range rand.New(rand.NewPCG(h.Sum64(), 0)).Perm(n) {
			sets[i][key] = values[key][j%len(values[key])]
		}
	}
	return sets
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
