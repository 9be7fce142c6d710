package main

import (
	"detgen/model"
	"detgen/probe"
	"detgen/probe/correct"
	"detgen/runner"

	"github.com/spf13/cobra"
)

// newProbeSweep is "detgen probe sweep": a model along the levels of a factor.
func newProbeSweep() *cobra.Command {
	var f probeFlags
	var o probe.SweepOptions
	cmd := &cobra.Command{
		Use:   "sweep DATASET --by FACTOR --model M -o DIR",
		Short: "Judge a model along the levels of one factor, or two: where detection falls, and through what",
		Long: `The dataset is one whose plan varies the factor in a design, so that the same seeds are at every level. Beside each
level stands what was measured: the round trip, and the retransmissions that there really were.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.judge(cmd, func(m model.Model) (probe.Result, error) {
				o.Options = f.options
				return probe.Sweep(cmd.Context(), args[0], m, o)
			})
		},
	}
	f.add(cmd)
	f.addThreshold(cmd)
	cmd.Flags().StringSliceVar(&o.By, "by", nil, "the factor, or two: a column of the dataset, as link.all.both.delay")
	cmd.Flags().Float64Var(&o.Below, "below", 0.9, "look for the level at which detection falls below this share")
	return cmd
}

// newProbeTwin is "detgen probe twin": a model step by step over two runs.
func newProbeTwin() *cobra.Command {
	var f probeFlags
	var o probe.TwinOptions
	cmd := &cobra.Command{
		Use:   "twin TWINS --model M -o DIR",
		Short: "Compare a model's output step by step over two runs that differ in one factor",
		Long:  `TWINS is a folder that "detgen twin" made. Placebos are such folders whose runs do not differ: they give the noise.`,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.judge(cmd, func(m model.Model) (probe.Result, error) {
				o.Threshold, o.Change = f.options.Threshold, f.options.Change
				return probe.Twin(cmd.Context(), args[0], m, o)
			})
		},
	}
	f.add(cmd)
	f.addThreshold(cmd)
	cmd.Flags().StringSliceVar(&o.Placebo, "placebo", nil, "folders of twins whose runs do not differ")
	cmd.Flags().IntVar(&o.Connection, "connection", 0, "number of the connection in its run (default: the main activity's with most packets)")
	return cmd
}

// correctFlags are the flags of commands that judge a correction.
type correctFlags struct {
	probeFlags
	transform, retrained, augmented string
}

func (f *correctFlags) add(cmd *cobra.Command) {
	f.probeFlags.add(cmd)
	cmd.Flags().StringVar(&f.transform, "transform", "T1", "the correction: T1 to T5")
	cmd.Flags().StringVar(&f.retrained, "retrained", "", "arm C: the model trained on corrected sequences")
	cmd.Flags().StringVar(&f.augmented, "augmented", "", "arm E: the model trained on sequences with retransmissions put in")
}

// judge opens the model and those of the arms, judges them and shows what came of it.
func (f *correctFlags) judge(cmd *cobra.Command, o *probe.CorrectOptions, judge func(model.Model) (probe.Result, error)) error {
	models, err := o.Open(f.transform, f.open, f.model, f.retrained, f.augmented)
	if err != nil {
		return err
	}
	defer models.Close()
	o.Options = f.options
	r, err := judge(models[0])
	return f.show(cmd, r, err)
}

// newProbeCorrect is "detgen probe correct": a model before and after a correction of what it sees.
func newProbeCorrect() *cobra.Command {
	var f correctFlags
	var o probe.CorrectOptions
	cmd := &cobra.Command{
		Use:   "correct DATASET --transform T1 --model M -o DIR",
		Short: "Judge a model before and after a correction of what it sees, with a control",
		Long:  "Corrections:\n" + correct.List(),
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.judge(cmd, &o, func(m model.Model) (probe.Result, error) { return probe.Correct(cmd.Context(), args[0], m, o) })
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&o.Band, "band", "", "a factor whose levels are judged by themselves, as link.all.both.delay")
	return cmd
}

// newProbeCard is "detgen probe card": what a model loses when one thing changes.
func newProbeCard() *cobra.Command {
	var f probeFlags
	var with makerFlags
	var o probe.CardOptions
	cmd := &cobra.Command{
		Use:   "card DATASET --benign TASK --attack TASK --model M -o DIR",
		Short: "Say how robust a model is: a fixed battery of factors, up to five severities each",
		Long: `The battery is made once, in the folder DATASET, from the tasks that are named; the same command goes on with it. Without
tasks the dataset must be there. Several cards are compared with "probe compare".`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.judge(cmd, func(m model.Model) (probe.Result, error) {
				o.Options, o.Engine = f.options, with.engine
				line := tell(cmd)
				o.Build.Report = runner.Follow(line)
				if err := probe.BuildCard(cmd.Context(), args[0], with.config(cmd), o); err != nil {
					return nil, err
				}
				line.Clear()
				return probe.MakeCard(cmd.Context(), args[0], m, o)
			})
		},
	}
	f.add(cmd)
	f.addCorrect(cmd)
	with.add(cmd)
	cmd.Flags().StringSliceVar(&o.Benign, "benign", nil, "benign tasks to make the battery of")
	cmd.Flags().StringSliceVar(&o.Attacks, "attack", nil, "attacks to make the battery of")
	cmd.Flags().StringSliceVar(&o.Factors, "factors", nil, "only these factors of the battery, as background,loss (default: all)")
	cmd.Flags().IntVar(&o.Runs, "runs", 5, "runs of each task at each point of the battery")
	cmd.Flags().IntVar(&o.Build.Parallel, "jobs", 2, "runs at once")
	return cmd
}

// newProbeCompare is "detgen probe compare": cards side by side.
func newProbeCompare() *cobra.Command {
	var figure string
	cmd := &cobra.Command{
		Use:   "compare CARD...",
		Short: "Put robustness cards side by side",
		Args:  cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			cards, err := probe.ReadCards(args)
			if err == nil && figure != "" {
				err = cards.Draw(figure)
			}
			if err != nil {
				return err
			}
			return cards.WriteText(cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&figure, "figure", "", "draw them too: *.svg or *.png")
	return cmd
}

// newProbing is "detgen experiment probing": section 2 of the paper again.
func newProbing() *cobra.Command {
	var f correctFlags
	var o probe.PaperOptions
	cmd := &cobra.Command{
		Use:   "probing DATASET --model M -o DIR",
		Short: "Probe a model as the paper does (section 2), steps 1 to 5, beside the paper's values",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.judge(cmd, &o.CorrectOptions, func(m model.Model) (probe.Result, error) {
				return probe.Paper(cmd.Context(), args[0], m, o)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.options.Split, "split", "", "only connections of this split of the dataset")
	cmd.Flags().StringVar(&o.Band, "latency", "link.all.both.delay", "the factor that is the latency")
	cmd.Flags().StringVar(&o.Twins, "twins", "", "a folder of twins, for step 4 (Fig. 3)")
	cmd.Flags().StringSliceVar(&o.Placebo, "placebo", nil, "folders of twins whose runs do not differ")
	return cmd
}

// newMirrorProbing is "detgen experiment mirror": Fig. 8 of the paper again.
func newMirrorProbing() *cobra.Command {
	var f probeFlags
	var epochs int
	cmd := &cobra.Command{
		Use:   "mirror REAL.csv DATASET -o DIR",
		Short: "Train CBAM on real benign sessions, and ask it about those of a dataset (the paper's Fig. 8)",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := probe.Mirror(cmd.Context(), args[0], args[1], f.options, epochs, tell(cmd).Show)
			return f.show(cmd, r, err)
		},
	}
	f.addReport(cmd)
	cmd.Flags().IntVar(&epochs, "epochs", 30, "how often each session is seen")
	return cmd
}
