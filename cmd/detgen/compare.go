package main

import (
	"errors"
	"io"

	"detgen/flow"
	"detgen/similarity"

	"github.com/spf13/cobra"
)

// newCompare is "detgen compare": how alike captures are.
func newCompare() *cobra.Command {
	flags := compareFlags{Options: similarity.NewOptions()}
	cmd := &cobra.Command{
		Use:   "compare PCAP|DIR... [-- PCAP|DIR...]",
		Short: "Say how alike captures are: the paper's three dissimilarities, and exact measures",
		Long: `Compare reads captures or run directories, one sample each, and compares all pairs
within the samples before "--", within those after it, and between the two groups.
All numbers are 0 for equal samples and at most 1; AUC is the probability that a pair
between the groups scores higher than one within a group. Of a run directory the capture of
one host is compared, from the start of the task on. docs/determinism.md describes the measures.`,
		RunE: flags.run,
	}
	addSimilarity(cmd, &flags.Options)
	f := cmd.Flags()
	f.StringVar(&flags.host, "host", "", "the host of run directories whose capture is compared (default: that of the task's first script)")
	f.StringArrayVar(&flags.reference, "reference", nil, "take the scales from this capture or run directory too (repeatable)")
	f.BoolVar(&flags.asJSON, "json", false, "print the result as JSON")
	addUnchecked(cmd, &flags.Unchecked)
	return cmd
}

// addSimilarity adds the flags that choose the measures.
func addSimilarity(cmd *cobra.Command, o *similarity.Options) {
	choose(cmd, &o.Flow.Mode, flow.ParseMode, "mode", "whose connections and statistics: default, cic2017, cic2021, cic-fixed or cns2022")
	choose(cmd, &o.Scale, similarity.ParseScale, "scale", "of statistics before the cosine: minmax, log-minmax or raw")
	choose(cmd, &o.Pairing, similarity.ParsePairing, "pairing", "of connections, in the order of their starts: aligned (one more in between moves no other) or order")
	choose(cmd, &o.Fit, similarity.ParseFit, "fit", "of packets' transition probabilities: pairwise (on each sample) or group (on all)")
	cmd.Flags().DurationVar(&o.Window, "window", o.Window, "length of a window of connections; 0: the whole sample")
	cmd.Flags().IntVar(&o.Packets, "packets", o.Packets, "packets of a connection that make a sequence")
}

type compareFlags struct {
	similarity.Options
	host      string
	reference []string
	asJSON    bool
}

func (f *compareFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.Validate(); err != nil {
		return badRequest(err)
	}
	first, second := args, []string(nil)
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		first, second = args[:dash], args[dash:]
	}
	if len(first) == 0 || len(args) < 2 {
		return badRequest(errors.New("compare: name two or more captures or run directories"))
	}
	line := newProgress(cmd.ErrOrStderr())
	defer line.clear()
	var samples [3][]*similarity.Sample
	for i, paths := range [][]string{first, second, f.reference} {
		for _, path := range paths {
			line.show("read " + path)
			s, err := similarity.Read(path, f.host, f.Options)
			if err != nil {
				return badRequest(err)
			}
			samples[i] = append(samples[i], s)
		}
	}
	line.show("compare")
	groups, err := similarity.CompareGroups(cmd.Context(), samples[0], samples[1], samples[2], f.Options)
	line.clear()
	if err != nil {
		return err
	}
	return printResult(cmd, f.asJSON, groups, func(out io.Writer) error { return groups.WriteText(out, f.Options) })
}
