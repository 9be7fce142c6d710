package experiment

import (
	"context"
	"fmt"
	"slices"

	"detgen/record"
	"detgen/runner"
)

// Runners is a Maker that makes runs for real, with a runner for each engine.
type Runners struct {
	Engines map[string]*runner.Runner
	Stage   func(name, stage string) // told what a run does now

	checked map[[2]string]bool // engines and link drivers
}

// OpenRunners opens a runner for each engine. The caller closes them.
func OpenRunners(names []string, c runner.Config, stage func(name, stage string)) (*Runners, error) {
	r := &Runners{Engines: map[string]*runner.Runner{}, Stage: stage, checked: map[[2]string]bool{}}
	for _, name := range names {
		c.Engine = name
		opened, err := runner.Open(c)
		if err != nil {
			r.Close()
			return nil, err
		}
		r.Engines[name] = opened
	}
	return r, nil
}

// Close closes the runners.
func (r *Runners) Close() {
	for _, e := range r.Engines {
		e.Close()
	}
}

// Check implements Maker.
func (r *Runners) Check(ctx context.Context, q *Request) error {
	e := r.Engines[q.Engine]
	run, err := e.Resolve(q.Spec, q.Seed)
	if err != nil {
		return err
	}
	if q.Host != "" && !slices.ContainsFunc(run.Hosts, func(h record.Host) bool { return h.Name == q.Host }) {
		return fmt.Errorf("host %q: the task has none of that name", q.Host)
	}
	on := [2]string{q.Engine, run.LinkDriver}
	if r.checked[on] {
		return nil
	}
	r.checked[on] = true
	return e.Check(ctx, run.LinkDriver)
}

// Make implements Maker.
func (r *Runners) Make(ctx context.Context, q *Request) error {
	e := r.Engines[q.Engine]
	run, err := e.Resolve(q.Spec, q.Seed)
	if err != nil {
		return err
	}
	made, err := e.Make(ctx, run, q.Dir, func(stage string) { r.Stage(q.Name, stage) })
	if made != nil { // a run that failed is a result too
		return nil
	}
	return err
}
