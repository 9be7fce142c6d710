package main

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"runtime"

	"detgen/engine/engines"
	"detgen/experiment"
	"detgen/similarity"

	"github.com/spf13/cobra"
)

// newExperiment is "detgen experiment": the paper's experiments.
func newExperiment() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "experiment",
		Short: "Do the paper's experiments again: determinism (section 5), factors (section 3), probing (section 2), mirror (Fig. 8)",
	}
	cmd.AddCommand(newDeterminism(), newFactors(), newProbing(), newMirrorProbing())
	return cmd
}

// experimentFlags are the flags of both experiments.
type experimentFlags struct {
	experiment.Options
	makerFlags
	plan    string
	measure bool
}

func (f *experimentFlags) add(cmd *cobra.Command, samples int, engines []string) {
	f.Measure = similarity.NewOptions()
	addSimilarity(cmd, &f.Measure)
	f.imageFlags.add(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&f.Dir, "output", "o", "", "the folder for runs and results; one that was interrupted goes on (default: a folder under runs/ named after the experiment)")
	flags.StringVar(&f.plan, "plan", "", "read the plan from this file instead of the one that is built in")
	flags.IntVar(&f.Samples, "samples", samples, "runs of each setting on each engine")
	flags.IntVar(&f.Pairs, "pairs", 100, "pairs of runs that are compared, drawn at random")
	flags.StringSliceVar(&f.Names, "engines", engines, "where labs run: live, exact, vm")
	flags.Uint64Var(&f.Seed, "seed", 1, "seed from which those of the runs and the pairs are drawn")
	flags.IntVar(&f.Jobs, "jobs", runtime.NumCPU(), "runs of the exact engine at once; those of others are made one by one, as each would be a load on the other")
	flags.BoolVar(&f.measure, "measure", false, "make no runs, measure those that are there")
	flags.Bool("json", false, "print the result as JSON")
}

// run does the experiment that open prepares.
func (f *experimentFlags) run(cmd *cobra.Command, open func() (experiment.Study, error)) error {
	f.Dir = cmp.Or(f.Dir, filepath.Join("runs", cmd.Name()))
	study, err := open()
	if err != nil {
		return badRequest(err)
	}
	how := experiment.Doing{Runner: f.config(cmd), Measure: f.measure, Command: commandLine(), Line: tell(cmd)}
	result, err := experiment.Run(cmd.Context(), study, f.Options, how)
	if err != nil {
		return err
	}
	return printResult(cmd, result, func(out io.Writer) error {
		result.WriteTables(out)
		_, err := fmt.Fprintf(out, "Tables, figures, JSON and CSV are in %s.\n", f.Dir)
		return err
	})
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
			return flags.run(cmd, func() (experiment.Study, error) { return experiment.OpenDeterminism(flags.plan, types, flags.Options) })
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
		Short: "Change one factor, and compare how far traffic moves with how far it moves when nothing changes (section 3)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return flags.run(cmd, func() (experiment.Study, error) { return experiment.OpenFactors(flags.plan, flags.Options) })
		},
	}
	flags.add(cmd, 10, engines.Names[:1])
	return cmd
}
