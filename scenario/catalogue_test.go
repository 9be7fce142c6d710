package scenario_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"detgen/internal/problem"
	"detgen/record"
	"detgen/scenario"
)

// Every task of the catalogue resolves with every failure and caching option, and with every
// implementation of each host, with default values and with all parameters drawn. The quick loop
// tries each failure, option and implementation with one task.
func TestTheWholeCatalogueResolves(t *testing.T) {
	c := open(t)
	for _, name := range c.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := c.Scenario(name)
			if err != nil {
				t.Fatal(err)
			}
			about := s.About()
			if strings.TrimSpace(about.Description) == "" {
				t.Error("the scenario has no description")
			}
			for _, p := range about.Parameters {
				if p.Description == "" {
					t.Errorf("parameter %s has no description", p.Name)
				}
			}
			tried := map[string]bool{}
			for _, task := range about.Tasks {
				for seed, settings := range variations(about, task) {
					if id := fmt.Sprint(settings); testing.Short() && len(settings) == 1 {
						if tried[id] {
							continue
						}
						tried[id] = true
					}
					resolveAll(t, c, name+"/"+task.Name, uint64(seed), settings)
				}
			}
		})
	}
}

// variations are the settings under which a task is tried: each failure, each caching option
// and each implementation, one at a time, and all parameters drawn.
func variations(about *scenario.About, task scenario.AboutTask) []map[string]string {
	all := []map[string]string{{}}
	for _, kind := range []struct {
		key      string
		names    []string
		variants []scenario.AboutVariant
	}{{"failure", task.Failures, about.Failures}, {"caching", task.Caching, about.Caching}} {
		for _, name := range kind.names {
			i := slices.IndexFunc(kind.variants, func(v scenario.AboutVariant) bool { return v.Name == name })
			settings := map[string]string{kind.key: name}
			for host, offered := range kind.variants[i].Implementations {
				settings[host+".implementation"] = firstOf(offered, task.Implementations[host])
			}
			all = append(all, settings)
		}
	}
	for _, h := range about.Hosts {
		for _, i := range h.Implementations {
			if able := task.Implementations[h.Name]; slices.Contains(task.Hosts, h.Name) && (len(able) == 0 || slices.Contains(able, i.Name)) {
				all = append(all, map[string]string{h.Name + ".implementation": i.Name})
			}
		}
	}
	drawn := map[string]string{}
	for _, p := range task.Parameters {
		i := slices.IndexFunc(about.Parameters, func(a scenario.AboutParameter) bool { return a.Name == p })
		if i >= 0 && about.Parameters[i].Law != "" {
			drawn["params."+p] = "~"
		}
	}
	return append(all, drawn)
}

// firstOf gives the first name that is also able, if any are named there.
func firstOf(names, able []string) string {
	for _, n := range names {
		if len(able) == 0 || slices.Contains(able, n) {
			return n
		}
	}
	return names[0]
}

func resolveAll(t *testing.T, c *scenario.Catalogue, task string, seed uint64, settings map[string]string) {
	t.Helper()
	spec := &scenario.Spec{Task: task}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		spec.Set = append(spec.Set, scenario.Setting{Key: key, Value: settings[key], At: problem.Position{File: "-s"}})
	}
	run, err := c.Resolve(spec, seed, anyImage)
	if err != nil {
		// An implementation may need another one beside it; then it says so, and nothing else.
		if text := err.Error(); strings.Contains(text, "is not possible here: ") && !strings.Contains(text, "\n") {
			return
		}
		t.Errorf("%s %v seed %d: %v", task, settings, seed, err)
		return
	}
	if len(settings) == 0 {
		again, err := c.Resolve(spec, seed, anyImage)
		if err != nil || toJSON(t, run) != toJSON(t, again) {
			t.Errorf("%s: two runs of one spec and seed differ", task)
		}
	}
	checkRun(t, task, run)
}

// checkRun checks what must hold in every run.
func checkRun(t *testing.T, task string, run *record.Run) {
	t.Helper()
	hosts := map[string]bool{}
	addresses := map[string]bool{}
	for _, h := range run.Hosts {
		hosts[h.Name] = true
		for _, card := range h.Interfaces {
			if id := card.Network + card.Address.String(); addresses[id] || addresses[card.MAC] {
				t.Errorf("%s: host %s has an address that another has", task, h.Name)
			} else {
				addresses[id], addresses[card.MAC] = true, true
			}
		}
		if h.Memory == 0 || h.Processes == 0 || h.Digest == "" {
			t.Errorf("%s: host %s lacks limits or a digest", task, h.Name)
		}
		for _, s := range h.Services {
			if s.Timeout <= 0 {
				t.Errorf("%s: service %s has no time limit", task, s.Name)
			}
		}
	}
	for _, a := range run.Activities {
		if len(a.Scripts) == 0 || len(a.Expect) == 0 || a.Timeout <= 0 || a.Labels.Class == "" {
			t.Errorf("%s: activity %s is not complete", task, a.Name)
		}
		for _, s := range append(a.Scripts, a.Warmup...) {
			if !hosts[s.Host] {
				t.Errorf("%s: a script is for host %s, which is not there", task, s.Host)
			}
		}
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
