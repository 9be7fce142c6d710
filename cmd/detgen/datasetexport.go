package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"detgen/dataset"
	"detgen/dataset/columns"
	"detgen/table"

	"github.com/spf13/cobra"
)

// newDatasetExport is "detgen dataset export": chosen runs as one capture, or as a table in the columns of others.
func newDatasetExport() *cobra.Command {
	selection := dataset.Selection{Tool: tool()}
	var out, set, format string
	cmd := &cobra.Command{
		Use:   "export DIR -o FILE",
		Short: "Write chosen runs of a dataset as one capture, or as a table in the columns of others",
		Long: `Export writes the frames of the chosen runs to one file on one time line, each run after the one before: .pcapng with
labels as comments, or .pcap. Each frame is there once, as its sender sent it; with --host as that host's captures
have them. With --columns it writes a table of the runs' connections instead.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			var done *dataset.Exported
			switch ext := filepath.Ext(out); {
			case out == "":
				return badRequest(errors.New("say where to write: -o FILE.pcapng, FILE.pcap, or a table with --columns"))
			case set != "":
				of, err := columns.Parse(set)
				if err != nil {
					return badRequest(fmt.Errorf("--columns: %w", err))
				}
				f, err := table.FormatFor(format, out)
				if err != nil {
					return badRequest(fmt.Errorf("--format: %w", err))
				}
				if done, err = dataset.ExportColumns(cmd.Context(), args[0], out, of, f, &selection); err != nil {
					return err
				}
			case ext != ".pcapng" && ext != ".pcap":
				return badRequest(fmt.Errorf("-o %s: the name must end with .pcapng or .pcap, or --columns say what the table has", out))
			case selection.Gap < 0:
				return badRequest(fmt.Errorf("--gap %v: must not be negative", selection.Gap))
			default:
				if done, err = dataset.ExportCapture(cmd.Context(), args[0], out, &selection); err != nil {
					return err
				}
			}
			return done.WriteText(cmd.OutOrStdout(), out)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&out, "output", "o", "", "the file: .pcapng, .pcap, or a table with --columns")
	f.StringVar(&set, "columns", "", "write a table in these columns: cicids2017, ml, cns2022, zeek, unsw")
	f.StringVar(&format, "format", "", "of the table: csv or parquet (default: by the file's extension, else csv)")
	f.StringSliceVar(&selection.Runs, "run", nil, "only these runs, by their ids in runs.csv")
	f.StringSliceVar(&selection.Entries, "entry", nil, "only runs of these entries of the plan")
	f.StringSliceVar(&selection.Labels, "label", nil, "only runs with these labels: benign, or an attack's scenario")
	f.StringSliceVar(&selection.Splits, "split", nil, "only runs in these splits")
	f.StringVar(&selection.Host, "host", "", "of a capture: the frames of this host's captures")
	f.DurationVar(&selection.Gap, "gap", time.Second, "of a capture: time between the end of a run and the beginning of the next")
	return cmd
}
