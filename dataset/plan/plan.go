// Package plan reads the plan of a dataset: what is made, how often, which factors vary and how, and which run goes
// into which split. A plan and its seed decide every run (design: "Datasets").
package plan

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"detgen/internal/beneath"
	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/scenario"
)

// Plan is the content of a plan's file.
type Plan struct {
	// Name of the dataset: letters, digits and dashes.
	Dataset string `yaml:"dataset" jsonschema:"required"`
	// One line: what it is.
	Title string `yaml:"title"`
	// What it is, for its card.
	Description string `yaml:"description"`
	// Seed from which those of all runs come.
	Seed uint64 `yaml:"seed" jsonschema:"required"`
	// Where labs run: live, exact or vm.
	Engine string `yaml:"engine"`
	// What becomes of captures when the tables are made: keep, zstd (keep them compressed) or drop.
	Captures string `yaml:"captures" jsonschema:"enum=keep,enum=zstd,enum=drop"`
	// Share of failed runs above which the build fails: 0 to 1; 0.05 without it.
	FailAbove *float64 `yaml:"fail_above"`
	// Factors of all entries that do not set them themselves.
	Set scenario.Settings `yaml:"set"`
	// What is made.
	Entries []*Entry `yaml:"entries" jsonschema:"required"`
	// Which runs are for what; without it all are in one split, "all".
	Splits *Splits `yaml:"splits"`

	At problem.Position `yaml:"-"`
}

// Entry is one kind of run.
type Entry struct {
	// Name of the entry; without it that of the task.
	Name string `yaml:"name"`
	// SCENARIO/TASK.
	Task string `yaml:"task" jsonschema:"required"`
	// How many runs; with a design, how often each of its points.
	Runs int `yaml:"runs"`
	// Instead of runs: how many connections the entry's rows come to at least; runs are made until they do.
	Connections int `yaml:"connections"`
	// Instead of runs: how many packets, as sent, its connections come to at least.
	Packets int `yaml:"packets"`
	// The entry whose seeds its runs have, one after the other, to be compared with it; without it its own.
	Seeds string `yaml:"seeds"`
	// Factors: fixed values, "~" or "~LAW" to draw, as in a spec.
	Set scenario.Settings `yaml:"set"`
	// Factors that a design varies.
	Vary *Design `yaml:"vary"`
	// How often each failure, relative to the others; "none" is the run without one.
	Failures map[string]float64 `yaml:"failures"`
	// How often each caching option, relative to the others.
	Caching map[string]float64 `yaml:"caching"`
	// Further activities in the same lab, as in a spec.
	Background []*scenario.Background `yaml:"background"`
	// Runs that come out otherwise are left out of the tables.
	Filter *Filter `yaml:"filter"`

	At problem.Position `yaml:"-"`
}

// Design is how factors vary together.
type Design struct {
	// full (every combination), fraction (a regular half, quarter, ... of two-level factors), latin-hypercube, pairwise
	// (each two values of any two factors together at least once) or one-at-a-time (each value, the others at their first).
	Design string `yaml:"design" jsonschema:"required,enum=full,enum=fraction,enum=latin-hypercube,enum=pairwise,enum=one-at-a-time"`
	// The factors, by their keys, and the values of each: a list, or a range for a Latin hypercube.
	Factors map[string]*Levels `yaml:"factors" jsonschema:"required"`
	// latin-hypercube: how many points.
	Points int `yaml:"points"`
	// fraction: 2 for a half, 4 for a quarter, 8, ...
	Fraction int `yaml:"fraction"`

	At problem.Position `yaml:"-"`
}

// Filter is what a run must come to.
type Filter struct {
	// Fewest and most packets of the run's connections, each.
	Packets *Range `yaml:"packets"`
	// Least and most bytes of payload of the run's connections, each.
	Bytes *Range `yaml:"bytes"`

	At problem.Position `yaml:"-"`
}

// Range is bounds; without one there is none.
type Range struct {
	// Least.
	Min *float64 `yaml:"min"`
	// Most.
	Max *float64 `yaml:"max"`
}

// String gives the bounds in words.
func (r *Range) String() string {
	switch {
	case r.Min != nil && r.Max != nil:
		return fmt.Sprintf("from %g to %g", *r.Min, *r.Max)
	case r.Min != nil:
		return fmt.Sprintf("of at least %g", *r.Min)
	case r.Max != nil:
		return fmt.Sprintf("of at most %g", *r.Max)
	}
	return "of any number"
}

// Splits is which runs are for what. A run is in one split as a whole.
type Splits struct {
	// Share of each split, by name; together 1.
	Shares map[string]float64 `yaml:"shares"`
	// Keep the shares within each entry ("entry") or each class ("class") too.
	Stratify string `yaml:"stratify" jsonschema:"enum=entry,enum=class"`
	// Instead of shares: the key of a factor, whose value decides.
	By string `yaml:"by"`
	// With by: the values of the factor that are in each split; "*" for all others.
	Values map[string][]strictyaml.Text `yaml:"values"`

	At problem.Position `yaml:"-"`
}

// What becomes of captures.
const (
	Keep     = "keep"
	Compress = "zstd"
	Drop     = "drop"
)

// MaxWanted is how many connections or packets an entry may want.
const MaxWanted = 1_000_000_000

// MaxRuns is how many runs a plan may have.
const MaxRuns = 10_000_000

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// ReadFile reads the plan in a file, and gives its text too.
func ReadFile(name string) (*Plan, []byte, error) {
	text, err := beneath.ReadNamed(name, strictyaml.MaxSize)
	if err != nil {
		return nil, nil, err
	}
	p, err := Read(name, text)
	return p, text, err
}

// Read reads a plan's file. name is its name for messages. The error has every problem that was found, one a line.
func Read(name string, data []byte) (*Plan, error) {
	ps := &problem.List{}
	p := &Plan{}
	strictyaml.Read(name, data, p, ps)
	if ps.Empty() {
		p.check(ps)
	}
	return p, ps.Err()
}

func (p *Plan) check(ps *problem.List) {
	if !namePattern.MatchString(p.Dataset) {
		ps.Add(p.At, "dataset", p.Dataset, "must be a name of letters a to z, digits and dashes, at most 64")
	}
	switch p.Captures {
	case "":
		p.Captures = Keep
	case Keep, Compress, Drop:
	default:
		ps.Add(p.At, "captures", p.Captures, "must be keep, zstd or drop")
	}
	if p.FailAbove == nil {
		share := 0.05
		p.FailAbove = &share
	}
	if f := *p.FailAbove; !(f >= 0 && f <= 1) {
		ps.Add(p.At, "fail_above", fmt.Sprint(f), "must be from 0 to 1: 0.05 lets one of twenty runs fail")
	}
	if len(p.Entries) == 0 {
		ps.Add(p.At, "entries", "", "there are none: a plan needs at least one")
	}
	seen := map[string]*Entry{}
	total := 0
	for i, e := range p.Entries {
		field := fmt.Sprintf("entries[%d]", i)
		e.check(ps, field)
		if first := seen[e.Name]; first != nil {
			ps.Add(e.At, field+".name", e.Name, "is the name of the entry on line %d too: give one of them another", first.At.Line)
		}
		seen[e.Name] = e
		if n := e.Count(); n > MaxRuns-total {
			ps.Add(e.At, field+".runs", fmt.Sprint(e.Runs), "the plan comes to more than %d runs: make several datasets", MaxRuns)
			return
		} else {
			total += n
		}
	}
	for i, e := range p.Entries {
		if e.Seeds != "" && seen[e.Seeds] == nil {
			ps.Add(e.At, fmt.Sprintf("entries[%d].seeds", i), e.Seeds, "is no entry of this plan")
		}
	}
	if p.Splits != nil {
		p.Splits.check(ps)
	}
}

func (e *Entry) check(ps *problem.List, field string) {
	if e.Task == "" {
		ps.Add(e.At, field+".task", "", "is missing: SCENARIO/TASK (detgen list shows them)")
	}
	if e.Name == "" {
		e.Name = strings.ReplaceAll(e.Task, "/", "-")
	}
	if e.Task != "" && !namePattern.MatchString(e.Name) {
		ps.Add(e.At, field+".name", e.Name, "must be a name of letters a to z, digits and dashes, at most 64")
	}
	for name, n := range map[string]int{"connections": e.Connections, "packets": e.Packets} {
		if n < 0 || n > MaxWanted {
			ps.Add(e.At, field+"."+name, fmt.Sprint(n), "must be from 1 to %d", MaxWanted)
		}
	}
	switch {
	case e.Connections != 0 && e.Packets != 0:
		ps.Add(e.At, field+".packets", fmt.Sprint(e.Packets), "connections are wanted too: leave one out")
	case e.Runs != 0 && e.Connections+e.Packets != 0:
		ps.Add(e.At, field+".runs", fmt.Sprint(e.Runs), "a number of connections or packets is wanted too, which decides how many runs are made: leave one out")
	}
	switch {
	case e.Runs == 0:
		e.Runs = 1
	case e.Runs < 0 || e.Runs > MaxRuns:
		ps.Add(e.At, field+".runs", fmt.Sprint(e.Runs), "must be from 1 to %d", MaxRuns)
	}
	weights(ps, e.At, field+".failures", e.Failures)
	weights(ps, e.At, field+".caching", e.Caching)
	for _, key := range []string{"failure", "caching"} {
		list := map[string]map[string]float64{"failure": e.Failures, "caching": e.Caching}[key]
		if len(list) > 0 && (has(e.Set, key) || e.Vary != nil && e.Vary.Factors[key] != nil) {
			ps.Add(e.At, field+"."+key, "", "is set, and drawn by its weights too: leave one out")
		}
	}
	if e.Vary != nil {
		e.Vary.check(ps, field+".vary", e.Set)
	}
	if e.Filter != nil {
		for name, r := range map[string]*Range{"packets": e.Filter.Packets, "bytes": e.Filter.Bytes} {
			if r != nil && r.Min != nil && r.Max != nil && *r.Min > *r.Max {
				ps.Add(e.Filter.At, field+".filter."+name, fmt.Sprint(*r.Min), "min is above max, %g", *r.Max)
			}
		}
	}
}

func has(set scenario.Settings, key string) bool {
	for _, s := range set {
		if s.Key == key {
			return true
		}
	}
	return false
}

func weights(ps *problem.List, at problem.Position, field string, list map[string]float64) {
	sum := 0.0
	for name, w := range list {
		if !(w >= 0) || math.IsInf(w, 0) {
			ps.Add(at, field+"."+name, fmt.Sprint(w), "must be a number of at least 0")
		}
		sum += w
	}
	if len(list) > 0 && sum == 0 {
		ps.Add(at, field, "", "all are 0: one at least must happen")
	}
}

func (s *Splits) check(ps *problem.List) {
	switch {
	case (len(s.Shares) == 0) == (s.By == ""):
		ps.Add(s.At, "splits", "", "needs either shares (train: 0.8, test: 0.2) or by and values")
		return
	case s.By != "":
		if len(s.Values) == 0 {
			ps.Add(s.At, "splits.values", "", "is missing: the values of %s that are in each split", s.By)
		}
		if s.Stratify != "" {
			ps.Add(s.At, "splits.stratify", s.Stratify, "has no meaning with by: the factor decides")
		}
		owner := map[string]string{}
		for name, values := range s.Values {
			for _, v := range values {
				if first := owner[v.Text]; first != "" && first != name {
					ps.Add(v.At, "splits.values."+name, v.Text, "is in split %s too", first)
				}
				owner[v.Text] = name
			}
		}
		return
	}
	sum := 0.0
	for name, share := range s.Shares {
		if !namePattern.MatchString(name) {
			ps.Add(s.At, "splits.shares", name, "must be a name of letters a to z, digits and dashes")
		}
		if !(share > 0 && share <= 1) {
			ps.Add(s.At, "splits.shares."+name, fmt.Sprint(share), "must be above 0 and at most 1")
		}
		sum += share
	}
	if math.Abs(sum-1) > 1e-9 {
		ps.Add(s.At, "splits.shares", fmt.Sprint(sum), "the shares must come to 1")
	}
	if s.Stratify != "" && s.Stratify != "entry" && s.Stratify != "class" {
		ps.Add(s.At, "splits.stratify", s.Stratify, "must be entry or class")
	}
}

// Wanted gives what an entry wants a number of instead of runs, connections or packets; 0 when it states its runs.
func (e *Entry) Wanted() (what string, n int) {
	if e.Packets > 0 {
		return "packets", e.Packets
	}
	return "connections", e.Connections
}

// Wanting gives the first entry that wants a number of something, nil when all state their runs. Until it is known how
// many runs such an entry takes, it has one of each point.
func (p *Plan) Wanting() *Entry {
	for _, e := range p.Entries {
		if _, n := e.Wanted(); n > 0 {
			return e
		}
	}
	return nil
}

// Count is how many runs the entry has.
func (e *Entry) Count() int {
	if e.Vary == nil {
		return e.Runs
	}
	return e.Runs * e.Vary.size()
}
