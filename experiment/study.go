package experiment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"detgen/engine"
	"detgen/engine/engines"
	"detgen/internal/beneath"
	"detgen/internal/progress"
	"detgen/internal/strictyaml"
	"detgen/report"
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
	text, err := o.open(file)
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
	text, err := o.open(file)
	if err != nil {
		return nil, err
	}
	plan, text, err := ReadFactors(file, text)
	if err != nil {
		return nil, err
	}
	return NewFactors(plan, text, o)
}

// open finds the engines by their names, and reads the text of a plan's file: nil for "".
func (o *Options) open(file string) (text []byte, err error) {
	if o.Engines, err = findEngines(o.Names, o.Jobs); err != nil {
		return nil, fmt.Errorf("--engines: %w", err)
	}
	if file == "" {
		return nil, nil
	}
	return beneath.ReadNamed(file, strictyaml.MaxSize)
}

// findEngines gives engines by name, each with the runs that it makes at once: jobs where runs do not disturb each
// other, and else 1.
func findEngines(names []string, jobs int) ([]Engine, error) {
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

// Doing says how an experiment is done.
type Doing struct {
	Runner  runner.Config  // what makes its runs
	Measure bool           // make no runs, measure those that are there
	Command []string       // that does it, for the page of the results
	Line    *progress.Line // says how far it is
}

// Run makes the runs of an experiment that are missing, and measures them. o are the options that it was opened with.
func Run(ctx context.Context, s Study, o Options, d Doing) (Outcome, error) {
	if d.Measure {
		if err := s.Begun(); err != nil {
			return nil, runner.RequestError{Err: err}
		}
		return s.Finish(ctx)
	}
	err := do(ctx, s, o.Names, d.Runner, d.Line.Show)
	d.Line.Clear()
	if err == nil {
		err = report.WriteCommand(o.Dir, d.Command)
	}
	if err != nil {
		return nil, err
	}
	return s.Finish(ctx)
}

// do makes the runs of an experiment that are missing, with a runner for each engine. show is told how far it is. What
// keeps the experiment from starting is a runner.RequestError.
func do(ctx context.Context, s Study, engines []string, c runner.Config, show func(string)) error {
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
		text += ", about " + progress.Round(p.Left).String() + " left"
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
