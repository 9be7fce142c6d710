package main

import (
	"detgen/dataset/audit"
	"detgen/dataset/flowset"

	"github.com/spf13/cobra"
)

// newAudit is "detgen audit": what makes a dataset of flows a bad teacher.
func newAudit() *cobra.Command {
	var o audit.Options
	cmd := &cobra.Command{
		Use:   "audit CSV|CONN.LOG|PCAP...",
		Short: "Look for what makes a dataset a bad teacher: leaks, duplicates, label noise, poor diversity",
		Long:  "Files that are named together are one dataset. Ends with 1 when there is a fault, so that it can guard a build.",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := flowset.ReadAll(cmd.Context(), args, tell(cmd).Count)
			if err != nil {
				return err
			}
			report, err := audit.Run(cmd.Context(), set, o)
			if err != nil {
				return err
			}
			return printFindings(cmd, report)
		},
	}
	cmd.Flags().Uint64Var(&o.Seed, "seed", 0, "of the samples that are drawn")
	cmd.Flags().IntVar(&o.Sample, "sample", 6000, "flows that are compared with each other, at most")
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}
