package plan

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"

	"detgen/scenario"
	"detgen/seed"
)

// Run is one run of a plan: what is asked for, before it is resolved.
type Run struct {
	Entry *Entry
	Index int // in its entry, from 0
	Spec  *scenario.Spec
	Seed  uint64
	Point Point // of the entry's design; empty without one
}

// Name is "ENTRY/INDEX": what a person calls the run.
func (r *Run) Name() string { return fmt.Sprintf("%s/%d", r.Entry.Name, r.Index) }

// Count is how many runs the plan has.
func (p *Plan) Count() int {
	n := 0
	for _, e := range p.Entries {
		n += e.Count()
	}
	return n
}

// Runs gives the runs of the plan, entry by entry, one at a time. Every draw has a stream of its own, named after the
// entry and the run, so that an entry or a run that is added changes no other.
func (p *Plan) Runs() iter.Seq[*Run] {
	return func(yield func(*Run) bool) {
		for _, e := range p.Entries {
			for r := range p.RunsOf(e) {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// RunsOf gives the runs of one entry.
func (p *Plan) RunsOf(e *Entry) iter.Seq[*Run] {
	return func(yield func(*Run) bool) {
		points := []Point{nil}
		if e.Vary != nil {
			points = e.Vary.points(p.Seed, e.Name)
		}
		index := 0
		for repetition := range e.Runs {
			for i, point := range points {
				// Runs that differ in their point only have one seed: what differs between them is the point's doing.
				r := p.run(e, index, fmt.Sprintf("%s/%d", e.seeds(), repetition), point)
				if e.Vary == nil || e.Vary.Design == Hypercube {
					r = p.run(e, index, fmt.Sprintf("%s/%d/%d", e.seeds(), repetition, i), point)
				}
				if !yield(r) {
					return
				}
				index++
			}
		}
	}
}

// seeds names the entry whose seeds the runs have.
func (e *Entry) seeds() string { return cmp.Or(e.Seeds, e.Name) }

// run makes one run, whose draws come from the stream of a name.
func (p *Plan) run(e *Entry, index int, name string, point Point) *Run {
	set := scenario.Settings(point).Over(e.Set.Over(p.Set))
	if v := draw(p.Seed, name+"/failure", e.Failures); v != "" && v != "none" {
		set = set.Default("failure", v)
	}
	if v := draw(p.Seed, name+"/caching", e.Caching); v != "" && v != "none" {
		set = set.Default("caching", v)
	}
	return &Run{
		Entry: e, Index: index, Seed: seed.Derive(p.Seed, name+"/seed") % 1_000_000_000, Point: point,
		Spec: &scenario.Spec{Task: e.Task, Set: set, Background: e.Background, Engine: p.Engine, At: e.At},
	}
}

// draw chooses a name by weights; "" when there are none.
func draw(of uint64, stream string, list map[string]float64) string {
	if len(list) == 0 {
		return ""
	}
	names := slices.Sorted(maps.Keys(list))
	sum := 0.0
	for _, n := range names {
		sum += list[n]
	}
	at := seed.Stream(of, stream).Float64() * sum
	for _, n := range names {
		if at -= list[n]; at < 0 {
			return n
		}
	}
	return names[len(names)-1]
}
