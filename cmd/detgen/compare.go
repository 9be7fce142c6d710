package main

import (
	"errors"
	"fmt"

	"detgen/flow"
	"detgen/similarity"

	"github.com/spf13/cobra"
)

// newCompare is "detgen compare": how alike captures are.
func newCompare() *cobra.Command {
	flags := compareFlags{similarityFlags: similarityFlags{options: similarity.NewOptions()}}
	cmd := &cobra.Command{
		Use:   "compare PCAP|DIR... [-- PCAP|DIR...]",
		Short: "Say how alike captures are: the paper's three dissimilarities, and exact measures",
		Long: `Compare reads captures or run directories, one sample each, and compares all pairs
within the samples before "--", within those after it, and between the two groups.
All numbers are 0 for equal samples and at most 1; AUC is the probability that a pair
between the groups scores higher than one within a group. Of a run directory the capture of
one host is compared, from the start of the task on. docs/determinism.md describes the measures.`,
		RunE: func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args) },
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.StringVar(&flags.host, "host", "", "the host of run directories whose capture is compared (default: that of the task's first script)")
	f.StringArrayVar(&flags.reference, "reference", nil, "take the scales from this capture or run directory too (repeatable)")
	f.BoolVar(&flags.asJSON, "json", false, "print the result as JSON")
	addUnchecked(cmd, &flags.options.Unchecked)
	return cmd
}

// similarityFlags are the choices of the measures.
type similarityFlags struct {
	options                   similarity.Options
	mode, scale, pairing, fit string
}

func (f *similarityFlags) add(cmd *cobra.Command) {
	flags, o := cmd.Flags(), &f.options
	flags.StringVar(&f.mode, "mode", o.Flow.Mode.String(), "whose connections and statistics: default, cic2017, cic2021 or cic-fixed")
	flags.StringVar(&f.scale, "scale", o.Scale.String(), "of statistics before the cosine: minmax, log-minmax or raw")
	flags.StringVar(&f.pairing, "pairing", o.Pairing.String(), "of connections, in the order of their starts: aligned (one more in between moves no other) or order")
	flags.StringVar(&f.fit, "fit", o.Fit.String(), "of packets' transition probabilities: pairwise (on each sample) or group (on all)")
	flags.DurationVar(&o.Window, "window", o.Window, "length of a window of connections; 0: the whole sample")
	flags.IntVar(&o.Packets, "packets", o.Packets, "packets of a connection that make a sequence")
}

// resolve gives the options.
func (f *similarityFlags) resolve() (similarity.Options, error) {
	o := f.options
	mode, err := flow.ParseMode(f.mode)
	if err != nil {
		return o, fmt.Errorf("--mode: %w", err)
	}
	o.Flow = flow.NewOptions(mode)
	if o.Scale, err = similarity.ParseScale(f.scale); err != nil {
		return o, fmt.Errorf("--scale: %w", err)
	}
	if o.Pairing, err = similarity.ParsePairing(f.pairing); err != nil {
		return o, fmt.Errorf("--pairing: %w", err)
	}
	if o.Fit, err = similarity.ParseFit(f.fit); err != nil {
		return o, fmt.Errorf("--fit: %w", err)
	}
	return o, o.Validate()
}

type compareFlags struct {
	similarityFlags
	host      string
	reference []string
	asJSON    bool
}

func (f *compareFlags) run(cmd *cobra.Command, args []string) error {
	o, err := f.resolve()
	if err != nil {
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
	defer line.Clear()
	var samples [3][]*similarity.Sample
	for i, paths := range [][]string{first, second, f.reference} {
		for _, path := range paths {
			line.Show("read " + path)
			s, err := similarity.Read(path, f.host, o)
			if err != nil {
				return badRequest(err)
			}
			samples[i] = append(samples[i], s)
		}
	}
	line.Show("compare")
	groups, err := similarity.CompareGroups(cmd.Context(), samples[0], samples[1], samples[2], o)
	line.Clear()
	if err != nil {
		return err
	}
	if f.asJSON {
		return printJSON(cmd.OutOrStdout(), groups)
	}
	return groups.WriteText(cmd.OutOrStdout(), o)
}
