package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"detgen/engine"
	"detgen/engine/engines"
	"detgen/experiment"
	"detgen/similarity"

	"github.com/spf13/cobra"
)

// newExperiment is "detgen experiment": the paper's experiments.
func newExperiment() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "experiment",
		Short: "Do the paper's experiments again: determinism (section 5), factors (section 3)",
	}
	cmd.AddCommand(newDeterminism(), newFactors())
	return cmd
}

// experimentFlags are the flags of both experiments.
type experimentFlags struct {
	similarityFlags
	makerFlags
	out, plan      string
	samples, pairs int
	engines        []string
	seed           uint64
	jobs           int
	measure        bool
	asJSON         bool
}

func (f *experimentFlags) add(cmd *cobra.Command, samples int, engines []string) {
	f.similarityFlags.options = similarity.NewOptions()
	f.similarityFlags.add(cmd)
	f.imageFlags.add(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "output", "o", "", "the folder for runs and results; one that was interrupted goes on (default: a folder under runs/ named after the experiment)")
	flags.StringVar(&f.plan, "plan", "", "read the plan from this file instead of the one that is built in")
	flags.IntVar(&f.samples, "samples", samples, "runs of each setting on each engine")
	flags.IntVar(&f.pairs, "pairs", 100, "pairs of runs that are compared, drawn at random")
	flags.StringSliceVar(&f.engines, "engines", engines, "where labs run: live, exact, vm")
	flags.Uint64Var(&f.seed, "seed", 1, "seed from which those of the runs and the pairs are drawn")
	flags.IntVar(&f.jobs, "jobs", runtime.NumCPU(), "runs of the exact engine at once; those of others are made one by one, as each would be a load on the other")
	flags.BoolVar(&f.measure, "measure", false, "make no runs, measure those that are there")
	flags.BoolVar(&f.asJSON, "json", false, "print the result as JSON")
}

// options checks the flags. name is the default folder's.
func (f *experimentFlags) options(name string) (experiment.Options, []byte, error) {
	o := experiment.Options{Dir: f.out, Samples: f.samples, Pairs: f.pairs, Seed: f.seed}
	var err error
	if o.Measure, err = f.similarityFlags.resolve(); err != nil {
		return o, nil, err
	}
	if o.Dir == "" {
		o.Dir = filepath.Join("runs", name)
	}
	for _, name := range f.engines {
		e, err := engines.Open(name, engine.Config{})
		if err != nil {
			return o, nil, fmt.Errorf("--engines: %w", err)
		}
		jobs := 1
		if !e.Disturbs() {
			jobs = e.Jobs(f.jobs)
		}
		o.Engines = append(o.Engines, experiment.Engine{Name: e.Name(), Jobs: jobs})
	}
	if f.plan == "" {
		return o, nil, nil
	}
	text, err := os.ReadFile(f.plan)
	return o, text, err
}

// study is an experiment that can be done.
type study interface {
	Check(context.Context, experiment.Maker) error
	Begun() error
	Make(context.Context, experiment.Maker, func(experiment.Progress)) error
}

// make checks an experiment and makes its runs.
func (f *experimentFlags) make(cmd *cobra.Command, o experiment.Options, s study) error {
	if f.measure {
		return badRequest(s.Begun())
	}
	progress := newProgress(cmd.ErrOrStderr())
	var state atomic.Value // string: how far the experiment is
	state.Store("")
	runners, err := experiment.OpenRunners(f.engines, f.config(cmd), func(name, stage string) { progress.Stage(state.Load().(string)+name, stage) })
	if err != nil {
		return err
	}
	defer runners.Close()
	if err := s.Check(cmd.Context(), runners); err != nil {
		return badRequest(err)
	}
	err = s.Make(cmd.Context(), runners, func(p experiment.Progress) {
		state.Store(fmt.Sprintf("%d of %d runs; ", p.Done, p.All))
		progress.Left("runs", p.Done, p.All, p.Left)
	})
	progress.Clear()
	if cmd.Context().Err() != nil {
		return errors.New("interrupted; the same command goes on where it was")
	}
	return err
}

// print prints a result.
func (f *experimentFlags) print(cmd *cobra.Command, result any, tables func(io.Writer), dir string) error {
	if f.asJSON {
		return printJSON(cmd.OutOrStdout(), result)
	}
	tables(cmd.OutOrStdout())
	fmt.Fprintf(cmd.OutOrStdout(), "Tables, figures, JSON and CSV are in %s.\n", dir)
	return nil
}

// newDeterminism is "detgen experiment determinism".
func newDeterminism() *cobra.Command {
	var flags experimentFlags
	var types []string
	cmd := &cobra.Command{
		Use:   "determinism",
		Short: "Make the same runs again and again, and say how alike they are (the paper's section 5)",
		Long: `Determinism makes samples of three types of traffic in four configurations each, on each engine, and compares
random pairs of samples of the same configuration. docs/determinism.md says how, and what comes out. It goes on where it was
when it is started again with the same folder.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, text, err := flags.options("determinism")
			if err != nil {
				return badRequest(err)
			}
			plan, text, err := experiment.ReadPlan(flags.plan, text)
			if err != nil {
				return badRequest(err)
			}
			if len(types) > 0 {
				if err := plan.Only(types); err != nil {
					return badRequest(fmt.Errorf("--types: %w", err))
				}
			}
			d, err := experiment.NewDeterminism(plan, text, o)
			if err != nil {
				return badRequest(err)
			}
			if err := flags.make(cmd, o, d); err != nil {
				return err
			}
			result, err := d.Measure(cmd.Context())
			if err != nil {
				return err
			}
			if err := d.Write(result); err != nil {
				return err
			}
			return flags.print(cmd, result, result.WriteTables, o.Dir)
		},
	}
	flags.add(cmd, 100, engines.Names[:2])
	cmd.Flags().StringSliceVar(&types, "types", nil, "only these types of the plan")
	return cmd
}

// newFactors is "detgen experiment factors".
func newFactors() *cobra.Command {
	var flags experimentFlags
	cmd := &cobra.Command{
		Use:   "factors",
		Short: "Change one factor, and say how far traffic moves beside how far it moves when nothing changes (section 3)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, text, err := flags.options("factors")
			if err != nil {
				return badRequest(err)
			}
			plan, text, err := experiment.ReadFactors(flags.plan, text)
			if err != nil {
				return badRequest(err)
			}
			f, err := experiment.NewFactors(plan, text, o)
			if err != nil {
				return badRequest(err)
			}
			if err := flags.make(cmd, o, f); err != nil {
				return err
			}
			result, err := f.Measure(cmd.Context())
			if err != nil {
				return err
			}
			if err := f.Write(result); err != nil {
				return err
			}
			return flags.print(cmd, result, result.WriteTables, o.Dir)
		},
	}
	flags.add(cmd, 10, engines.Names[:1])
	return cmd
}
