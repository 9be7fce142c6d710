package catalogue

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
)

// Plan is scenarios/NAME/test.yaml: what the test of the catalogue runs of a scenario in addition to its
// defaults, and what it must find in the captures. Without the file, the defaults are run.
type Plan struct {
	// Settings of every run that has them and does not fix them itself: small sizes.
	Set map[string]string `yaml:"set"`
	// Tasks (all, when none is named) with each value of some keys. The failures and caching options
	// are run with values of the first entry.
	Runs []PlanRuns `yaml:"runs"`
	// What must be seen in the task's span.
	Seen []Sight `yaml:"seen"`
	// What tells the implementations apart.
	Tells []Tell `yaml:"tells"`
	// Options of tshark, where a protocol is not known by its port: -d, -o.
	Options []string `yaml:"options"`
	// Parameters with which a run takes many minutes at their maximum, and why, in words: the maximum is resolved, not run.
	Long map[string]string `yaml:"long"`
	// What cannot go on twice at once on the same hosts; one after the other it can.
	Apart []Apart `yaml:"apart"`
	// The task that stands for the scenario where one must do; the first when none is named.
	Exact string `yaml:"exact"`
}

// Apart is tasks that cannot go on twice at once.
type Apart struct {
	Tasks   []string `yaml:"tasks"`   // all, when none is named
	Because string   `yaml:"because"` // of the protocol, or of what the task counts, in words
}

// AtOnce gives "" when a task can go on twice at once on the same hosts, else what keeps it from that.
func (p *Plan) AtOnce(task string) string {
	for _, a := range p.Apart {
		if len(a.Tasks) == 0 || slices.Contains(a.Tasks, task) {
			return a.Because
		}
	}
	return ""
}

// PlanRuns is tasks with values.
type PlanRuns struct {
	Tasks []string            `yaml:"tasks"`
	Each  map[string][]string `yaml:"each"`
}

// Sight is a number of frames in a capture.
type Sight struct {
	// Which runs it concerns, KEY: expectation (as in a scenario's "expect") of a value in run.json,
	// or of "task".
	When map[string]string `yaml:"when"`
	// Whose capture.
	Host string `yaml:"host"`
	// A display filter of tshark, without commas.
	Frames string `yaml:"frames"`
	// Expectation of how many frames match it; at least one, when nothing is said.
	Count string `yaml:"count"`
}

// Tell is something on the wire that one implementation of a host shows and the others do not.
type Tell struct {
	Host           string `yaml:"host"`
	Implementation string `yaml:"implementation"`
	// Whose capture shows it.
	At string `yaml:"at"`
	// A display filter of tshark, without commas.
	Frames string `yaml:"frames"`
	// Which runs it concerns, as for a sight; those without a failure, when that is not among it.
	When map[string]string `yaml:"when"`
	// What it is, in words.
	Shows string `yaml:"shows"`
}

// Sights gives what must be seen, with what tells the implementations apart: frames of the one
// that runs, none of the others.
func (p *Plan) Sights() []Sight {
	sights := slices.Clone(p.Seen)
	for _, t := range p.Tells {
		for of, count := range map[string]string{t.Implementation: ">0", "!" + t.Implementation: "0"} {
			when := map[string]string{"failure": "none"}
			maps.Copy(when, t.When)
			when[t.Host+".implementation"] = of
			sights = append(sights, Sight{When: when, Host: t.At, Frames: t.Frames, Count: count})
		}
	}
	return sights
}

// ReadPlan reads the plan of a scenario.
func ReadPlan(files fs.FS, scenario string) (Plan, error) {
	var p Plan
	name := path.Join("scenarios", scenario, "test.yaml")
	data, err := fs.ReadFile(files, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return p, err
	}
	if len(data) > 0 {
		ps := &problem.List{}
		strictyaml.Read(name, data, &p, ps)
		if err := ps.Err(); err != nil {
			return p, err
		}
	}
	if len(p.Runs) == 0 {
		p.Runs = []PlanRuns{{}}
	}
	return p, nil
}
