package main

import (
	"errors"

	"detgen/dataset/flowset"
	"detgen/dataset/mirror"

	"github.com/spf13/cobra"
)

// newMirror is "detgen mirror": the properties of a target network's traffic.
func newMirror() *cobra.Command {
	cmd := &cobra.Command{Use: "mirror", Short: "Measure a target's traffic, and compare a dataset with it"}
	cmd.AddCommand(newMirrorProfile(), newMirrorPlan(), newMirrorCompare())
	return cmd
}

func newMirrorProfile() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "profile CSV|CONN.LOG|PCAP...",
		Short: "Measure packets, bytes, durations, shares and implementations by service, and attacks by label",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := flowset.ReadAll(cmd.Context(), args, tell(cmd).Count)
			if err != nil {
				return err
			}
			return mirror.Measure(set).Save(cmd.OutOrStdout(), out)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write the profile there, as JSON")
	return cmd
}

func newMirrorPlan() *cobra.Command {
	var o mirror.PlanOptions
	var mixes []string
	var out string
	cmd := &cobra.Command{
		Use:   "plan PROFILE",
		Short: "Write the plan of a dataset with a profile's services, shares, sizes, programs and attacks",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			made, err := mirror.PlanFile(args[0], mixes, o)
			if err != nil {
				return err
			}
			return made.Save(cmd.OutOrStdout(), out)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&out, "output", "o", "", "write the plan there (default: print it)")
	f.StringVar(&o.Name, "name", "mirror", "of the dataset")
	f.Uint64Var(&o.Seed, "seed", 1, "of the dataset")
	f.StringVar(&o.Engine, "engine", "", "of the plan: live, exact or vm")
	f.IntVar(&o.Flows, "flows", 1000, "that the dataset is to have, about")
	f.Float64Var(&o.Fewest, "packets-above", 15, "leave out services whose flows have so many packets or fewer, in the mean")
	f.StringSliceVar(&o.Keep, "keep", nil, "services that stay in spite of that: dns,ntp")
	f.StringSliceVar(&o.Without, "without", nil, "services to leave out")
	f.StringVar(&o.Sizes, "sizes", "all", "cut-offs of the bytes of a connection: all (the target's least and most), p5-p95 or none")
	f.StringArrayVar(&mixes, "mix", nil, "tasks of a service, or of an attack's label, instead of the usual ones: ssh=ssh/upload:2,ssh/interactive (repeatable)")
	f.Float64Var(&o.Benign, "benign", -1, "share of benign flows, 0 to 1 (default: the target's)")
	return cmd
}

func newMirrorCompare() *cobra.Command {
	var figure string
	var sample int
	var runSeed uint64
	cmd := &cobra.Command{
		Use:   "compare DATASET... -- TARGET...",
		Short: "Tell how far a dataset is from a target, by service and feature",
		RunE: func(cmd *cobra.Command, args []string) error {
			dash := cmd.ArgsLenAtDash()
			if dash < 1 || dash == len(args) {
				return badRequest(errors.New("give the dataset's files, then --, then the target's files"))
			}
			c, err := mirror.CompareFiles(cmd.Context(), args[:dash], args[dash:], figure, sample, runSeed, tell(cmd).Count)
			if err != nil {
				return err
			}
			return printResult(cmd, c, c.WriteText)
		},
	}
	cmd.Flags().Bool("json", false, "print JSON, with every feature")
	cmd.Flags().StringVar(&figure, "figure", "", "draw packets, bytes and seconds by service too: *.svg or *.png")
	cmd.Flags().IntVar(&sample, "sample", 2000, "flows of each side for the two-sample test, at most")
	cmd.Flags().Uint64Var(&runSeed, "seed", 0, "of the samples that are drawn")
	return cmd
}
