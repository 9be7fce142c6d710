package main

import (
	"fmt"

	"detgen/report"
	"detgen/serve"

	"github.com/spf13/cobra"
)

// newReport is "detgen report": a folder as one page.
func newReport() *cobra.Command {
	var out string
	var o report.Options
	cmd := &cobra.Command{
		Use:   "report DIR -o FILE.html",
		Short: "Write what is in a folder as one page that any browser opens, offline",
		Long: `Report writes one HTML file for a folder that detgen wrote: figures that say what is under the pointer and zoom, tables
that sort, filter and are saved as CSV, and the command that makes the folder again.`,
		Args: oneRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			page, err := serve.WriteReport(cmd.Context(), args[0], out, tool(), o, tell(cmd).Show)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: shows %s, kind %s\n", out, args[0], page.Kind)
			return err
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "the file: its name ends in .html")
	addUnchecked(cmd, &o.Unchecked)
	return cmd
}
