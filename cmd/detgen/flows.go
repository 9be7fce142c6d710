package main

import (
	"fmt"
	"runtime"

	"detgen/flow"
	"detgen/packet"
	"detgen/table"
	"detgen/truth"

	"github.com/spf13/cobra"
)

// newFlows is "detgen flows": a row per connection of captures and run directories.
func newFlows() *cobra.Command {
	var flags flowsFlags
	flags.options = flow.NewOptions(flow.Default)
	cmd := &cobra.Command{
		Use:   "flows PCAP|DIR... [-o FILE]",
		Short: "Write a row per connection: CICFlowMeter's columns and more",
		Long: `Flows writes a row for each flow in captures (pcap or pcapng, plain or in gzip or
zstd; "-" is the standard input), or in all captures of run directories, as CSV or
Parquet. Captures that are named together are one stream in the order of their times.
Modes are default (corrected and extended), cic2017, cic2021 and cic-fixed (as
three versions of CICFlowMeter, with their defects) and cns2022 (as the corrected release
of CICIDS-2017). The columns and what the modes do
differently are described in docs/flow-features.md.`,
		Args: named("a capture or a run directory"),
		RunE: flags.run,
	}
	f := cmd.Flags()
	f.StringVarP(&flags.output, "output", "o", "-", `write to this file; "-" is the standard output`)
	f.StringVar(&flags.format, "format", "", "csv or parquet (default: by the file's extension, else csv)")
	choose(cmd, &flags.options.Mode, flow.ParseMode, "mode", "default, cic2017, cic2021, cic-fixed or cns2022")
	choose(cmd, &flags.columns, flow.ParseColumnSet, "columns", "tool (the mode's own), cicids2017 (the 85 of CICIDS-17) or ml (the 79 of its MachineLearningCSV)")
	f.DurationVar(&flags.options.FlowTimeout, "flow-timeout", flags.options.FlowTimeout, "start another flow after that time since a flow's first packet; 0: never (mode default)")
	f.DurationVar(&flags.options.ActivityTimeout, "activity-timeout", flags.options.ActivityTimeout, "silence that divides active from idle times")
	f.DurationVar(&flags.options.IdleTimeout, "idle-timeout", flags.options.IdleTimeout, "end a flow after that much silence; 0: never (mode default)")
	f.DurationVar(&flags.options.LingerTimeout, "linger-timeout", flags.options.LingerTimeout, "the same for closed TCP connections; 0: as the others (mode default)")
	f.BoolVar(&flags.options.CountPadding, "count-padding", false, "count Ethernet padding as payload, as in the CICIDS-17 files (mode cic2017)")
	f.BoolVar(&flags.options.Tunnels, "tunnels", false, "measure what is inside IP in IP, GRE, ERSPAN, VXLAN, GENEVE, GTP-U and MPLS in IP (mode default)")
	f.BoolVar(&flags.options.IgnoreVLAN, "ignore-vlan", false, "make the same endpoints in different VLANs one flow (mode default)")
	f.IntVar(&flags.options.MaxFlows, "max-flows", 0, "hold at most so many open flows, the oldest out first; 0: no bound (mode default; the work is not shared then)")
	f.IntVar(&flags.jobs, "jobs", runtime.NumCPU(), "share the work by that many; the result is the same")
	cmd.Flags().BoolVar(&flags.apart, "apart", false, "read captures that are named together each by itself, not as one stream in the order of their times")
	addUnchecked(cmd, &flags.unchecked)
	return cmd
}

type flowsFlags struct {
	output, format string
	columns        flow.ColumnSet
	jobs           int
	unchecked      bool
	apart          bool
	options        flow.Options
}

func (o *flowsFlags) run(cmd *cobra.Command, args []string) error {
	if err := o.check(cmd); err != nil {
		return badRequest(err)
	}
	format, err := table.FormatFor(o.format, o.output)
	if err != nil {
		return badRequest(err)
	}
	paths, err := truth.CaptureFiles(args, o.unchecked, o.apart)
	if err != nil {
		return badRequest(err)
	}
	layout := flow.NewLayout(o.options.Mode, o.columns)
	out, err := table.Create(o.output, format, layout.Columns())
	if err != nil {
		return badRequest(err)
	}
	return writeTable(cmd, out, o.output, paths, func(s *packet.Series) error {
		return flow.Write(cmd.Context(), s, o.options, o.jobs, layout, out, s.Paths())
	})
}

// check finds flags that do not go together.
func (o *flowsFlags) check(cmd *cobra.Command) error {
	for _, name := range []string{"idle-timeout", "linger-timeout"} {
		if o.options.Mode != flow.Default && cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s: only mode %v has it, not %v", name, flow.Default, o.options.Mode)
		}
	}
	if o.jobs < 1 {
		return fmt.Errorf("--jobs %d: must be at least 1", o.jobs)
	}
	return o.options.Validate()
}
