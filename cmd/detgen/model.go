package main

import (
	"errors"
	"fmt"

	"detgen/model"
	"detgen/model/check"
	"detgen/model/items"

	"github.com/spf13/cobra"
)

// newModel is "detgen model": what gives scores to connections.
func newModel() *cobra.Command {
	cmd := &cobra.Command{Use: "model", Short: "Train models that score connections, and check anybody's"}
	cmd.AddCommand(newModelCheck())
	return cmd
}

// modelFlags adds the flags with which models are opened.
func modelFlags(cmd *cobra.Command, o *model.Options) {
	cmd.Flags().DurationVar(&o.Timeout, "timeout", 0, "how long a command may take for a batch (default 2m)")
	cmd.Flags().StringVar(&o.Runtime, "onnxruntime", "", "ONNX Runtime's shared library (default: ONNXRUNTIME_LIB, or that of Python's package)")
}

// newModelCheck is "detgen model check".
func newModelCheck() *cobra.Command {
	var opening model.Options
	var o check.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check MODEL DATASET",
		Short: "Find what bites: scores that change, are upside down or no numbers, cut items, columns that do not matter",
		Long: `MODEL is a file of scores (.csv), "cmd:COMMAND", an ONNX file, or a model that "detgen model
train" saved; DATASET a dataset, a run directory or a table of flows. docs/models.md tells
how to connect a model. Ends with 1 when there is a fault.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := items.Open(args[1])
			if err != nil {
				return badRequest(err)
			}
			m, err := model.Open(args[0], opening)
			if err != nil {
				return badRequest(err)
			}
			defer m.Close()
			report, err := check.Run(cmd.Context(), m, d, o)
			if report == nil {
				return badRequest(err)
			}
			err = errors.Join(err, printResult(cmd, asJSON, report, report.WriteText))
			if n := report.Faults(); n > 0 {
				err = errors.Join(err, fmt.Errorf("%d faults", n))
			}
			return err
		},
	}
	modelFlags(cmd, &opening)
	cmd.Flags().Uint64Var(&o.Seed, "seed", 0, "of the items that are drawn")
	cmd.Flags().IntVar(&o.Sample, "sample", 2000, "items that are scored, at most")
	cmd.Flags().StringVar(&o.Split, "split", "", "only connections of this split")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
