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
	var to truth.Table
	var columns flow.ColumnSet
	var jobs int
	o := flow.NewOptions(flow.Default)
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
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range []string{"idle-timeout", "linger-timeout"} {
				if o.Mode != flow.Default && cmd.Flags().Changed(name) {
					return badRequest(fmt.Errorf("--%s: only mode %v has it, not %v", name, flow.Default, o.Mode))
				}
			}
			if jobs < 1 {
				return badRequest(fmt.Errorf("--jobs %d: must be at least 1", jobs))
			}
			if err := o.Validate(); err != nil {
				return badRequest(err)
			}
			layout := flow.NewLayout(o.Mode, columns)
			return to.Write(args, layout.Columns(), func(s *packet.Series, out *table.File) error {
				return flow.Write(cmd.Context(), s, o, jobs, layout, out, s.Paths())
			})
		},
	}
	addTable(cmd, &to)
	choose(cmd, &o.Mode, flow.ParseMode, "mode", "default, cic2017, cic2021, cic-fixed or cns2022")
	choose(cmd, &columns, flow.ParseColumnSet, "columns", "tool (the mode's own), cicids2017 (the 85 of CICIDS-17) or ml (the 79 of its MachineLearningCSV)")
	f := cmd.Flags()
	f.DurationVar(&o.FlowTimeout, "flow-timeout", o.FlowTimeout, "start another flow after that time since a flow's first packet; 0: never (mode default)")
	f.DurationVar(&o.ActivityTimeout, "activity-timeout", o.ActivityTimeout, "silence that divides active from idle times")
	f.DurationVar(&o.IdleTimeout, "idle-timeout", o.IdleTimeout, "end a flow after that much silence; 0: never (mode default)")
	f.DurationVar(&o.LingerTimeout, "linger-timeout", o.LingerTimeout, "the same for closed TCP connections; 0: as the others (mode default)")
	f.BoolVar(&o.CountPadding, "count-padding", false, "count Ethernet padding as payload, as in the CICIDS-17 files (mode cic2017)")
	f.BoolVar(&o.Tunnels, "tunnels", false, "measure what is inside IP in IP, GRE, ERSPAN, VXLAN, GENEVE, GTP-U and MPLS in IP (mode default)")
	f.BoolVar(&o.IgnoreVLAN, "ignore-vlan", false, "make the same endpoints in different VLANs one flow (mode default)")
	f.IntVar(&o.MaxFlows, "max-flows", 0, "hold at most so many open flows, the oldest out first; 0: no bound (mode default; the work is not shared then)")
	f.IntVar(&jobs, "jobs", runtime.NumCPU(), "share the work by that many; the result is the same")
	return cmd
}
