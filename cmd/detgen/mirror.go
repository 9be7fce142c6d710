package main

import (
	"fmt"

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
				return p.WriteText(cmd.OutOrStdout())
			}
			return p.WriteFile(out)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write the profile there, as JSON")
	return cmd
}

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
			return printResult(cmd, asJSON, c, c.WriteText)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with every feature")
	cmd.Flags().IntVar(&sample, "sample", 2000, "flows of each side for the two-sample test, at most")
	cmd.Flags().Uint64Var(&runSeed, "seed", 0, "of the samples that are drawn")
	return cmd
}
