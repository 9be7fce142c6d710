// Package report draws what run directories hold.
package report

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"detgen/internal/problem"
	"detgen/plot"
	"detgen/record"
	"detgen/truth"
	"detgen/twin"
)

// nothing is the error of a figure that there is nothing for: a wrong request.
func nothing(why string) error { return problem.Request{Err: errors.New(why)} }

// errNoPacket is the error of a figure without packets.
var errNoPacket = nothing("there is no packet to draw in the captures chosen")

// DrawRun draws the packets of a run to the file at path (.svg or .png): a sequence for each capture, upwards what its
// host sent, or for a connection what its client sent.
func DrawRun(path string, t *truth.Truth, s truth.Selection, by plot.ColorBy) error {
	figure := packetFigure(t, s, by)
	for _, one := range samples(t, s) {
		figure.Samples = append(figure.Samples, one.Sample)
	}
	if len(figure.Samples) == 0 {
		return errNoPacket
	}
	drawing, err := figure.Draw()
	if err != nil {
		return err
	}
	return drawing.WriteFile(path)
}

// DrawTwin draws where two twin runs part: one capture of both, one above the other on one scale, coloured by
// phase. It is that of the host whose frame the links treated differently first, else the one in which the
// runs first part, else the first.
func DrawTwin(r *twin.Report, dir string, paths ...string) error {
	figure, _, err := twinFigure(r, dir)
	if err != nil {
		return err
	}
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

// twinFigure is the figure of DrawTwin, and the frames of both runs in it.
func twinFigure(r *twin.Report, dir string) (*plot.Packets, []*frames, error) {
	figure := &plot.Packets{Title: r.A.Task + twinTitle(r), Up: "sent", Down: "received", Color: plot.ColorByPhase}
	var list []*frames
	for name, side := range map[string]twin.Side{record.TwinA: r.A, record.TwinB: r.B} {
		rec, err := record.ReadBelow(dir, side.Dir)
		if err != nil {
			return nil, nil, err
		}
		t, err := truth.Read(filepath.Join(dir, side.Dir), rec)
		if err != nil {
			return nil, nil, err
		}
		host, iface := "", ""
		switch {
		case r.Cause != nil:
			host, iface = r.Cause.Host, r.Cause.Interface
		case r.First != nil:
			host, iface = r.First.Host, r.First.Interface
		case len(t.Captures) > 0:
			host, iface = t.Captures[0].Host, t.Captures[0].Interface
		}
		i := slices.IndexFunc(t.Captures, func(c *truth.Capture) bool { return c.Host == host && c.Interface == iface })
		if i < 0 {
			return nil, nil, fmt.Errorf("run %s has no capture of interface %q of host %q", name, iface, host)
		}
		one := framesOf(t, i, 0)
		one.Name = fmt.Sprintf("%s at %s", name, one.Name)
		if r.First != nil {
			one.Marks = []plot.Mark{{Time: partsAt(r.First, name), Text: "they part"}}
		}
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b *frames) int { return strings.Compare(a.Name, b.Name) })
	for _, one := range list {
		figure.Samples = append(figure.Samples, one.Sample)
	}
	figure.From, figure.To = twinSpan(r, figure.Samples)
	return figure, list, nil
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
