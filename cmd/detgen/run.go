package main

import (
	"errors"
	"runtime"

	"detgen/runner"

	"github.com/spf13/cobra"
)

// newRun is "detgen run": make labelled runs.
func newRun() *cobra.Command {
	var what runFlags
	var b runner.Batch
	var out string
	var count int
	cmd := &cobra.Command{
		Use:   "run SCENARIO/TASK",
		Short: "Make a labelled run: real clients and servers, captured at every host",
		Long: `Run makes labelled runs. With -n the same command goes on where it was when it was interrupted or killed: runs that
are in the folder already are not made again. With --shard several computers, or processes, share the runs.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, spec, err := what.open(cmd, args)
			if err != nil {
				return err
			}
			defer r.Close()
			if cmd.Flags().Changed("count") || spec.Count == 0 {
				spec.Count = count
			}
			if err := b.Fill(spec, out); err != nil {
				return err
			}
			follow := runner.Follow(tell(cmd))
			var failed error // to print
			b.Report = func(e runner.Event) {
				if s := e.Summary(); s != nil {
					failed = errors.Join(failed, printLine(cmd, s, s.WriteText))
				}
				follow(e)
			}
			_, err = r.Run(cmd.Context(), b)
			return errors.Join(err, failed)
		},
	}
	what.add(cmd)
	cmd.Flags().StringVar(&what.Timeline, "timeline", "", "instead of a task: play the activities of this CSV file in one lab (detgen site writes them)")
	cmd.Flags().IntVarP(&count, "count", "n", 1, "make so many runs, with seeds SEED, SEED+1, ...")
	cmd.Flags().StringVarP(&out, "output", "o", "", "the run directory; with -n the folder that holds them (default: a folder under runs/)")
	cmd.Flags().IntVar(&b.Parallel, "jobs", runtime.NumCPU(), "runs at once (engine vm: always one, in the order of seeds)")
	choose(cmd, &b.Shard, runner.ParseShard, "shard", "with -n: make only the runs of shard i/n, with i from 0 to n-1")
	cmd.Flags().Bool("json", false, "print a JSON object a line for each run")
	cmd.Flags().BoolVar(&b.Check, "check", false, "make each run twice and compare the bytes (exact engine)")
	return cmd
}
