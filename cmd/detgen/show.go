package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"detgen/plot"
	"detgen/record"
	"detgen/report"
	"detgen/truth"

	"github.com/spf13/cobra"
)

// newShow is "detgen show": what happened in a run.
func newShow() *cobra.Command {
	var packets, asJSON, unchecked bool
	var selection truth.Selection
	var figure, color string
	cmd := &cobra.Command{
		Use:   "show DIR",
		Short: "Show what happened in a run: hosts, links, phases, connections, fates",
		Long: `Show prints what happened in the run of a run directory. With --packets it prints the
conversation: each frame that a host sent, in the order of time, with its phase and
with what the network did to it. Arrows: --> delivered, --X lost, ~~> corrupted,
-x> lost for some of its receivers. TCP's numbers count from the connection's start.
With --svg it draws the packet sequence of each capture (a PNG when the name ends in .png):
a stem a packet, as high as the packet is large, upwards what the host sent (with
--connection: what the client sent), with retransmissions, lost frames and phases.`,
		Args: oneRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			if figure != "" {
				if packets || asJSON {
					return badRequest(errors.New("--svg draws a figure and prints nothing: leave out --packets and --json"))
				}
				if err := plot.CheckName(figure); err != nil {
					return badRequest(fmt.Errorf("--svg %w", err))
				}
			}
			rec, err := record.Read(args[0])
			if err != nil {
				return badRequest(err)
			}
			rec.Unchecked = unchecked
			t, err := truth.Read(args[0], rec)
			if packets {
				if err != nil {
					return err
				}
				return showPackets(cmd.OutOrStdout(), t, selection, asJSON)
			}
			if figure != "" {
				if err != nil {
					return err
				}
				return showFigure(figure, t, selection, color)
			}
			if err != nil && rec.Result.Status == record.Complete {
				return err
			}
			overview := truth.NewOverview(rec, t, err)
			if asJSON {
				return printJSON(cmd.OutOrStdout(), overview)
			}
			return overview.WriteText(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&packets, "packets", false, "print the conversation, frame by frame")
	cmd.Flags().IntVar(&selection.Connection, "connection", 0, "with --packets or --svg: only this connection (its id in connections.csv)")
	cmd.Flags().StringVar(&selection.Host, "host", "", "with --packets: only frames from or to this host; with --svg: only its captures")
	cmd.Flags().StringVar(&figure, "svg", "", "draw the packet sequences to this file (.svg or .png)")
	cmd.Flags().StringVar(&color, "color", "flag", "with --svg: what the colour of a packet says, flag or phase")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON; with --packets an object a line")
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

// showFigure draws the packets of a run.
func showFigure(path string, t *truth.Truth, s truth.Selection, color string) error {
	if err := checkSelection(t, s); err != nil {
		return err
	}
	by, ok := report.Colors[color]
	if !ok {
		return badRequest(fmt.Errorf("--color %s: must be flag or phase", color))
	}
	err := report.DrawRun(path, t, s, by)
	if errors.Is(err, report.ErrNothing) {
		return badRequest(err)
	}
	return err
}

func showPackets(out io.Writer, t *truth.Truth, s truth.Selection, asJSON bool) error {
	if err := checkSelection(t, s); err != nil {
		return err
	}
	lines := t.Story(s)
	if !asJSON {
		return truth.WriteStory(out, lines)
	}
	encoder := json.NewEncoder(out)
	for i := range lines {
		if err := encoder.Encode(&lines[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkSelection finds what the run does not have.
func checkSelection(t *truth.Truth, s truth.Selection) error {
	if s.Connection < 0 || s.Connection > len(t.Connections) {
		return badRequest(fmt.Errorf("--connection %d: the run has connections 1 to %d", s.Connection, len(t.Connections)))
	}
	if s.Host != "" && !t.HasHost(s.Host) {
		return badRequest(fmt.Errorf("--host %s: the run has no such host", s.Host))
	}
	return nil
}
