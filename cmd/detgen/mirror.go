package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"detgen/dataset/flowset"
	"detgen/dataset/mirror"

	"github.com/spf13/cobra"
)

// newMirror is "detgen mirror": the properties of a target network's traffic.
func newMirror() *cobra.Command {
	cmd := &cobra.Command{Use: "mirror", Short: "Measure a target's traffic, and compare a dataset with it"}
	cmd.AddCommand(newMirrorProfile(), newMirrorCompare())
	return cmd
}

func newMirrorProfile() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "profile CSV|CONN.LOG|PCAP...",
		Short: "Measure packets, bytes, durations, shares and implementations by service, and attacks by label",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := readFlows(cmd, args)
			if err != nil {
				return err
			}
			p := mirror.Measure(set)
			if out == "" {
				return printProfile(cmd.OutOrStdout(), p)
			}
			text, err := json.MarshalIndent(p, "", "  ")
			if err != nil {
				return err
			}
			if err := os.WriteFile(out+".partial", append(text, '\n'), 0o644); err != nil {
				return err
			}
			return os.Rename(out+".partial", out)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write the profile there, as JSON")
	return cmd
}

func printProfile(out io.Writer, p *mirror.Profile) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "service\tflows\tshare\tpackets: mean (5 to 95 %)\tbytes\tseconds\tprograms")
	for _, s := range p.Services {
		var programs []string
		for _, c := range s.Servers {
			programs = append(programs, fmt.Sprintf("%s (%d)", c.Value, c.Flows))
		}
		fmt.Fprintf(w, "%s\t%d\t%.1f %%\t%s\t%s\t%s\t%s\n", orNone(s.Service), s.Flows, 100*s.Share, span(s.Packets), span(s.Bytes), span(s.Duration), strings.Join(programs, ", "))
	}
	for _, a := range p.Attacks {
		fmt.Fprintf(w, "attack: %s\t%d\t%.1f %%\t%s\t%s\t%s\t\n", a.Label, a.Flows, 100*a.Share, span(a.Packets), span(a.Bytes), span(a.Duration))
	}
	return w.Flush()
}

// span prints a mean and where most values are.
func span(f mirror.Figures) string { return fmt.Sprintf("%.4g (%.4g to %.4g)", f.Mean, f.P5, f.P95) }

func newMirrorCompare() *cobra.Command {
	var asJSON bool
	var sample int
	var runSeed uint64
	cmd := &cobra.Command{
		Use:   "compare DATASET... -- TARGET...",
		Short: "Tell how far a dataset is from a target, by service and feature",
		RunE: func(cmd *cobra.Command, args []string) error {
			dash := cmd.ArgsLenAtDash()
			if dash < 1 || dash == len(args) {
				return badRequest(fmt.Errorf("give the dataset's files, then --, then the target's files"))
			}
			var sets [2]*flowset.Set
			for i, paths := range [][]string{args[:dash], args[dash:]} {
				var err error
				if sets[i], err = readFlows(cmd, paths); err != nil {
					return err
				}
			}
			c := mirror.Compare(sets[0], sets[1], sample, runSeed)
			if asJSON {
				return printJSON(cmd.OutOrStdout(), c)
			}
			return printComparison(cmd.OutOrStdout(), c)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with every feature")
	cmd.Flags().IntVar(&sample, "sample", 2000, "flows of each side for the two-sample test, at most")
	cmd.Flags().Uint64Var(&runSeed, "seed", 0, "of the samples that are drawn")
	return cmd
}

func printComparison(out io.Writer, c *mirror.Comparison) error {
	fmt.Fprintf(out, "dataset %s, target %s\n", c.Dataset, c.Target)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "service\tdataset\ttarget\ttold apart (p)\tout of range\tfarthest features: KS, JS, decades")
	for _, s := range c.Services {
		told, far := "-", fmt.Sprintf("fewer than %d flows on a side", mirror.Fewest)
		if len(s.Features) > 0 {
			told = fmt.Sprintf("%.2f (%.2g)", s.TwoSample.Accuracy, s.TwoSample.P)
			var list []string
			for _, f := range s.Features[:min(3, len(s.Features))] {
				list = append(list, fmt.Sprintf("%s %.2f, %.2f, %.2f", f.Column, f.KS, f.JS, f.Wasserstein))
			}
			far = strings.Join(list, "; ")
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%.1f %%\t%s\n", orNone(s.Service), s.Dataset, s.Target, told, 100*s.OutOfRange, far)
	}
	return w.Flush()
}
