package main

import (
	"context"
	"errors"
	"fmt"
	"os"

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
Parquet. When only run directories are given, the labels of each frame follow:
connection, activity, phase, fate. The columns are described in docs/packets.md and
docs/truth.md.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return badRequest(errors.New("packets: name a capture or a run directory"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args) },
	}
	cmd.Flags().StringVarP(&flags.output, "output", "o", "-", `write to this file; "-" is the standard output`)
	cmd.Flags().StringVar(&flags.format, "format", "", "csv or parquet (default: by the file's extension, else csv)")
	cmd.Flags().BoolVar(&flags.tunnels, "tunnels", false, "read the headers inside IP in IP, GRE, ERSPAN, VXLAN, GENEVE, GTP-U and MPLS in IP")
	addUnchecked(cmd, &flags.unchecked)
	return cmd
}

type packetsFlags struct {
	output, format     string
	tunnels, unchecked bool
}

func (o *packetsFlags) run(cmd *cobra.Command, args []string) error {
	format, err := table.FormatFor(o.format, o.output)
	if err != nil {
		return badRequest(err)
	}
	paths, err := truth.CaptureFiles(args, o.unchecked)
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
	defer out.Abort()
	line := newProgress(cmd.ErrOrStderr())
	defer line.Clear()
	var failed []error
	for i, path := range paths {
		line.Show(fmt.Sprintf("%s: %d of %d captures", path, i+1, len(paths)))
		err := o.capture(cmd.Context(), path, labels, out)
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

// capture writes the rows of one capture.
func (o *packetsFlags) capture(ctx context.Context, path string, labels *truth.Labels, out *table.File) error {
	rows := packet.Rows{Decoder: packet.Decoder{Tunnels: o.tunnels}}
	if labels != nil {
		var err error
		if rows.Extra, err = labels.Of(path); err != nil {
			return err
		}
	}
	r, err := packet.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	err = rows.Write(ctx, path, r, out)
	for _, w := range r.Warnings() {
		fmt.Fprintf(os.Stderr, "detgen: warning: %s: %s\n", path, w)
	}
	return inCapture(path, err)
}

// inCapture puts the name of the capture before each of the errors in err.
func inCapture(path string, err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var named []error
		for _, e := range joined.Unwrap() {
			named = append(named, inCapture(path, e))
		}
		return errors.Join(named...)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return err
}
