package main

import (
	"cmp"

	"detgen/runner"

	"github.com/spf13/cobra"
)

// newSweep is "detgen sweep": one run for each position of a lost, doubled, damaged or swapped packet, with the reaction
// of real stacks.
func newSweep() *cobra.Command {
	var what runFlags
	var out string
	var s runner.Sweep
	actions := map[string]*string{}
	cmd := &cobra.Command{
		Use:   "sweep SCENARIO/TASK --drop each-data-segment -o DIR",
		Short: "Make one run for each position of a lost (doubled, damaged, swapped) packet",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, spec, err := what.open(cmd, args)
			if err != nil {
				return err
			}
			defer r.Close()
			if err := s.Take(actions); err != nil {
				return err
			}
			s.Spec, s.Seed = spec, *spec.Seed
			out = cmp.Or(out, runner.FreeName("sweep-"+runner.Name(spec.Task, s.Seed)))
			rows, err := r.Sweep(cmd.Context(), &s, out, runner.Follow(tell(cmd)))
			if err != nil {
				return err
			}
			return s.WriteText(cmd.OutOrStdout(), rows, out)
		},
	}
	what.add(cmd)
	for _, action := range runner.SweepActions {
		actions[action] = new(string)
		cmd.Flags().StringVar(actions[action], action, "", "what to "+action+": each-data-segment or each-frame")
	}
	cmd.Flags().StringVar(&s.On, "on", "", "the link to do it on: HOST.up or HOST.down (default: the one that carries most data)")
	cmd.Flags().StringVarP(&out, "output", "o", "", "the folder for the runs (default: a folder under runs/)")
	cmd.Flags().IntVar(&s.Parallel, "jobs", 2, "runs at once (engine vm: always one, in order)")
	return cmd
}
