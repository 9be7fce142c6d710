package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"detgen/record"
	"detgen/table"
	"detgen/truth"

	"github.com/spf13/cobra"
)

// newExport is "detgen export": the labels of a run in other forms.
func newExport() *cobra.Command {
	var output, what, host string
	var unchecked bool
	cmd := &cobra.Command{
		Use:   "export DIR -o FILE",
		Short: "Write a run's labels as pcapng with comments, Parquet or CSV",
		Long: `Export writes the labels of a run directory in the form that the file's extension names:
.pcapng has the frames of all captures by time, each with a comment in pcapML's grammar
(sample, label, key=value pairs), which Wireshark shows; .parquet and .csv have the table
of packets, or of connections with --what connections. docs/truth.md describes them.`,
		Args: oneRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			if output == "" {
				return badRequest(errors.New("say where to write: -o FILE.pcapng, FILE.parquet or FILE.csv"))
			}
			extension := strings.ToLower(filepath.Ext(output))
			switch {
			case extension != ".pcapng" && extension != ".parquet" && extension != ".csv":
				return badRequest(fmt.Errorf("-o %s: the name must end with .pcapng, .parquet or .csv", output))
			case what != "packets" && what != "connections":
				return badRequest(fmt.Errorf("--what %s: must be packets or connections", what))
			case extension == ".pcapng" && what != "packets":
				return badRequest(errors.New("--what connections: a pcapng file has packets"))
			case extension != ".pcapng" && host != "":
				return badRequest(errors.New("--host: only for pcapng files"))
			}
			rec, err := record.Read(args[0])
			_, noFolder := os.Stat(filepath.Dir(output))
			if err := errors.Join(err, noFolder); err != nil {
				return badRequest(err)
			}
			rec.Unchecked = unchecked
			t, err := truth.Read(args[0], rec)
			if err != nil {
				return err
			}
			if host != "" && !t.HasHost(host) {
				return badRequest(fmt.Errorf("--host %s: the run has no such host", host))
			}
			format := table.Format(extension[1:])
			switch {
			case extension == ".pcapng":
				return t.WritePcapngFile(output, "detgen "+version, host)
			case what == "connections":
				return t.WriteConnections(output, format)
			}
			return t.WritePackets(output, format)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write: .pcapng, .parquet or .csv")
	cmd.Flags().StringVar(&what, "what", "packets", "packets or connections")
	cmd.Flags().StringVar(&host, "host", "", "pcapng: only the captures of this host")
	addUnchecked(cmd, &unchecked)
	return cmd
}
