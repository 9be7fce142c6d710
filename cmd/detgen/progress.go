package main

import (
	"io"

	line "detgen/internal/progress"

	"github.com/spf13/cobra"
)

// progress tells what is going on.
type progress struct{ *line.Line }

func newProgress(out io.Writer) *progress { return &progress{line.New(out)} }

// stage says what a run does now.
func (p *progress) stage(name, stage string) { p.Show(name + ": " + stage) }
func (p *progress) show(text string)         { p.Show(text) }
func (p *progress) clear()                   { p.Clear() }

// showProgress settles how a command tells what is going on: --quiet, and events with --json.
func showProgress(cmd *cobra.Command, _ []string) {
	out := line.Output{To: cmd.ErrOrStderr()}
	if asJSON, err := cmd.Flags().GetBool("json"); err == nil && asJSON {
		out.Mode = line.JSON
	}
	if quiet, err := cmd.Flags().GetBool("quiet"); err == nil && quiet {
		out.Mode = line.Quiet
	}
	cmd.SetErr(out)
}
