package main

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"runtime"
	"time"

	"detgen/engine/engines"
	"detgen/record"
	"detgen/runner"
	"detgen/scenario"

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
			b.Jobs = jobsOf(spec, out)
			progress := newProgress(cmd.ErrOrStderr())
			tell := follow(progress)
			var failed error // to print
			b.Report = func(e runner.Event) {
				if e.Ended && e.Made != nil {
					progress.clear()
					if err := printRun(cmd.OutOrStdout(), e, asJSON); err != nil {
						failed = err
					}
				}
				tell(e)
			}
			_, err = r.Run(cmd.Context(), b)
			progress.clear()
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

// jobsOf gives the runs of a spec: one as the directory out, several in it.
func jobsOf(spec *scenario.Spec, out string) iter.Seq[runner.Job] {
	return func(yield func(runner.Job) bool) {
		for i := range spec.Count {
			job := runner.Job{Spec: spec, Seed: *spec.Seed + uint64(i), Dir: out}
			if spec.Count > 1 {
				job.Dir = filepath.Join(out, runner.Name(spec.Task, job.Seed))
			}
			if !yield(job) {
				return
			}
		}
	}
}

// printedRun is what is printed of a run.
type printedRun struct {
	Task    string        `json:"task"`
	Seed    uint64        `json:"seed"`
	Status  record.Status `json:"status"`
	Error   string        `json:"error,omitempty"`
	Dir     string        `json:"dir"`
	Frames  uint64        `json:"frames"` // in all captures
	Seconds float64       `json:"seconds"`
}

func printRun(out io.Writer, e runner.Event, asJSON bool) error {
	p := printedRun{
		Task: e.Job.Spec.Task, Seed: e.Job.Seed, Status: e.Made.Result.Status, Error: e.Made.Result.Error,
		Dir: e.Job.Dir, Seconds: e.Took.Seconds(),
	}
	for _, c := range e.Made.Result.Captures {
		p.Frames += c.Frames
	}
	if asJSON {
		return json.NewEncoder(out).Encode(p)
	}
	took := fmt.Sprintf("%.2f s", p.Seconds)
	if e.There {
		took = "was there"
	}
	_, err := fmt.Fprintf(out, "%s  seed %d  %s  %d frames  %s  %s\n", p.Task, p.Seed, p.Status, p.Frames, took, p.Dir)
	return err
}

// roundTime rounds a time to what a reader wants to know of it.
func roundTime(d time.Duration) time.Duration {
	if d > time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(100 * time.Millisecond)
}
