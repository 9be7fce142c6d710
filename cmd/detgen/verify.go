package main

import (
	"detgen/runner"

	"github.com/spf13/cobra"
)

// newVerify is "detgen verify": make runs again and compare the bytes.
func newVerify() *cobra.Command {
	var with makerFlags
	cmd := &cobra.Command{
		Use:   "verify DIR...",
		Short: "Make runs of the exact engine again and compare every capture's bytes",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			return runner.VerifyAll(cmd.Context(), with.config(cmd), dirs, tell(cmd).Show, func(v *runner.Verification) error {
				return printLine(cmd, v, v.WriteText)
			})
		},
	}
	with.imageFlags.add(cmd)
	cmd.Flags().Bool("json", false, "print a JSON object a line for each run")
	return cmd
}
