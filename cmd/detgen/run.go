package main

import (
	"fmt"
	"runtime"

	"detgen/engine/engines"
	"detgen/runner"

	"github.com/spf13/cobra"
)

// newRun is "detgen run": make labelled runs.
func newRun() *cobra.Command {
	var what specFlags
	var with makerFlags
	var out, shard string
	var count, jobs int
	var asJSON, check bool
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
			b := runner.Batch{Count: spec.Count, Parallel: jobs, Check: check, Resume: spec.Count > 1}
			if shard != "" {
				if b.Shard, err = runner.ParseShard(shard); err != nil {
					return fmt.Errorf("--%w", err)
				}
			}
			r, err := with.open(cmd, spec)
			if err != nil {
				return err
			}
			defer r.Close()
			if check && !r.Engine().Repeats() {
				return badRequest(fmt.Errorf("--check: only the %s engine gives the same bytes again, and this is %s", engines.Exact(), r.Engine().Name()))
			}
			name := runner.Name(spec.Task, *spec.Seed)
			if spec.Count > 1 {
				name = fmt.Sprintf("%s-n%d", name, spec.Count)
			}
			if out == "" {
				out = runner.FreeName(name)
			}
			b.Jobs = runner.JobsOf(spec, out)
			progress := newProgress(cmd.ErrOrStderr())
			tell := runner.Follow(progress)
			var failed error // to print
			b.Report = func(e runner.Event) {
				if e.Ended && e.Made != nil {
					progress.Clear()
					if err := e.Print(cmd.OutOrStdout(), asJSON); err != nil {
						failed = err
					}
				}
				tell(e)
			}
			_, err = r.Run(cmd.Context(), b)
			progress.Clear()
			if err != nil {
				return err
			}
			return failed
		},
	}
	what.add(cmd)
	with.add(cmd)
	cmd.Flags().IntVarP(&count, "count", "n", 1, "make so many runs, with seeds SEED, SEED+1, ...")
	cmd.Flags().StringVarP(&out, "output", "o", "", "the run directory; with -n the folder that holds them (default: a folder under runs/)")
	cmd.Flags().IntVar(&jobs, "jobs", runtime.NumCPU(), "runs at once (engine vm: always one, in the order of seeds)")
	cmd.Flags().StringVar(&shard, "shard", "", "with -n: make only the runs of shard i/n, with i from 0 to n-1")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object a line for each run")
	cmd.Flags().BoolVar(&check, "check", false, "make each run twice and compare the bytes (exact engine)")
	return cmd
}
