package main

import (
	"errors"
	"io"
	"os"
	"strings"

	"detgen/model"
	"detgen/probe"
	"detgen/report"

	"github.com/spf13/cobra"
)

// probeFlags are the flags of everything that asks a model.
type probeFlags struct {
	model, out, fix string
	threshold       float64
	options         probe.Options
	open            model.Options
}

func (f *probeFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.model, "model", "", `the model: a file of scores (.csv), "cmd:COMMAND", a file .onnx, a saved model, or suricata[:rules=FILE]`)
	f.addReport(cmd)
	cmd.Flags().IntVar(&f.options.Draws, "draws", 2000, "permutations and bootstrap samples")
	modelFlags(cmd, &f.open)
}

// addReport adds the flags of what is written and printed.
func (f *probeFlags) addReport(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.out, "output", "o", "", "a new folder for the report, its tables and figures (default: print only)")
	cmd.Flags().Uint64Var(&f.options.Seed, "seed", 1, "of everything that is drawn")
	cmd.Flags().Bool("json", false, "print the report as JSON")
}

// addCorrect adds the flag of a correction between captures and model.
func (f *probeFlags) addCorrect(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.fix, "correct", "", "a correction of what the model sees: T1 to T5")
}

// addThreshold adds the flags of a correction and of a threshold.
func (f *probeFlags) addThreshold(cmd *cobra.Command) {
	f.addCorrect(cmd)
	cmd.Flags().Float64Var(&f.threshold, "threshold", 0, "score from which a connection is called an attack (default: the model's, else the geometric mean)")
}

// ask opens the model.
func (f *probeFlags) ask(cmd *cobra.Command) (model.Model, error) {
	if cmd.Flags().Changed("threshold") {
		f.options.Threshold = &f.threshold
	}
	if err := f.options.CorrectBy(f.fix); err != nil {
		return nil, err
	}
	m, err := model.Open(f.model, f.open)
	return m, badRequest(err)
}

// newProbe is "detgen probe": what a model gets wrong, and what that goes with.
func newProbe() *cobra.Command {
	var f probeFlags
	var below, above []string
	cmd := &cobra.Command{
		Use:   "probe DATASET --model M -o DIR",
		Short: "Relate a model's errors to the labels of a dataset: performance, ranked labels, worst slices",
		Long: `Probe asks a model for a score of each connection of a dataset, a run directory or a table of flows, and tells how well
it does, which labels its errors go with, and on which parts of the dataset it is worst. It ends with 1 when a bound of
--fail-below or --fail-above is broken, so that it can guard a build.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			gates, err := probe.ParseGates(below, above)
			if err != nil {
				return err
			}
			m, err := f.ask(cmd)
			if err != nil {
				return err
			}
			defer m.Close()
			r, err := probe.Run(cmd.Context(), args[0], m, f.options)
			if err != nil {
				return err
			}
			return errors.Join(f.show(cmd, r, nil), r.Pass(gates))
		},
	}
	f.add(cmd)
	f.addThreshold(cmd)
	cmd.Flags().StringVar(&f.options.Split, "split", "", "only connections of this split of the dataset")
	cmd.Flags().StringSliceVar(&f.options.Labels, "labels", nil, "columns to relate errors to (default: the dataset's factors and labels)")
	cmd.Flags().StringSliceVar(&f.options.Ignore, "ignore", nil, "labels to leave out")
	cmd.Flags().StringSliceVar(&below, "fail-below", nil, "NAME=NUMBER: fail when it is lower: "+strings.Join(probe.Gated(), ", "))
	cmd.Flags().StringSliceVar(&above, "fail-above", nil, "NAME=NUMBER: fail when it is higher: fpr=0.01")
	cmd.AddCommand(newProbeSweep(), newProbeTwin(), newProbeCorrect(), newProbeCard(), newProbeCompare())
	return cmd
}

// judge opens the model, judges it and shows what came of it.
func (f *probeFlags) judge(cmd *cobra.Command, judge func(model.Model) (probe.Result, error)) error {
	m, err := f.ask(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	r, err := judge(m)
	return f.show(cmd, r, err)
}

// show writes a result where it is asked for, and prints it, unless err tells why there is none.
func (f *probeFlags) show(cmd *cobra.Command, r probe.Result, err error) error {
	if err != nil {
		return err
	}
	if f.out != "" {
		if err := errors.Join(r.Write(f.out), report.WriteCommand(f.out, commandLine())); err != nil {
			return err
		}
	}
	return printResult(cmd, r, func(out io.Writer) error { return r.WriteText(out, f.out) })
}

// commandLine is the command that is running, for the page of its results.
func commandLine() []string { return append([]string{"detgen"}, os.Args[1:]...) }
