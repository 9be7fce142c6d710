package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

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
			if asJSON {
				return printJSON(cmd.OutOrStdout(), r)
			}
			if r.Flows == 0 {
				return fmt.Errorf("%s: no benign flow; with --attacks attacks count too", r.Name)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintf(w, "service\tflows\tshare\tby dissection\tpackets\tscenarios\n")
			for _, s := range r.Shares {
				name := s.Service
				if name == "" {
					name = "(unknown)"
				}
				fmt.Fprintf(w, "%s\t%d\t%.1f %%\t%d\t%.0f\t%s\n", name, s.Flows, 100*float64(s.Flows)/float64(r.Flows), s.Dissected, s.Packets, strings.Join(s.Scenarios, " "))
			}
			if err := w.Flush(); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d of %d flows (%.1f %%) are of services that a scenario makes\n", r.Covered, r.Flows, 100*float64(r.Covered)/float64(r.Flows))
			return err
		},
	}
	cmd.Flags().BoolVar(&attacks, "attacks", false, "count flows with the label of an attack too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// readFlows reads tables of flows and captures as one set.
func readFlows(cmd *cobra.Command, paths []string) (*flowset.Set, error) {
	sets := make([]*flowset.Set, len(paths))
	for i, path := range paths {
		var err error
		if sets[i], err = flowset.Read(cmd.Context(), path); err != nil {
			return nil, badRequest(err)
		}
	}
	set, err := flowset.Join(sets)
	return set, badRequest(err)
}
