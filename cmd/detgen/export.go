package main

import (
	"detgen/truth"

	"github.com/spf13/cobra"
)

// newExport is "detgen export": the labels of a run in other forms.
func newExport() *cobra.Command {
	e := truth.Export{Tool: tool()}
	cmd := &cobra.Command{
		Use:   "export DIR -o FILE",
		Short: "Write a run's labels as pcapng with comments, Parquet or CSV",
		Long: `Export writes the labels of a run directory in the form that the file's extension names:
.pcapng has the frames of all captures by time, each with a comment in pcapML's grammar
(sample, label, key=value pairs), which Wireshark shows; .parquet and .csv have the table
of packets, or of connections with --what connections. docs/truth.md describes them.`,
		Args: oneRun,
		RunE: func(_ *cobra.Command, args []string) error { return e.Write(args[0]) },
	}
	cmd.Flags().StringVarP(&e.Path, "output", "o", "", "the file to write: .pcapng, .parquet or .csv")
	cmd.Flags().StringVar(&e.What, "what", "packets", "packets or connections")
	cmd.Flags().StringVar(&e.Host, "host", "", "pcapng: only the captures of this host, or tap (tap-NETWORK)")
	addUnchecked(cmd, &e.Unchecked)
	return cmd
}
