package main

import (
	"errors"
	"fmt"

	"detgen/plot"
	"detgen/record"
	"detgen/report"
	"detgen/truth"

	"github.com/spf13/cobra"
)

// newShow is "detgen show": what happened in a run.
func newShow() *cobra.Command {
	var packets, unchecked bool
	var figure, queues string
	selection, color := truth.Selection{}, plot.ColorByFlag
	cmd := &cobra.Command{
		Use:   "show DIR...",
		Short: "Show what happened in a run: hosts, links, phases, connections, fates",
		Long: `Show prints what happened in the run of a run directory. With --packets it prints the
conversation: each frame that a host sent, in the order of time, with its phase and
with what the network did to it. Arrows: --> delivered, --X lost, ~~> corrupted,
-x> lost for some of its receivers. TCP's numbers count from the connection's start.
With --svg it draws the packet sequence of each capture (a PNG when the name ends in .png):
a stem a packet, as high as the packet is large, upwards what the host sent (with
--connection: what the client sent), with retransmissions, lost frames and phases.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if queues != "" && len(args) > 0 {
				return report.DrawQueues(queues, args, unchecked)
			}
			if err := oneRun(cmd, args); err != nil {
				return err
			}
			if figure != "" && (packets || isSet(cmd, "json")) {
				return badRequest(errors.New("--svg draws a figure and prints nothing: leave out --packets and --json"))
			}
			if err := plot.CheckName(figure); figure != "" && err != nil {
				return badRequest(fmt.Errorf("--svg %w", err))
			}
			rec, t, err := truth.Open(args[0], unchecked)
			if err != nil && (rec == nil || packets || figure != "" || rec.Result.Status == record.Complete) {
				return err
			}
			if err == nil && t.Has(selection) != nil {
				return badRequest(fmt.Errorf("--%w", t.Has(selection)))
			}
			switch {
			case packets && isSet(cmd, "json"):
				return truth.WriteStoryJSON(cmd.OutOrStdout(), t.Story(selection))
			case packets:
				return truth.WriteStory(cmd.OutOrStdout(), t.Story(selection))
			case figure != "":
				return report.DrawRun(figure, t, selection, color)
			}
			overview := truth.NewOverview(rec, t, err)
			return printResult(cmd, overview, overview.WriteText)
		},
	}
	cmd.Flags().BoolVar(&packets, "packets", false, "print the conversation, frame by frame")
	cmd.Flags().IntVar(&selection.Connection, "connection", 0, "with --packets or --svg: only this connection (its id in connections.csv)")
	cmd.Flags().StringVar(&selection.Host, "host", "", "with --packets: only frames from or to this host, or seen by this tap (tap-NETWORK); with --svg: only its captures")
	cmd.Flags().StringVar(&figure, "svg", "", "draw the packet sequences to this file (.svg or .png)")
	cmd.Flags().StringVar(&queues, "queues", "", "draw the bottlenecks of paths to this file (.svg or .png), of several runs side by side")
	choose(cmd, &color, plot.ParseColorBy, "color", "with --svg: what the colour of a packet says, flag or phase")
	cmd.Flags().Bool("json", false, "print JSON; with --packets an object a line")
	addUnchecked(cmd, &unchecked)
	return cmd
}

// addUnchecked adds the flag of commands that read the captures of run directories.
func addUnchecked(cmd *cobra.Command, unchecked *bool) {
	cmd.Flags().BoolVar(unchecked, "unchecked", false, "take the captures of a run directory as they are, also when their SHA-256 is not what run.json says")
}

// oneRun wants one run directory.
func oneRun(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return badRequest(errors.New("name one run directory"))
	}
	return nil
}
