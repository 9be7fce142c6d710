package experiment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"detgen/engine"
	"detgen/engine/engines"
	"detgen/runner"
)

// Study is an experiment that can be done.
type Study interface {
	// Check finds what keeps the runs from being made.
	Check(context.Context, Maker) error
	// Begun is an error when the folder holds no runs of this experiment that could be measured.
	Begun() error
	// Make makes the runs that are missing.
	Make(context.Context, Maker, func(Progress)) error
	// Finish measures the runs that are there, and writes the results into the experiment's folder.
	Finish(context.Context) (Outcome, error)
}

// Outcome is what came of an experiment, as tables in Markdown and as a value for JSON.
type Outcome interface{ WriteTables(io.Writer) }

// OpenDeterminism prepares the determinism experiment of a plan's file, "" for the paper's, with these types only when
// there are any.
func OpenDeterminism(file string, types []string, o Options) (*Determinism, error) {
	text, err := planText(file)
	if err != nil {
		return nil, err
	}
	plan, text, err := ReadPlan(file, text)
	if err != nil {
		return nil, err
	}
	if len(types) > 0 {
		if err := plan.Only(types); err != nil {
			return nil, fmt.Errorf("--types: %w", err)
		}
	}
	return NewDeterminism(plan, text, o)
}

// OpenFactors prepares the factor experiment of a plan's file, "" for the one that is built in.
func OpenFactors(file string, o Options) (*Factors, error) {
	text, err := planText(file)
	if err != nil {
		return nil, err
	}
	plan, text, err := ReadFactors(file, text)
	if err != nil {
		return nil, err
	}
	return NewFactors(plan, text, o)
}

// planText gives the text of a plan's file, nil for "".
func planText(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	return os.ReadFile(file)
}

// FindEngines gives engines by name, each with the runs that it makes at once: jobs where runs do not disturb each
// other, and else 1.
func FindEngines(names []string, jobs int) ([]Engine, error) {
	var found []Engine
	for _, name := range names {
		e, err := engines.Open(name, engine.Config{})
		if err != nil {
			return nil, err
		}
		one := Engine{Name: e.Name(), Jobs: 1}
		if !e.Disturbs() {
			one.Jobs = e.Jobs(jobs)
		}
		found = append(found, one)
	}
	return found, nil
}

// Do makes the runs of an experiment that are missing, with a runner for each engine. show is told how far it is. What
// keeps the experiment from starting is a runner.RequestError.
func Do(ctx context.Context, s Study, engines []string, c runner.Config, show func(string)) error {
	var state atomic.Value // string: how far the experiment is
	state.Store("")
	runners, err := OpenRunners(engines, c, func(name, stage string) { show(state.Load().(string) + name + ": " + stage) })
	if err != nil {
		return err
	}
	defer runners.Close()
	if err := s.Check(ctx, runners); err != nil {
		return runner.RequestError{Err: err}
	}
	err = s.Make(ctx, runners, func(p Progress) {
		state.Store(p.String() + "; ")
		show(p.String())
	})
	if ctx.Err() != nil {
		return errors.New("interrupted; the same command goes on where it was")
	}
	return err
}

// String is for a person who waits.
func (p Progress) String() string {
	text := fmt.Sprintf("%d of %d runs", p.Done, p.All)
	if p.Left > 0 {
		text += ", about " + runner.Rounded(p.Left).String() + " left"
	}
	return text
}

// Finish implements Study.
func (d *Determinism) Finish(ctx context.Context) (Outcome, error) {
	r, err := d.Measure(ctx)
	if err != nil {
		return nil, err
	}
	return r, d.Write(r)
}

// Finish implements Study.
func (f *Factors) Finish(ctx context.Context) (Outcome, error) {
	r, err := f.Measure(ctx)
	if err != nil {
		return nil, err
	}
	return r, f.Write(r)
}
