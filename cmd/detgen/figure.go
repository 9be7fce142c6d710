package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"detgen/plot"
	"detgen/record"
	"detgen/truth"
)

// colors are what the colour of a packet can say.
var colors = map[string]plot.ColorBy{"flag": plot.ColorByFlag, "phase": plot.ColorByPhase}

// showFigure draws the packets of a run to the file at path: a sequence for each capture, upwards what its
// host sent, or for a connection what its client sent.
func showFigure(path string, t *truth.Truth, s truth.Selection, color string) error {
	if err := checkSelection(t, s); err != nil {
		return err
	}
	by, ok := colors[color]
	if !ok {
		return badRequest(fmt.Errorf("--color %s: must be flag or phase", color))
	}
	main := &t.Record.Run.Activities[0]
	figure := plot.Packets{Title: main.Scenario + "/" + main.Task, Up: "sent", Down: "received", Color: by}
	if s.Connection != 0 {
		figure.Title += fmt.Sprintf(", connection %d", s.Connection)
		figure.Up, figure.Down = "client", "server"
	}
	for i, c := range t.Captures {
		if s.Host != "" && s.Host != c.Host {
			continue
		}
		if sample := sequence(t, i, s.Connection); len(sample.Packets) > 0 {
			figure.Samples = append(figure.Samples, sample)
		}
	}
	if len(figure.Samples) == 0 {
		return badRequest(errors.New("there is no packet to draw in the captures chosen"))
	}
	drawing, err := figure.Draw()
	if err != nil {
		return err
	}
	return drawing.WriteFile(path)
}

// sequence is the packets of a capture of a run, those of one connection when it is not 0, with times
// from the main activity's start.
func sequence(t *truth.Truth, capture, connection int) plot.Sample {
	c := t.Captures[capture]
	started := t.Record.Result.Started
	sample := plot.Sample{Name: c.Host, Phases: phasesAt(t.Record, c.Host)}
	if several := slices.ContainsFunc(t.Captures, func(o *truth.Capture) bool { return o != c && o.Host == c.Host }); several {
		sample.Name += " " + c.Interface
	}
	for i := range c.Frames {
		f := &c.Frames[i]
		if connection != 0 && int(f.Connection)+1 != connection {
			continue
		}
		one := plot.Packet{
			Time: time.Unix(0, f.Time).Sub(started), Size: int(f.Length), Up: f.Sent,
			TCP: f.IsTCP(), Flags: uint8(f.Flags), Phase: t.Phases[f.Phase],
			Retransmission: f.Exact == truth.Needed || f.Exact == truth.Spurious, Lost: f.Fate == truth.Lost,
		}
		if connection != 0 {
			one.Up = f.FromClient
		}
		sample.Packets = append(sample.Packets, one)
	}
	return sample
}

// phasesAt is the phases of the main activity that a host marked, or those of the first host that marked any.
func phasesAt(rec *record.Record, host string) []plot.Phase {
	if len(rec.Result.Activities) == 0 {
		return nil
	}
	all := rec.Result.Activities[0].Phases
	own := func(p record.Phase) bool { return p.Host == host }
	if !slices.ContainsFunc(all, own) && len(all) > 0 {
		host = all[0].Host
	}
	var phases []plot.Phase
	for _, p := range all {
		if own(p) {
			phases = append(phases, plot.Phase{Name: p.Name, Start: p.Start.Sub(rec.Result.Started), End: p.End.Sub(rec.Result.Started)})
		}
	}
	return phases
}
