package main

import (
	"time"

	"detgen/dataset"

	"github.com/spf13/cobra"
)

// newDatasetExport is "detgen dataset export": chosen runs as one capture, or as a table in the columns of others.
func newDatasetExport() *cobra.Command {
	selection := dataset.Selection{Tool: tool()}
	var out string
	cmd := &cobra.Command{
		Use:   "export DIR -o FILE",
		Short: "Write chosen runs of a dataset as one capture, or as a table in the columns of others",
		Long: `Export writes the frames of the chosen runs to one file on one time line, each run after the one before: .pcapng with
labels as comments, or .pcap. Each frame is there once, as its sender sent it; with --host as that host's captures
have them. With --columns it writes a table of the runs' connections instead.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			done, err := dataset.Export(cmd.Context(), args[0], out, &selection)
			if err != nil {
				return err
			}
			return done.WriteText(cmd.OutOrStdout(), out)
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
