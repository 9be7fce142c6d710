package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"detgen/runner"

	"github.com/spf13/cobra"
)

// newDoctor is "detgen doctor": what this machine can do, what is missing and how to get it.
func newDoctor() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine can do, what is missing and how to get it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings := runner.Examine(cmd.Context())
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(findings)
			}
			return printFindings(cmd.OutOrStdout(), findings)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func printFindings(out io.Writer, findings []runner.Finding) error {
	missing := 0
	for _, f := range findings {
		state := "ok"
		if !f.OK {
			state = "missing"
			missing++
		}
		fmt.Fprintf(out, "%-8s %-14s %-22s %s\n", state, f.For, f.Name, f.Mend)
	}
	if missing > 0 {
		return errors.New("something is missing; see above")
	}
	return nil
}
