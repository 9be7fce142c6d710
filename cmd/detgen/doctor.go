package main

import (
	"io"

	"detgen/runner"

	"github.com/spf13/cobra"
)

// newDoctor is "detgen doctor": what this machine can do, what is missing and how to get it.
func newDoctor() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine can do, what is missing and how to get it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings := runner.Examine(cmd.Context())
			return printLine(cmd, findings, func(out io.Writer) error { return runner.WriteFindings(out, findings) })
		},
	}
	cmd.Flags().Bool("json", false, "print a JSON array")
	return cmd
}
