package main

import (
	"fmt"

	"detgen/dataset/flowset"
	"detgen/dataset/mirror"
	"detgen/plot"

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
			set, err := readFlows(cmd, args)
			if err != nil {
				return err
			}
			p := mirror.Measure(set)
			if out == "" {
				return p.WriteText(cmd.OutOrStdout())
			}
			return p.WriteFile(out)
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
			p, err := mirror.ReadProfile(args[0])
			if err != nil {
				return badRequest(err)
			}
			o.Mix = map[string][]mirror.Task{}
			for _, text := range mixes {
				name, mix, err := mirror.ParseMix(text)
				if err != nil {
					return badRequest(fmt.Errorf("--mix: %w", err))
				}
				o.Mix[name] = mix
			}
			made, err := p.Plan(o)
			if err != nil {
				return badRequest(err)
			}
			return made.Save(cmd.OutOrStdout(), out)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write the plan there (default: print it)")
	cmd.Flags().StringVar(&o.Name, "name", "mirror", "of the dataset")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "of the dataset")
	cmd.Flags().StringVar(&o.Engine, "engine", "", "of the plan: live, exact or vm")
	cmd.Flags().IntVar(&o.Flows, "flows", 1000, "that the dataset is to have, about")
	cmd.Flags().Float64Var(&o.Fewest, "packets-above", 15, "leave out services whose flows have so many packets or fewer, in the mean")
	cmd.Flags().StringSliceVar(&o.Keep, "keep", nil, "services that stay in spite of that: dns,ntp")
	cmd.Flags().StringSliceVar(&o.Without, "without", nil, "services to leave out")
	cmd.Flags().StringVar(&o.Sizes, "sizes", "all", "cut-offs of the bytes of a connection: all (the target's least and most), p5-p95 or none")
	cmd.Flags().StringArrayVar(&mixes, "mix", nil, "tasks of a service, or of an attack's label, instead of the usual ones: ssh=ssh/upload:2,ssh/interactive (repeatable)")
	cmd.Flags().Float64Var(&o.Benign, "benign", -1, "share of benign flows, 0 to 1 (default: the target's)")
	return cmd
}

func newMirrorCompare() *cobra.Command {
	var figure string
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
			if err := plot.CheckName(figure); figure != "" && err != nil {
				return badRequest(err)
			}
			var sets [2]*flowset.Set
			for i, paths := range [][]string{args[:dash], args[dash:]} {
				var err error
				if sets[i], err = readFlows(cmd, paths); err != nil {
					return err
				}
			}
			c := mirror.Compare(sets[0], sets[1], sample, runSeed)
			if figure != "" {
				f, err := c.Figure()
				if err == nil {
					err = f.WriteFile(figure)
				}
				if err != nil {
					return err
				}
			}
			return printResult(cmd, asJSON, c, c.WriteText)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with every feature")
	cmd.Flags().StringVar(&figure, "figure", "", "draw packets, bytes and seconds by service too: *.svg or *.png")
	cmd.Flags().IntVar(&sample, "sample", 2000, "flows of each side for the two-sample test, at most")
	cmd.Flags().Uint64Var(&runSeed, "seed", 0, "of the samples that are drawn")
	return cmd
}
