package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"detgen/engine/exact"
	"detgen/engine/live"
	"detgen/engine/vm"
	"detgen/experiment"
	"detgen/record"
	"detgen/scenario"
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
	for _, e := range f.engines {
		switch e {
		case live.Name, vm.Name:
			o.Engines = append(o.Engines, experiment.Engine{Name: e, Jobs: 1})
		case exact.Name:
			o.Engines = append(o.Engines, experiment.Engine{Name: e, Jobs: f.jobs})
		default:
			return o, nil, fmt.Errorf("--engines %q: must be live, exact or vm", e)
		}
	}
	if f.plan == "" {
		return o, nil, nil
	}
	text, err := os.ReadFile(f.plan)
	return o, text, err
}

// experimenter makes the runs of an experiment: a maker for each engine.
type experimenter struct {
	context  context.Context // of the command; checks may make the exact engine's snapshot
	makers   map[string]*maker
	checked  map[[2]string]bool // engines and link drivers
	progress *progress
	state    atomic.Value // string: how far the experiment is
}

func (f *experimentFlags) experimenter(cmd *cobra.Command, engines []experiment.Engine) (*experimenter, error) {
	x := &experimenter{context: cmd.Context(), makers: map[string]*maker{}, checked: map[[2]string]bool{}, progress: newProgress(cmd.ErrOrStderr())}
	x.state.Store("")
	for _, e := range engines {
		with := f.makerFlags
		with.engine = e.Name
		m, err := with.open(slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)), cmd.ErrOrStderr())
		if err != nil {
			x.close()
			return nil, err
		}
		x.makers[e.Name] = m
	}
	return x, nil
}

func (x *experimenter) close() {
	for _, m := range x.makers {
		m.close()
	}
}

func (x *experimenter) resolve(r *experiment.Request) (*record.Run, error) {
	spec, err := scenario.ReadSpec(r.Name, r.Spec)
	if err != nil {
		return nil, err
	}
	return x.makers[r.Engine].resolve(spec, r.Seed)
}

// Check finds what is wrong with a run that is asked for, and what the machine lacks for it.
func (x *experimenter) Check(r *experiment.Request) error {
	run, err := x.resolve(r)
	if err != nil {
		return err
	}
	if r.Host != "" && !slices.ContainsFunc(run.Hosts, func(h record.Host) bool { return h.Name == r.Host }) {
		return fmt.Errorf("host %q: the task has none of that name", r.Host)
	}
	on := [2]string{r.Engine, run.LinkDriver}
	if x.checked[on] {
		return nil
	}
	x.checked[on] = true
	return x.makers[r.Engine].check(x.context, run.LinkDriver)
}

// Make makes a run.
func (x *experimenter) Make(ctx context.Context, r *experiment.Request) error {
	run, err := x.resolve(r)
	if err != nil {
		return err
	}
	made, err := x.makers[r.Engine].make(ctx, run, r.Dir, func(stage string) { x.progress.show(x.state.Load().(string) + r.Name + ": " + stage) })
	if made != nil { // a run that failed is a result too
		return nil
	}
	return err
}

// study is an experiment that can be done.
type study interface {
	Check(experiment.Maker) error
	Begun() error
	Make(context.Context, experiment.Maker, func(experiment.Progress)) error
}

// make checks an experiment and makes its runs.
func (f *experimentFlags) make(cmd *cobra.Command, o experiment.Options, s study) error {
	if f.measure {
		return badRequest(s.Begun())
	}
	x, err := f.experimenter(cmd, o.Engines)
	if err != nil {
		return err
	}
	defer x.close()
	if err := s.Check(x); err != nil {
		return badRequest(err)
	}
	err = s.Make(cmd.Context(), x, func(p experiment.Progress) {
		state := fmt.Sprintf("%d of %d runs", p.Done, p.All)
		if p.Left > 0 {
			state += ", about " + p.Left.Round(time.Second).String() + " left"
		}
		x.state.Store(state + "; ")
		x.progress.show(state)
	})
	x.progress.clear()
	if cmd.Context().Err() != nil {
		return errors.New("interrupted; the same command goes on where it was")
	}
	return err
}

// print prints a result.
func (f *experimentFlags) print(cmd *cobra.Command, result any, tables func(io.Writer), dir string) error {
	if f.asJSON {
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetIndent("", "  ")
		return encoder.Encode(result)
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
	flags.add(cmd, 100, []string{live.Name, exact.Name})
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
	flags.add(cmd, 10, []string{live.Name})
	return cmd
}
