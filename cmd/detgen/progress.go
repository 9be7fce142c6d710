package main

import (
	"io"
	"strings"

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

// showProgress settles how a command tells what is going on: --quiet, and events with --json. The function that it gives ends
// what says that the command is at work.
func showProgress(cmd *cobra.Command, args []string) (atWork func()) {
	mode := line.Auto
	for i, name := range []string{"json", "quiet"} {
		if set, err := cmd.Flags().GetBool(name); err == nil && set {
			mode = []line.Mode{line.JSON, line.Quiet}[i]
		}
	}
	out := line.NewOutput(cmd.ErrOrStderr(), mode)
	cmd.SetErr(out)
	return out.Beat(strings.Join(append(strings.Fields(cmd.CommandPath())[1:], args[:min(len(args), 1)]...), " "))
}
