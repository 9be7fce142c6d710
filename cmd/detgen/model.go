package main

import (
	"errors"
	"strings"

	"detgen/image"
	"detgen/model"
	"detgen/model/check"
	"detgen/model/export"
	"detgen/model/items"
	"detgen/model/train"
	"detgen/probe/correct"
	"detgen/runner"

	"github.com/spf13/cobra"
)

// newModel is "detgen model": what gives scores to connections.
func newModel() *cobra.Command {
	cmd := &cobra.Command{Use: "model", Short: "Train models that score connections, and check anybody's"}
	cmd.AddCommand(newModelTrain(), newModelCheck())
	return cmd
}

// modelFlags adds the flags with which models are opened.
func modelFlags(cmd *cobra.Command, o *model.Options) {
	o.Image = func(name string) (*model.Image, error) {
		return runner.OneImage(cmd.Context(), name, image.Lines(cmd.ErrOrStderr()))
	}
	cmd.Flags().DurationVar(&o.Timeout, "timeout", 0, "how long a command may take for a batch (default 2m)")
	cmd.Flags().StringVar(&o.Runtime, "onnxruntime", "", "ONNX Runtime's shared library (default: ONNXRUNTIME_LIB, or that of Python's package)")
}

// newModelCheck is "detgen model check".
func newModelCheck() *cobra.Command {
	var opening model.Options
	var o check.Options
	cmd := &cobra.Command{
		Use:   "check MODEL DATASET",
		Short: "Find what bites: scores that change, are upside down or no numbers, cut items, columns that do not matter",
		Long: `MODEL is a file of scores (.csv), "cmd:COMMAND", an ONNX file, a model that "detgen model
train" saved, or suricata; DATASET a dataset, a run directory or a table of flows. docs/models.md
tells how to connect a model. Ends with 1 when there is a fault.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := check.Named(cmd.Context(), args[0], opening, args[1], o)
			if report == nil {
				return err
			}
			return errors.Join(err, printFindings(cmd, report))
		},
	}
	modelFlags(cmd, &opening)
	cmd.Flags().Uint64Var(&o.Seed, "seed", 0, "of the items that are drawn")
	cmd.Flags().IntVar(&o.Sample, "sample", 2000, "items that are scored, at most")
	cmd.Flags().StringVar(&o.Split, "split", "", "only connections of this split")
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

// newModelTrain is "detgen model train".
func newModelTrain() *cobra.Command {
	var o train.Options
	var to, onnx, fix string
	var share float64
	cmd := &cobra.Command{
		Use:   "train " + strings.Join(train.Kinds(), "|") + " DATASET -o FILE.model",
		Short: "Train a random forest on flow rows, an LSTM on packet sequences, KitNET on either, CBAM on sessions of connections",
		Long:  "The same dataset, flags and seed give the same file. docs/models.md describes the models and the file.",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := items.Open(args[1])
			if err != nil {
				return badRequest(err)
			}
			if o.Correct, o.Augment, err = correct.Training(o.Seed, fix, share); err != nil {
				return badRequest(err)
			}
			o.Report = tell(cmd).Show
			result, err := train.Run(cmd.Context(), args[0], d, o)
			if err != nil {
				return err
			}
			if err := export.Save(result.Saved, to, onnx); err != nil {
				return err
			}
			return printResult(cmd, result, result.WriteText)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&to, "output", "o", "", "the file, whose name ends in .model")
	f.StringVar(&onnx, "onnx", "", "write it as an ONNX file too, with its manifest beside it")
	f.Uint64Var(&o.Seed, "seed", 1, "of everything that is drawn")
	f.StringVar(&o.Split, "split", "", "only connections of this split")
	f.IntVar(&o.Epochs, "epochs", 0, "how often each item is seen (default: lstm 20, kitnet 1, cbam 30)")
	f.IntVar(&o.Cells, "cells", 0, "memory cells of a layer (default: lstm 64, cbam 25)")
	f.IntVar(&o.MaxSteps, "max-steps", 200, "packets of a connection that are looked at")
	f.StringVar(&o.Recipe, "recipe", "", "how packets become numbers (default: lstm tokens1, kitnet looks at flow rows)")
	f.StringVar(&o.View, "view", "server", "models of packets: whose capture, server, client or tap")
	f.StringVar(&o.Mode, "mode", "default", "models of flow rows: the mode of detgen flows that measures")
	f.StringVar(&fix, "correct", "", "lstm: train on sequences that are corrected, T1 to T5 (arm C of probe correct)")
	f.Float64Var(&share, "augment", 0, "lstm: train on each sequence again with this share of its segments sent twice (arm E)")
	f.IntVar(&o.Trees, "trees", 100, "forest: trees")
	f.Bool("json", false, "print JSON")
	cobra.CheckErr(cmd.MarkFlagRequired("output"))
	return cmd
}
