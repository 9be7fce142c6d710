// Package spec is what is asked for: a spec file, settings of "-s", and the keys that they have.
package spec

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
)

// Spec is what a user asks for. What it leaves open is the scenario's default or drawn.
type Spec struct {
	// SCENARIO/TASK.
	Task string `yaml:"task"`
	// Instead of a task and a background: a CSV file of activities at their times, as "detgen site" writes them.
	Timeline strictyaml.Text `yaml:"timeline"`
	// Seed of the run; of the first one when count says more. Without it one is drawn.
	Seed *uint64 `yaml:"seed"`
	// How many runs, each with a seed of its own.
	Count int `yaml:"count"`
	// Where the lab runs: live, exact or vm.
	Engine string `yaml:"engine" jsonschema:"enum=live,enum=exact,enum=vm"`
	// Who impairs the links: netem, soft; without it whichever works.
	LinkDriver string `yaml:"link_driver" jsonschema:"enum=netem,enum=soft"`
	// Factors, by the keys of "-s": dotted ("link.all.both.delay: 20ms") or nested.
	Set Settings `yaml:"set"`
	// Further activities in the same lab, labelled apart.
	Background []*Background `yaml:"background"`

	At     problem.Position `yaml:"-"`
	Places problem.Places   `yaml:"-"` // of fields, for messages
}

// MaxTime is the latest that anything can be scheduled after the start of the main activity.
const MaxTime = "720h"

// OwnHost is the word for a part that gets a host of its own.
const OwnHost = "own"

// Background is a task that goes on with the main one.
type Background struct {
	// Name of the activity; without it background-1, background-2, ...
	Name string `yaml:"name"`
	// SCENARIO/TASK.
	Task string `yaml:"task" jsonschema:"required"`
	// Factors of this activity alone: params.NAME, failure, caching, HOST.implementation.
	Set Settings `yaml:"set"`
	// Which host of the lab plays which part: PART: HOST. Parts of the main scenario are played by
	// its own hosts; for other scenarios, parts not named here get a host of their own.
	Hosts map[string]strictyaml.Text `yaml:"hosts"`
	// When it starts; once, with the main activity, when nothing is said.
	Schedule *Schedule `yaml:"schedule"`

	At problem.Position `yaml:"-"`
}

// Schedule says when a background activity starts, after the start of the main one. Exactly one
// of its fields is set.
type Schedule struct {
	// Fixed times: [0s, 1.5s, 3s].
	Times []strictyaml.Text `yaml:"at"`
	// Poisson process.
	Poisson *Poisson `yaml:"poisson"`
	// A CSV file with a column "time" (seconds, or with a unit) and, optionally, a column "task"
	// (SCENARIO/TASK): an activity a line.
	CSV strictyaml.Text `yaml:"csv"`

	At problem.Position `yaml:"-"`
}

// Poisson is a Poisson process: exponential times between starts.
type Poisson struct {
	// Mean time between two starts.
	Mean strictyaml.Text `yaml:"mean" jsonschema:"required"`
	// No start after this time.
	Until strictyaml.Text `yaml:"until" jsonschema:"required"`

	At problem.Position `yaml:"-"`
}

// Read reads a spec file. name is its name for messages.
func Read(name string, data []byte) (*Spec, error) {
	ps := &problem.List{}
	spec := &Spec{}
	strictyaml.Read(name, data, spec, ps)
	spec.At.File, spec.Places = name, ps.Places
	if spec.Count < 0 {
		ps.Add(spec.At, "count", fmt.Sprint(spec.Count), "must be 1 or more")
	}
	switch {
	case spec.Timeline.Set() && (spec.Task != "" || len(spec.Background) > 0):
		ps.Add(spec.Timeline.At, "timeline", spec.Timeline.Text, "names all activities: leave out task and background")
	case !spec.Timeline.Set() && spec.Task == "" && ps.Empty():
		ps.Add(spec.At, "task", "", "is missing: SCENARIO/TASK, or timeline and a file")
	}
	for field, allowed := range map[string][]string{"engine": {"live", "exact", "vm"}, "link_driver": {"netem", "soft"}} {
		value := map[string]string{"engine": spec.Engine, "link_driver": spec.LinkDriver}[field]
		if value != "" && !slices.Contains(allowed, value) {
			ps.Add(spec.At, field, value, "must be %s", strings.Join(allowed, " or "))
		}
	}
	return spec, ps.Err()
}

// Title names what the spec is of: its task, or its time line's file.
func (s *Spec) Title() string {
	if s.Timeline.Set() {
		base := filepath.Base(s.Timeline.Text)
		return strings.TrimSuffix(base, filepath.Ext(base))
	}
	return s.Task
}

// Override adds settings from the command line: they replace those of the same key.
func (s *Spec) Override(settings ...Setting) error {
	seen := map[string]bool{}
	for _, setting := range settings {
		if seen[setting.Key] {
			return &problem.Problem{At: setting.At, Field: setting.Key, Value: setting.Value, Message: "given twice: remove one"}
		}
		seen[setting.Key] = true
	}
	s.Set = Settings(settings).Over(s.Set)
	return nil
}
