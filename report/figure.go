// Package report draws what run directories hold.
package report

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"detgen/plot"
	"detgen/record"
	"detgen/truth"
	"detgen/twin"
)

// ErrNothing is the error of a figure without packets.
var ErrNothing = errors.New("there is no packet to draw in the captures chosen")

// DrawRun draws the packets of a run to the file at path (.svg or .png): a sequence for each capture, upwards what its
// host sent, or for a connection what its client sent.
func DrawRun(path string, t *truth.Truth, s truth.Selection, by plot.ColorBy) error {
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
		return ErrNothing
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

// DrawTwin draws where two twin runs part: one capture of both, one above the other on one scale, coloured by
// phase. It is that of the host whose frame the links treated differently first, else the one in which the
// runs first part, else the first.
func DrawTwin(r *twin.Report, dir string, paths ...string) error {
	figure := plot.Packets{Title: r.A.Task + twinTitle(r), Up: "sent", Down: "received", Color: plot.ColorByPhase}
	for name, side := range map[string]twin.Side{record.TwinA: r.A, record.TwinB: r.B} {
		rec, err := record.Read(filepath.Join(dir, side.Dir))
		if err != nil {
			return err
		}
		t, err := truth.Read(filepath.Join(dir, side.Dir), rec)
		if err != nil {
			return err
		}
		host, iface := t.Captures[0].Host, t.Captures[0].Interface
		switch {
		case r.Cause != nil:
			host, iface = r.Cause.Host, r.Cause.Interface
		case r.First != nil:
			host, iface = r.First.Host, r.First.Interface
		}
		i := slices.IndexFunc(t.Captures, func(c *truth.Capture) bool { return c.Host == host && c.Interface == iface })
		sample := sequence(t, i, 0)
		sample.Name = fmt.Sprintf("%s at %s", name, sample.Name)
		if r.First != nil {
			sample.Marks = []plot.Mark{{Time: partsAt(r.First, name), Text: "they part"}}
		}
		figure.Samples = append(figure.Samples, sample)
	}
	slices.SortFunc(figure.Samples, func(a, b plot.Sample) int { return strings.Compare(a.Name, b.Name) })
	figure.From, figure.To = twinSpan(r, figure.Samples)
	drawing, err := figure.Draw()
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := drawing.WriteFile(path); err != nil {
			return err
		}
	}
	return nil
}

// partsAt is when twins part, in one of them.
func partsAt(d *twin.Divergence, name string) time.Duration {
	switch {
	case name == record.TwinA && d.NumberA > 0:
		return d.AfterA
	case name == record.TwinB && d.NumberB > 0:
		return d.AfterB
	}
	return d.After()
}

// twinTitle gives in which values twins differ.
func twinTitle(r *twin.Report) string {
	text := ""
	for _, d := range r.Differ {
		text += fmt.Sprintf(", %s: a %s, b %s", d.Name, twin.OrNotSet(d.A), twin.OrNotSet(d.B))
	}
	return text
}

// stems is how many packets a figure of twins shows of each at most: more cannot be told apart.
const stems = 1200

// twinSpan is the part of the time that the figure shows: around the point where the twins part when there
// are too many packets; all (0, 0) else.
func twinSpan(r *twin.Report, samples []plot.Sample) (from, to time.Duration) {
	for _, s := range samples {
		if r.First == nil || len(s.Packets) <= stems {
			continue
		}
		at := slices.IndexFunc(s.Packets, func(p plot.Packet) bool { return p.Time >= r.First.After() })
		if at < 0 {
			at = len(s.Packets) - 1
		}
		first := min(max(at-stems/2, 0), len(s.Packets)-stems)
		if last := s.Packets[first+stems-1].Time; to == 0 || last < to {
			from, to = s.Packets[first].Time, last
		}
	}
	return from, to
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
