package main

import (
	"io"

	"detgen/flow"
	"detgen/similarity"

	"github.com/spf13/cobra"
)

// newCompare is "detgen compare": how alike captures are.
func newCompare() *cobra.Command {
	var files similarity.Files
	o := similarity.NewOptions()
	cmd := &cobra.Command{
		Use:   "compare PCAP|DIR... [-- PCAP|DIR...]",
		Short: "Say how alike captures are: the paper's three dissimilarities, and exact measures",
		Long: `Compare reads captures or run directories, one sample each, and compares all pairs
within the samples before "--", within those after it, and between the two groups.
All numbers are 0 for equal samples and at most 1; AUC is the probability that a pair
between the groups scores higher than one within a group. Of a run directory the capture of
one host is compared, from the start of the task on. docs/determinism.md describes the measures.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			files.A = args
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				files.A, files.B = args[:dash], args[dash:]
			}
			groups, err := files.Compare(cmd.Context(), o, tell(cmd).Show)
			if err != nil {
				return err
			}
			return printResult(cmd, groups, func(out io.Writer) error { return groups.WriteText(out, o) })
		},
	}
	addSimilarity(cmd, &o)
	f := cmd.Flags()
	f.StringVar(&files.Host, "host", "", "the host of run directories whose capture is compared (default: that of the task's first script)")
	f.StringArrayVar(&files.Reference, "reference", nil, "take the scales from this capture or run directory too (repeatable)")
	f.Bool("json", false, "print the result as JSON")
	addUnchecked(cmd, &o.Unchecked)
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
