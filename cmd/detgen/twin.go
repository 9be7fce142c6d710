package main

import (
	"cmp"
	"errors"
	"io"

	"detgen/runner"
	"detgen/scenario"

	"github.com/spf13/cobra"
)

// newTwin is "detgen twin": two runs that differ in one factor, and where they part.
func newTwin() *cobra.Command {
	var what specFlags
	var with makerFlags
	var vary, out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "twin SCENARIO/TASK --vary KEY=VALUE -o DIR",
		Short: "Make two runs that differ in one factor, and say which packet differs first",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			first, err := what.spec(cmd, args)
			if err != nil {
				return err
			}
			if vary == "" {
				return badRequest(errors.New("--vary KEY=VALUE is missing: the factor in which the second run differs"))
			}
			setting, err := scenario.ParseSetting(vary)
			if err != nil {
				return badRequest(err)
			}
			r, err := with.open(cmd, first)
			if err != nil {
				return err
			}
			defer r.Close()
			second := *first
			if err := second.Override(setting); err != nil {
				return badRequest(err)
			}
			out = cmp.Or(out, runner.FreeName("twin-"+runner.Name(first.Task, *first.Seed)))
			p := newProgress(cmd.ErrOrStderr())
			report, err := r.Twin(cmd.Context(), first, &second, *first.Seed, out, p.show)
			p.clear()
			if err != nil {
				return err
			}
			return printResult(cmd, asJSON, report, func(w io.Writer) error { return report.WriteText(w, out) })
		},
	}
	what.add(cmd)
	with.add(cmd)
	cmd.Flags().StringVar(&vary, "vary", "", "the factor in which the second run differs: KEY=VALUE")
	cmd.Flags().StringVarP(&out, "output", "o", "", "the folder for both runs and the report (default: a folder under runs/)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}
