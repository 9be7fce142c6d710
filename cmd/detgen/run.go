package main

import (
	"errors"
	"fmt"
	"runtime"

	"detgen/runner"

	"github.com/spf13/cobra"
)

// newRun is "detgen run": make labelled runs.
func newRun() *cobra.Command {
	var what specFlags
	var with makerFlags
	var b runner.Batch
	var out string
	var count int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "run SCENARIO/TASK",
		Short: "Make a labelled run: real clients and servers, captured at every host",
		Long: `Run makes labelled runs. With -n the same command goes on where it was when it was interrupted or killed: runs that
are in the folder already are not made again. With --shard several computers, or processes, share the runs.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := what.spec(cmd, args)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("count") || spec.Count == 0 {
				spec.Count = count
			}
			if spec.Count < 1 {
				return badRequest(fmt.Errorf("--count %d: must be 1 or more", spec.Count))
			}
			b.Count, b.Resume = spec.Count, spec.Count > 1
			r, err := with.open(cmd, spec)
			if err != nil {
				return err
			}
			defer r.Close()
			if out == "" {
				out = runner.FreeName(runner.BatchName(spec))
			}
			b.Jobs = runner.Jobs(spec, out)
			progress := newProgress(cmd.ErrOrStderr())
			tell := follow(progress)
			var failed error // to print
			b.Report = func(e runner.Event) {
				if s := e.Summary(); s != nil {
					progress.clear()
					failed = errors.Join(failed, printLine(cmd, asJSON, s, s.WriteText))
				}
				tell(e)
			}
			_, err = r.Run(cmd.Context(), b)
			progress.clear()
			return errors.Join(err, failed)
		},
	}
	what.add(cmd)
	cmd.Flags().StringVar(&what.timeline, "timeline", "", "instead of a task: play the activities of this CSV file in one lab (detgen site writes them)")
	with.add(cmd)
	cmd.Flags().IntVarP(&count, "count", "n", 1, "make so many runs, with seeds SEED, SEED+1, ...")
	cmd.Flags().StringVarP(&out, "output", "o", "", "the run directory; with -n the folder that holds them (default: a folder under runs/)")
	cmd.Flags().IntVar(&b.Parallel, "jobs", runtime.NumCPU(), "runs at once (engine vm: always one, in the order of seeds)")
	choose(cmd, &b.Shard, runner.ParseShard, "shard", "with -n: make only the runs of shard i/n, with i from 0 to n-1")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object a line for each run")
	cmd.Flags().BoolVar(&b.Check, "check", false, "make each run twice and compare the bytes (exact engine)")
	return cmd
}
