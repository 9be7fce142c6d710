package main

import (
	"detgen/dataset/coverage"
	"detgen/dataset/flowset"

	"github.com/spf13/cobra"
)

// newCoverage is "detgen coverage": which share of a network's flows the catalogue can make.
func newCoverage() *cobra.Command {
	var attacks bool
	cmd := &cobra.Command{
		Use:   "coverage CSV|CONN.LOG|PCAP...",
		Short: "Tell which share of a network's flows a scenario here can make, by service",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := flowset.ReadAll(cmd.Context(), args, tell(cmd).Count)
			if err != nil {
				return err
			}
			r := coverage.Of(set, !attacks)
			return printResult(cmd, r, r.WriteText)
		},
	}
	cmd.Flags().BoolVar(&attacks, "attacks", false, "count flows with the label of an attack too")
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}
