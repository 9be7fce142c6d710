package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"detgen/dataset"
	"detgen/dataset/plan"
	"detgen/image"
	"detgen/runner"

	"github.com/spf13/cobra"
)

// newDataset is "detgen dataset": many runs from one plan.
func newDataset() *cobra.Command {
	cmd := &cobra.Command{Use: "dataset", Short: "Make many labelled runs from one plan, as tables, checked and reproducible"}
	cmd.AddCommand(newDatasetBuild(), newDatasetMerge(), newDatasetRecipe(), newDatasetMake(), newDatasetVerify(), newDatasetExport())
	cmd.AddCommand(&cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of plans, for editors",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(plan.Schema)
			return err
		},
	})
	return cmd
}

// datasetFlags are the flags of commands that write a dataset.
type datasetFlags struct {
	makerFlags
	out, format string
	columns     []string
	options     dataset.Options
}

func (f *datasetFlags) add(cmd *cobra.Command) {
	f.imageFlags.add(cmd)
	cmd.Flags().StringVarP(&f.out, "output", "o", "", "the folder of the dataset (default: the plan's name)")
	cmd.Flags().StringVar(&f.format, "format", "", "of the tables of connections and packets: csv or parquet (default csv)")
	cmd.Flags().IntVar(&f.options.Parallel, "jobs", runtime.NumCPU(), "runs at once")
	cmd.Flags().StringSliceVar(&f.columns, "columns", nil, "write tables in the columns of others besides: cicids2017, ml, cns2022, zeek, unsw")
}

// write writes a dataset of a plan and prints what came of it.
func (f *datasetFlags) write(cmd *cobra.Command, p *plan.Plan, write func(*runner.Runner) (dataset.Result, error)) error {
	f.out, f.engine = cmp.Or(f.out, p.Dataset), cmp.Or(f.engine, p.Engine)
	if err := f.options.Tables(f.format, f.columns); err != nil {
		return err
	}
	r, err := runner.Open(f.config(cmd))
	if err != nil {
		return err
	}
	defer r.Close()
	f.options.Report = runner.Follow(tell(cmd))
	done, err := write(r)
	if err != nil {
		return err
	}
	return done.WriteText(cmd.OutOrStdout(), f.out)
}

func newDatasetBuild() *cobra.Command {
	var f datasetFlags
	var on string
	slurm := &dataset.Slurm{}
	cmd := &cobra.Command{
		Use:   "build PLAN -o DIR [--on slurm --tasks N [-- SBATCH-OPTION...]]",
		Short: "Make the runs of a plan that are missing, then the tables",
		Long: `Build makes the runs of a plan, and when all are there the tables, dataset.json and the card. The same command goes on
where it was when it was interrupted or killed. With --shard several processes or computers that share the folder make
a part each; the tables follow from the same command without --shard. With --on slurm the shards are the tasks of a job
array, which the command submits and follows; what is behind -- goes to sbatch.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if n := cmd.ArgsLenAtDash(); n >= 0 {
				slurm.Options, args = args[n:], args[:n]
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			p, text, err := plan.ReadFile(args[0])
			if err != nil {
				return badRequest(err)
			}
			if err := f.options.On(on, cmp.Or(f.out, p.Dataset), slurm, f.config(cmd)); err != nil {
				return err
			}
			return f.write(cmd, p, func(r *runner.Runner) (dataset.Result, error) {
				return dataset.Build(cmd.Context(), f.out, args[0], text, r, f.options)
			})
		},
	}
	f.add(cmd)
	f.addEngine(cmd)
	choose(cmd, &f.options.Shard, runner.ParseShard, "shard", "make only the runs of shard i/n, with i from 0 to n-1, and no tables; env/n takes i from a scheduler")
	cmd.Flags().BoolVar(&f.options.RetryFailed, "retry-failed", false, "make runs again that failed")
	cmd.Flags().StringVar(&on, "on", "", "where the runs are made: slurm, in a folder that its nodes share (default: here)")
	cmd.Flags().IntVar(&slurm.Shards, "tasks", 2, "tasks of the job array")
	return cmd
}

func newDatasetMerge() *cobra.Command {
	var f datasetFlags
	cmd := &cobra.Command{
		Use:   "merge FOLDER... -o DIR",
		Short: "Join the shards of one plan that were made in several folders, and write the tables",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := plan.ReadFile(filepath.Join(args[0], dataset.PlanFile))
			if err != nil {
				return badRequest(err)
			}
			return f.write(cmd, p, func(r *runner.Runner) (dataset.Result, error) {
				return dataset.Merge(cmd.Context(), f.out, args, r, f.options)
			})
		},
	}
	f.add(cmd)
	f.addEngine(cmd)
	return cmd
}

func newDatasetRecipe() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "recipe DIR -o FILE",
		Short: "Write the small file that a dataset is made again from, with the digest of every capture",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := dataset.WriteRecipe(cmd.Context(), args[0], out)
			if err != nil {
				return err
			}
			return r.WriteText(cmd.OutOrStdout(), out)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "recipe.json", "the file")
	return cmd
}

func newDatasetMake() *cobra.Command {
	var f datasetFlags
	cmd := &cobra.Command{
		Use:   "make RECIPE -o DIR",
		Short: "Make a dataset again from its recipe, and compare the bytes run by run",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			recipe, p, err := dataset.ReadRecipe(args[0])
			if err != nil {
				return err
			}
			f.engine = recipe.MadeOn.Name
			return f.write(cmd, p, func(r *runner.Runner) (dataset.Result, error) {
				return recipe.MakeAgain(cmd.Context(), f.out, r, f.options)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.options.Snapshot, "snapshot", cmp.Or(os.Getenv("DETGEN_SNAPSHOT"), image.SnapshotArchive), "the archive that has packages of the recipe when the mirror has newer ones (DETGEN_SNAPSHOT)")
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
			same, err := v.MakeAgain(cmd.Context(), with.config(cmd), sample, tell(cmd).Show)
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

// newDatasetExport is "detgen dataset export": chosen runs as one capture, or as a table in the columns of others.
func newDatasetExport() *cobra.Command {
	selection, out := dataset.Selection{Tool: tool()}, ""
	cmd := &cobra.Command{
		Use:   "export DIR -o FILE",
		Short: "Write chosen runs, one after the other, as one capture (labels are comments in pcapng), or as a table (--columns)",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return dataset.Export(cmd.Context(), args[0], out, &selection, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&out, "output", "o", "", "the file: .pcapng, .pcap, or a table with --columns")
	f.StringVar(&selection.Columns, "columns", "", "write a table in these columns: cicids2017, ml, cns2022, zeek, unsw")
	f.StringVar(&selection.Format, "format", "", "of the table: csv or parquet (default: by the file's extension, else csv)")
	f.StringSliceVar(&selection.Runs, "run", nil, "only these runs, by their ids in runs.csv")
	f.StringSliceVar(&selection.Entries, "entry", nil, "only runs of these entries of the plan")
	f.StringSliceVar(&selection.Labels, "label", nil, "only runs with these labels: benign, or an attack's scenario")
	f.StringSliceVar(&selection.Splits, "split", nil, "only runs in these splits")
	f.StringVar(&selection.Host, "host", "", "of a capture: the frames of this host's captures")
	f.DurationVar(&selection.Gap, "gap", time.Second, "of a capture: time between the end of a run and the beginning of the next")
	return cmd
}
