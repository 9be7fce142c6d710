package main

import (
	"io"

	"detgen/internal/progress"

	"github.com/spf13/cobra"
)

// newProgress gives the line that tells what is going on.
func newProgress(out io.Writer) *progress.Line { return progress.New(out) }

// showProgress settles how commands tell what they are doing: --quiet, and events with --json.
func showProgress(cmd *cobra.Command, _ []string) {
	out := progress.Output{Writer: cmd.ErrOrStderr()}
	if asJSON, err := cmd.Flags().GetBool("json"); err == nil && asJSON {
		out.Mode = progress.JSON
	}
	if quiet, err := cmd.Flags().GetBool("quiet"); err == nil && quiet {
		out.Mode = progress.Quiet
	}
	cmd.SetErr(out)
}
