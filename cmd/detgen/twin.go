package main

import (
	"cmp"
	"io"

	"detgen/runner"

	"github.com/spf13/cobra"
)

// newTwin is "detgen twin": two runs that differ in one factor, and where they part.
func newTwin() *cobra.Command {
	var what runFlags
	var vary, out string
	cmd := &cobra.Command{
		Use:   "twin SCENARIO/TASK --vary KEY=VALUE -o DIR",
		Short: "Make two runs that differ in one factor, and say which packet differs first",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, first, err := what.open(cmd, args)
			if err != nil {
				return err
			}
			defer r.Close()
			second, err := runner.Varied(first, vary)
			if err != nil {
				return err
			}
			out = cmp.Or(out, runner.FreeName("twin-"+runner.Name(first.Task, *first.Seed)))
			report, err := r.Twin(cmd.Context(), first, second, *first.Seed, out, tell(cmd).Show)
			if err != nil {
				return err
			}
			return printResult(cmd, report, func(w io.Writer) error { return report.WriteText(w, out) })
		},
	}
	what.add(cmd)
	cmd.Flags().StringVar(&vary, "vary", "", "the factor in which the second run differs: KEY=VALUE")
	cmd.Flags().StringVarP(&out, "output", "o", "", "the folder for both runs and the report (default: a folder under runs/)")
	cmd.Flags().Bool("json", false, "print the report as JSON")
	return cmd
}
