package main

import (
	"detgen/probe"
	"detgen/probe/correct"

	"github.com/spf13/cobra"
)

// newProbeSweep is "detgen probe sweep": a model along the levels of a factor.
func newProbeSweep() *cobra.Command {
	var f probeFlags
	var o probe.SweepOptions
	var threshold float64
	cmd := &cobra.Command{
		Use:   "sweep DATASET --by FACTOR --model M -o DIR",
		Short: "Judge a model along the levels of one factor, or two: where detection falls, and through what",
		Long: `The dataset is one whose plan varies the factor in a design, so that the same seeds are at every level. Beside each
level stands what was measured: the round trip, and the retransmissions that there really were.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := f.ask()
			if err != nil {
				return err
			}
			defer m.Close()
			by := o.By
			o.Options = f.options
			o.By = by
			if cmd.Flags().Changed("threshold") {
				o.Threshold = &threshold
			}
			r, err := probe.Sweep(cmd.Context(), args[0], m, o)
			if err != nil {
				return err
			}
			return f.show(cmd, r)
		},
	}
	f.add(cmd)
	cmd.Flags().StringSliceVar(&o.By, "by", nil, "the factor, or two: a column of the dataset, as link.all.both.delay")
	cmd.Flags().Float64Var(&o.Below, "below", 0.9, "look for the level at which detection falls below this share")
	cmd.Flags().Float64Var(&threshold, "threshold", 0, "score from which a connection is called an attack (default: the model's, else the geometric mean)")
	return cmd
}

// newProbeTwin is "detgen probe twin": a model step by step over two runs.
func newProbeTwin() *cobra.Command {
	var f probeFlags
	var o probe.TwinOptions
	var threshold float64
	var change string
	cmd := &cobra.Command{
		Use:   "twin TWINS --model M -o DIR",
		Short: "Compare a model's output step by step over two runs that differ in one factor",
		Long:  `TWINS is a folder that "detgen twin" made. Placebos are such folders whose runs do not differ: they give the noise.`,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := f.ask()
			if err != nil {
				return err
			}
			defer m.Close()
			if cmd.Flags().Changed("threshold") {
				o.Threshold = &threshold
			}
			if change != "" {
				t, err := correct.Named(change)
				if err != nil {
					return badRequest(err)
				}
				o.Change = t.Apply
			}
			r, err := probe.Twin(cmd.Context(), args[0], m, o)
			if err != nil {
				return err
			}
			return f.show(cmd, r)
		},
	}
	f.add(cmd)
	cmd.Flags().StringSliceVar(&o.Placebo, "placebo", nil, "folders of twins whose runs do not differ")
	cmd.Flags().IntVar(&o.Connection, "connection", 0, "number of the connection in its run (default: the main activity's with most packets)")
	cmd.Flags().StringVar(&change, "correct", "", "a correction of what the model sees: T1 to T5")
	cmd.Flags().Float64Var(&threshold, "threshold", 0, "score from which a connection is called an attack (default: the model's)")
	return cmd
}
