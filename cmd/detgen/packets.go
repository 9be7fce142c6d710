package main

import (
	"fmt"

	"detgen/packet"
	"detgen/table"
	"detgen/truth"

	"github.com/spf13/cobra"
)

// newPackets is "detgen packets": a row per packet of captures and run directories.
func newPackets() *cobra.Command {
	var flags packetsFlags
	cmd := &cobra.Command{
		Use:   "packets PCAP|DIR... [-o FILE]",
		Short: "Write a row per packet: headers and TCP analysis",
		Long: `Packets writes a row for each frame of captures (pcap or pcapng, plain or in gzip or
zstd; "-" is the standard input), or of all captures of run directories, as CSV or
Parquet. Captures that are named together are one stream in the order of their times.
When only run directories are given, the labels of each frame follow:
connection, activity, phase, fate. The columns are described in docs/packets.md and
docs/truth.md.`,
		Args: named("a capture or a run directory"),
		RunE: flags.run,
	}
	cmd.Flags().StringVarP(&flags.output, "output", "o", "-", `write to this file; "-" is the standard output`)
	cmd.Flags().StringVar(&flags.format, "format", "", "csv or parquet (default: by the file's extension, else csv)")
	cmd.Flags().BoolVar(&flags.tunnels, "tunnels", false, "read the headers inside IP in IP, GRE, ERSPAN, VXLAN, GENEVE, GTP-U and MPLS in IP")
	cmd.Flags().BoolVar(&flags.apart, "apart", false, "read captures that are named together each by itself, not as one stream in the order of their times")
	addUnchecked(cmd, &flags.unchecked)
	return cmd
}

type packetsFlags struct {
	output, format     string
	tunnels, unchecked bool
	apart              bool
}

func (o *packetsFlags) run(cmd *cobra.Command, args []string) error {
	format, err := table.FormatFor(o.format, o.output)
	if err != nil {
		return badRequest(err)
	}
	paths, err := truth.CaptureFiles(args, o.unchecked, o.apart)
	if err != nil {
		return badRequest(err)
	}
	columns, labels := packet.Columns(), truth.LabelsOf(args, o.unchecked)
	if labels != nil {
		columns = append(columns, truth.LabelColumns()...)
	}
	out, err := table.Create(o.output, format, columns)
	if err != nil {
		return badRequest(err)
	}
	return writeTable(cmd, out, o.output, paths, func(s *packet.Series) (err error) {
		rows := packet.Rows{Decoder: packet.Decoder{Tunnels: o.tunnels}}
		if labels != nil {
			if rows.Extra, err = labels.Of(s.Name()); err != nil {
				return err
			}
		}
		return rows.Write(cmd.Context(), s.Paths(), s, out)
	})
}

// writeTable writes the rows of captures to a table and completes it, even when captures were damaged.
func writeTable(cmd *cobra.Command, out *table.File, path string, captures [][]string, rows func(*packet.Series) error) error {
	defer out.Abort()
	line := newProgress(cmd.ErrOrStderr())
	defer line.clear()
	warn := func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), "detgen: warning:", text) }
	failed, err := packet.Each(captures, line.show, warn, rows)
	if err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return failed
}
