package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime"

	"detgen/dataset"
	"detgen/dataset/plan"
	"detgen/runner"
	"detgen/table"

	"github.com/spf13/cobra"
)

// newDataset is "detgen dataset": many runs from one plan.
func newDataset() *cobra.Command {
	cmd := &cobra.Command{Use: "dataset", Short: "Make many labelled runs from one plan, as tables, checked and reproducible"}
	cmd.AddCommand(newDatasetBuild(), newDatasetVerify())
	return cmd
}

func newDatasetBuild() *cobra.Command {
	var with makerFlags
	var o dataset.Options
	var out, format string
	cmd := &cobra.Command{
		Use:   "build PLAN -o DIR",
		Short: "Make the runs of a plan that are missing, then the tables",
		Long: `Build makes the runs of a plan, and when all are there the tables, dataset.json and the card. The same command goes on
where it was when it was interrupted or killed. With --shard several processes or computers that share the folder make
a part each; the tables follow from the same command without --shard.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil {
				return badRequest(err)
			}
			p, err := plan.Read(args[0], text)
			if err != nil {
				return badRequest(err)
			}
			if out == "" {
				out = p.Dataset
			}
			if o.Format, err = table.FormatFor(cmp.Or(format, "csv"), ""); err != nil {
				return badRequest(fmt.Errorf("--format: %w", err))
			}
			with.engine = cmp.Or(with.engine, p.Engine)
			r, err := runner.Open(with.config(cmd))
			if err != nil {
				return err
			}
			defer r.Close()
			progress := newProgress(cmd.ErrOrStderr())
			o.Report = follow(progress)
			built, err := dataset.Build(cmd.Context(), out, args[0], text, r, o)
			progress.clear()
			if err != nil {
				return err
			}
			return built.WriteText(cmd.OutOrStdout(), out)
		},
	}
	with.add(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "the folder of the dataset (default: the plan's name)")
	cmd.Flags().IntVar(&o.Parallel, "jobs", runtime.NumCPU(), "runs at once")
	choose(cmd, &o.Shard, runner.ParseShard, "shard", "make only the runs of shard i/n, with i from 0 to n-1, and no tables")
	cmd.Flags().BoolVar(&o.RetryFailed, "retry-failed", false, "make runs again that failed")
	cmd.Flags().StringVar(&format, "format", "", "of the tables of connections and packets: csv or parquet (default csv)")
	return cmd
}

func newDatasetVerify() *cobra.Command {
	var with makerFlags
	var sample int
	cmd := &cobra.Command{
		Use:   "verify DIR",
		Short: "Check the digests of a dataset's files, and make a sample of its runs again",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := dataset.Check(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%d files of %d runs are as they were recorded\n", v.Files, len(v.Runs)); err != nil || sample == 0 {
				return err
			}
			with.engine = v.Engine
			r, err := runner.Open(with.config(cmd))
			if err != nil {
				return err
			}
			defer r.Close()
			progress := newProgress(cmd.ErrOrStderr())
			same, err := v.MakeAgain(cmd.Context(), r, sample, progress.show)
			progress.clear()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d runs made again gave the same bytes\n", same)
			return err
		},
	}
	with.imageFlags.add(cmd)
	cmd.Flags().IntVar(&sample, "sample", 0, "make so many runs again, drawn by the dataset's seed, and compare (exact engine)")
	return cmd
}
