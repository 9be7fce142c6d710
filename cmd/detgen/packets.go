package main

import (
	"fmt"

	"detgen/truth"

	"github.com/spf13/cobra"
)

// newPackets is "detgen packets": a row per packet of captures and run directories.
func newPackets() *cobra.Command {
	var to truth.Table
	var tunnels bool
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
		RunE: func(cmd *cobra.Command, args []string) error { return to.WritePackets(cmd.Context(), args, tunnels) },
	}
	addTable(cmd, &to)
	cmd.Flags().BoolVar(&tunnels, "tunnels", false, "read the headers inside IP in IP, GRE, ERSPAN, VXLAN, GENEVE, GTP-U and MPLS in IP")
	return cmd
}

// addTable adds the flags of a command that writes a table of captures.
func addTable(cmd *cobra.Command, to *truth.Table) {
	cmd.PreRun = func(cmd *cobra.Command, _ []string) {
		to.Tell = tell(cmd).Show
		to.Warn = func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), "detgen: warning:", text) }
	}
	f := cmd.Flags()
	f.StringVarP(&to.Path, "output", "o", "-", `write to this file; "-" is the standard output`)
	f.StringVar(&to.Format, "format", "", "csv or parquet (default: by the file's extension, else csv)")
	f.BoolVar(&to.Apart, "apart", false, "read captures that are named together each by itself, not as one stream in the order of their times")
	addUnchecked(cmd, &to.Unchecked)
}
