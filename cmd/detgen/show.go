package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"detgen/record"
	"detgen/truth"

	"github.com/spf13/cobra"
)

// newShow is "detgen show": what happened in a run.
func newShow() *cobra.Command {
	var packets, asJSON bool
	var selection truth.Selection
	cmd := &cobra.Command{
		Use:   "show DIR",
		Short: "Show what happened in a run: hosts, links, phases, connections, fates",
		Long: `Show prints what happened in the run of a run directory. With --packets it prints the
conversation: each frame that a host sent, in the order of time, with its phase and
with what the network did to it. Arrows: --> delivered, --X lost, ~~> corrupted,
-x> lost for some of its receivers. TCP's numbers count from the connection's start.`,
		Args: oneRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			rec, err := record.Read(args[0])
			if err != nil {
				return badRequest(err)
			}
			t, err := truth.Read(args[0], rec)
			if packets {
				if err != nil {
					return err
				}
				return showPackets(cmd.OutOrStdout(), t, selection, asJSON)
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
	cmd.Flags().IntVar(&selection.Connection, "connection", 0, "with --packets: only this connection (its id in connections.csv)")
	cmd.Flags().StringVar(&selection.Host, "host", "", "with --packets: only frames from or to this host")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON; with --packets an object a line")
	return cmd
}

// oneRun wants one run directory.
func oneRun(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return badRequest(errors.New("name one run directory"))
	}
	return nil
}

func showPackets(out io.Writer, t *truth.Truth, s truth.Selection, asJSON bool) error {
	if s.Connection < 0 || s.Connection > len(t.Connections) {
		return badRequest(fmt.Errorf("--connection %d: the run has connections 1 to %d", s.Connection, len(t.Connections)))
	}
	if s.Host != "" && !t.HasHost(s.Host) {
		return badRequest(fmt.Errorf("--host %s: the run has no such host", s.Host))
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
