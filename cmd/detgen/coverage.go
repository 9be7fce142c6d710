package main

import (
	"detgen/dataset/coverage"
	"detgen/dataset/flowset"

	"github.com/spf13/cobra"
)

// newCoverage is "detgen coverage": which share of a network's flows the catalogue can make.
func newCoverage() *cobra.Command {
	var attacks, asJSON bool
	cmd := &cobra.Command{
		Use:   "coverage CSV|CONN.LOG|PCAP...",
		Short: "Tell which share of a network's flows a scenario here can make, by service",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := readFlows(cmd, args)
			if err != nil {
				return err
			}
			r := coverage.Of(set, !attacks)
			return printResult(cmd, asJSON, r, r.WriteText)
		},
	}
	cmd.Flags().BoolVar(&attacks, "attacks", false, "count flows with the label of an attack too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// readFlows reads tables of flows and captures as one set.
func readFlows(cmd *cobra.Command, paths []string) (*flowset.Set, error) {
	sets := make([]*flowset.Set, len(paths))
	line := newProgress(cmd.ErrOrStderr())
	defer line.clear()
	for i, path := range paths {
		line.Count("tables read", i, len(paths))
		var err error
		if sets[i], err = flowset.Read(cmd.Context(), path); err != nil {
			return nil, badRequest(err)
		}
	}
	set, err := flowset.Join(sets)
	return set, badRequest(err)
}
