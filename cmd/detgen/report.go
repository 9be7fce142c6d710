package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

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
			if extension := strings.ToLower(filepath.Ext(out)); extension != ".html" && extension != ".htm" {
				return badRequest(errors.New("say where to write: -o FILE.html"))
			}
			line := newProgress(cmd.ErrOrStderr())
			page, err := serve.Report(cmd.Context(), args[0], o, line.show)
			line.clear()
			if errors.Is(err, report.ErrUnknown) {
				return badRequest(err)
			}
			if err != nil {
				return err
			}
			if err := page.WriteFile(out, report.Shell{Tool: "detgen " + version}); err != nil {
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
