package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"detgen/dataset/audit"

	"github.com/spf13/cobra"
)

// newAudit is "detgen audit": what makes a dataset of flows a bad teacher.
func newAudit() *cobra.Command {
	var o audit.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "audit CSV|CONN.LOG|PCAP...",
		Short: "Look for what makes a dataset a bad teacher: leaks, duplicates, label noise, poor diversity",
		Long:  "Files that are named together are one dataset. Ends with 1 when there is a fault, so that it can guard a build.",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := readFlows(cmd, args)
			if err != nil {
				return err
			}
			report, err := audit.Run(cmd.Context(), set, o)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), report)
			} else {
				err = printAudit(cmd.OutOrStdout(), report)
			}
			if faults := report.Faults(); faults > 0 {
				return errors.Join(err, fmt.Errorf("%d faults", faults))
			}
			return err
		},
	}
	cmd.Flags().Uint64Var(&o.Seed, "seed", 0, "of the samples that are drawn")
	cmd.Flags().IntVar(&o.Sample, "sample", 6000, "flows that are compared with each other, at most")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printAudit(out io.Writer, r *audit.Report) error {
	fmt.Fprintf(out, "%s: %d flows, %d columns, %d labels (%d flows compared with each other)\n\n", r.Name, r.Flows, r.Columns, len(r.Classes), r.Sampled)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "label\tflows\tPDD\tTC\tbest feature\tF1\tlabel noise\tbackground\trepeated\tretransmitted")
	for _, c := range r.Classes {
		again := "-"
		if c.Retransmits >= 0 {
			again = fmt.Sprintf("%.2f %%", 100*c.Retransmits)
		}
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%.2f\t%s\t%.2f\t%.2f %%\t%.2f %%\t%.2f %%\t%s\n", orNone(c.Label), c.Flows, c.Diversity, c.Collapse,
			c.BestFeature, c.BestF1, 100*c.Noise, 100*c.Background, 100*c.Repeated, again)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, f := range r.Findings {
		about := f.Class
		if f.Column != "" {
			about = join(about, f.Column)
		}
		line := fmt.Sprintf("%s: %s", f.Severity, f.Check)
		if about != "" {
			line += " (" + about + ")"
		}
		if _, err := fmt.Fprintf(out, "%s: %s\n", line, f.Message); err != nil {
			return err
		}
		for _, run := range f.Runs {
			fmt.Fprintf(out, "    run %s\n", run)
		}
	}
	return nil
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", " + b
}
