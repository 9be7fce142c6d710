package main

import (
	"context"
	"errors"
	"fmt"
	"os"
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
Parquet. Modes are default (corrected and extended), cic2017, cic2021 and cic-fixed (as
three versions of CICFlowMeter, with their defects). The columns and what the modes do
differently are described in docs/flow-features.md.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return badRequest(errors.New("flows: name a capture or a run directory"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&flags.output, "output", "o", "-", `write to this file; "-" is the standard output`)
	f.StringVar(&flags.format, "format", "", "csv or parquet (default: by the file's extension, else csv)")
	f.StringVar(&flags.mode, "mode", flow.Default.String(), "default, cic2017, cic2021 or cic-fixed")
	f.StringVar(&flags.columns, "columns", flow.ToolColumns.String(), "tool (the mode's own), cicids2017 (the 85 of CICIDS-17) or ml (the 79 of its MachineLearningCSV)")
	f.DurationVar(&flags.options.FlowTimeout, "flow-timeout", flags.options.FlowTimeout, "start another flow after that time since a flow's first packet; 0: never (mode default)")
	f.DurationVar(&flags.options.ActivityTimeout, "activity-timeout", flags.options.ActivityTimeout, "silence that divides active from idle times")
	f.DurationVar(&flags.options.IdleTimeout, "idle-timeout", flags.options.IdleTimeout, "end a flow after that much silence; 0: never (mode default)")
	f.DurationVar(&flags.options.LingerTimeout, "linger-timeout", flags.options.LingerTimeout, "the same for closed TCP connections; 0: as the others (mode default)")
	f.BoolVar(&flags.options.CountPadding, "count-padding", false, "count Ethernet padding as payload, as in the CICIDS-17 files (mode cic2017)")
	f.BoolVar(&flags.options.Tunnels, "tunnels", false, "measure what is inside IP in IP, GRE, ERSPAN, VXLAN, GENEVE, GTP-U and MPLS in IP (mode default)")
	f.BoolVar(&flags.options.IgnoreVLAN, "ignore-vlan", false, "make the same endpoints in different VLANs one flow (mode default)")
	f.IntVar(&flags.options.MaxFlows, "max-flows", 0, "hold at most so many open flows, the oldest out first; 0: no bound (mode default; the work is not shared then)")
	f.IntVar(&flags.jobs, "jobs", runtime.NumCPU(), "share the work by that many; the result is the same")
	addUnchecked(cmd, &flags.unchecked)
	return cmd
}

type flowsFlags struct {
	output, format, mode, columns string
	jobs                          int
	unchecked                     bool
	options                       flow.Options
}

func (o *flowsFlags) run(cmd *cobra.Command, args []string) error {
	layout, err := o.resolve(cmd)
	if err != nil {
		return badRequest(err)
	}
	format, err := table.FormatFor(o.format, o.output)
	if err != nil {
		return badRequest(err)
	}
	paths, err := truth.CaptureFiles(args, o.unchecked)
	if err != nil {
		return badRequest(err)
	}
	out, err := table.Create(o.output, format, layout.Columns())
	if err != nil {
		return badRequest(err)
	}
	defer out.Abort()
	line := newProgress(cmd.ErrOrStderr())
	defer line.Clear()
	var failed []error
	for i, path := range paths {
		line.Show(fmt.Sprintf("%s: %d of %d captures", path, i+1, len(paths)))
		err := o.capture(cmd.Context(), path, layout, out)
		var damage *packet.DamageError
		var link *packet.LinkError
		switch {
		case err == nil:
		case errors.As(err, &damage) || errors.As(err, &link):
			failed = append(failed, err)
		default:
			return err
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write %s: %w", o.output, err)
	}
	return errors.Join(failed...)
}

// resolve checks the flags and gives the columns.
func (o *flowsFlags) resolve(cmd *cobra.Command) (*flow.Layout, error) {
	mode, err := flow.ParseMode(o.mode)
	if err != nil {
		return nil, fmt.Errorf("--mode: %w", err)
	}
	set, err := flow.ParseColumnSet(o.columns)
	if err != nil {
		return nil, fmt.Errorf("--columns: %w", err)
	}
	if mode != flow.Default {
		for _, name := range []string{"idle-timeout", "linger-timeout"} {
			if cmd.Flags().Changed(name) {
				return nil, fmt.Errorf("--%s: only mode %v has it, not %v", name, flow.Default, mode)
			}
		}
	}
	o.options.Mode = mode
	if err := o.options.Validate(); err != nil {
		return nil, err
	}
	if o.jobs < 1 {
		return nil, fmt.Errorf("--jobs %d: must be at least 1", o.jobs)
	}
	return flow.NewLayout(mode, set), nil
}

// capture writes the rows of one capture.
func (o *flowsFlags) capture(ctx context.Context, path string, layout *flow.Layout, out *table.File) error {
	r, err := packet.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	err = flow.Write(ctx, r, o.options, o.jobs, layout, out, path)
	for _, w := range r.Warnings() {
		fmt.Fprintf(os.Stderr, "detgen: warning: %s: %s\n", path, w)
	}
	return inCapture(path, err)
}
