package truth

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"detgen/internal/plain"
	"detgen/packet"
	"detgen/record"
)

// Overview is what happened in a run, for a person or as JSON.
type Overview struct {
	Status     record.Status        `json:"status"`
	Error      string               `json:"error,omitempty"`
	Seed       uint64               `json:"seed"`
	Engine     string               `json:"engine"`
	LinkDriver string               `json:"link_driver"`
	LabTime    record.Duration      `json:"lab_time"`
	WallTime   record.Duration      `json:"wall_time"`
	Activities []ActivityOverview   `json:"activities"`
	Hosts      []HostOverview       `json:"hosts"`
	Taps       []TapOverview        `json:"taps,omitempty"`
	Links      []record.LinkResult  `json:"links"`
	Loads      []record.LoadResult  `json:"loads,omitempty"`
	Truth      *record.TruthSummary `json:"truth,omitempty"`
	Unread     string               `json:"unread,omitempty"` // why the captures could not be read

	Connections []ConnectionOverview `json:"connections"`
}

// ActivityOverview is one activity. Times are since the main activity's start.
type ActivityOverview struct {
	Name    string            `json:"name"`
	Task    string            `json:"task"` // scenario/task
	Failure string            `json:"failure,omitempty"`
	Class   string            `json:"class"`
	Start   record.Duration   `json:"start"`
	End     record.Duration   `json:"end"`
	Outcome map[string]string `json:"outcome"`
	Phases  []PhaseOverview   `json:"phases"`
}

// PhaseOverview is one phase.
type PhaseOverview struct {
	Host  string          `json:"host"`
	Name  string          `json:"name"`
	Start record.Duration `json:"start"`
	End   record.Duration `json:"end"`
}

// HostOverview is one host.
type HostOverview struct {
	Name           string   `json:"name"`
	Implementation string   `json:"implementation,omitempty"`
	Addresses      []string `json:"addresses"`
	Captures       []string `json:"captures"`
	Frames         uint64   `json:"frames"`
}

// TapOverview is the tap of a network.
type TapOverview struct {
	Network string `json:"network"`
	Capture string `json:"capture"`
	Frames  uint64 `json:"frames"`
}

// ConnectionOverview is one connection.
type ConnectionOverview struct {
	ID        int             `json:"id"`
	Protocol  string          `json:"protocol"`
	Client    string          `json:"client"` // address and port
	Server    string          `json:"server"`
	From      string          `json:"from"` // host
	To        string          `json:"to"`
	Activity  string          `json:"activity,omitempty"`
	Program   string          `json:"program,omitempty"`
	Span      string          `json:"span"`
	Phases    string          `json:"phases,omitempty"` // first..last
	Start     record.Duration `json:"start"`            // since the main activity's start
	Duration  record.Duration `json:"duration"`
	Up        Count           `json:"up"`
	Down      Count           `json:"down"`
	Handshake string          `json:"handshake,omitempty"`
	Closing   string          `json:"closing,omitempty"`
}

// NewOverview makes the overview of a run. t is nil when its captures could not be read, for the
// reason why.
func NewOverview(rec *record.Record, t *Truth, why error) *Overview {
	r := &rec.Result
	o := &Overview{
		Status: r.Status, Error: r.Error, Seed: rec.Run.Seed, Engine: strings.TrimSpace(r.Engine.Name + " " + r.Engine.Kernel), LinkDriver: r.LinkDriver,
		LabTime: r.LabTime, WallTime: r.WallTime, Links: r.Links, Loads: r.Loads,
	}
	since := func(at time.Time) record.Duration {
		if at.IsZero() {
			return 0
		}
		return record.Duration(at.Sub(r.Started))
	}
	for i := range rec.Run.Activities {
		a := &rec.Run.Activities[i]
		v := ActivityOverview{Name: a.Name, Task: a.Scenario + "/" + a.Task, Failure: a.Failure, Class: a.Labels.Class}
		for _, done := range r.Activities {
			if done.Name != a.Name {
				continue
			}
			v.Start, v.End, v.Outcome = since(done.Start), since(done.End), done.Outcome
			for _, p := range done.Phases {
				v.Phases = append(v.Phases, PhaseOverview{p.Host, p.Name, since(p.Start), since(p.End)})
			}
		}
		o.Activities = append(o.Activities, v)
	}
	for i := range rec.Run.Hosts {
		h := &rec.Run.Hosts[i]
		v := HostOverview{Name: h.Name, Implementation: h.Implementation}
		for _, n := range h.Interfaces {
			for _, a := range n.Addresses() {
				v.Addresses = append(v.Addresses, a.String())
			}
		}
		for _, c := range r.Captures {
			if c.Host == h.Name {
				v.Captures = append(v.Captures, c.File)
				v.Frames += c.Frames
			}
		}
		o.Hosts = append(o.Hosts, v)
	}
	for _, c := range r.Captures {
		if c.IsTap() {
			o.Taps = append(o.Taps, TapOverview{c.Network, c.File, c.Frames})
		}
	}
	if why != nil {
		o.Unread = why.Error()
		return o
	}
	summary := t.Summary()
	o.Truth = &summary
	for i := range t.Connections {
		o.Connections = append(o.Connections, t.connectionOverview(i, since))
	}
	return o
}

func (t *Truth) connectionOverview(i int, since func(time.Time) record.Duration) ConnectionOverview {
	c := &t.Connections[i]
	v := ConnectionOverview{
		ID: i + 1, Protocol: protocolName(c.Protocol), Client: c.Client.String(), Server: c.Server.String(), From: c.Client.Host, To: c.Server.Host,
		Program: c.Program, Span: c.Span.String(), Start: since(time.Unix(0, c.Start)), Duration: record.Duration(c.End - c.Start), Up: c.Up, Down: c.Down,
	}
	if c.Activity >= 0 {
		v.Activity = t.Record.Run.Activities[c.Activity].Name
	}
	if v.Phases = t.Phases[c.FirstPhase]; c.LastPhase != c.FirstPhase {
		v.Phases += ".." + t.Phases[c.LastPhase]
	}
	if c.Protocol == packet.ProtocolTCP {
		v.Handshake, v.Closing = c.Handshake.String(), c.Closing.String()
	}
	return v
}

// String gives the address, with the port where there is one.
func (e Endpoint) String() string {
	if e.Port == 0 {
		return e.Address.String()
	}
	if e.Address.Is6() {
		return fmt.Sprintf("[%s]:%d", e.Address, e.Port)
	}
	return fmt.Sprintf("%s:%d", e.Address, e.Port)
}

func protocolName(p uint8) string {
	switch p {
	case packet.ProtocolTCP:
		return "tcp"
	case packet.ProtocolUDP:
		return "udp"
	case packet.ProtocolICMP:
		return "icmp"
	case packet.ProtocolICMPv6:
		return "icmpv6"
	}
	return strconv.Itoa(int(p))
}

// maxListed is how many connections the text lists.
const maxListed = 40

// WriteText writes the overview for a person. What names, outcomes and errors hold does nothing to a terminal.
func (o *Overview) WriteText(w io.Writer) error {
	out := tabwriter.NewWriter(plain.Writer(w), 0, 8, 2, ' ', 0)
	fmt.Fprintf(out, "%s, seed %d: %s\n", o.Activities[0].Task, o.Seed, o.Status)
	if o.Error != "" {
		fmt.Fprintf(out, "  %s\n", strings.ReplaceAll(o.Error, "\n", "\n  "))
	}
	fmt.Fprintf(out, "engine %s, links by %s, %.3f s in the lab, %.3f s in all\n", o.Engine, o.LinkDriver, time.Duration(o.LabTime).Seconds(), time.Duration(o.WallTime).Seconds())
	for _, a := range o.Activities {
		o.writeActivity(out, &a)
	}
	fmt.Fprint(out, "\nHosts\n")
	for _, h := range o.Hosts {
		fmt.Fprintf(out, "  %s\t%s\t%s\t%d frames in %s\n", h.Name, strings.Join(h.Addresses, " "), h.Implementation, h.Frames, strings.Join(h.Captures, " "))
	}
	for _, t := range o.Taps {
		fmt.Fprintf(out, "  tap of %s\t\t\t%d frames in %s\n", t.Network, t.Frames, t.Capture)
	}
	fmt.Fprint(out, "\nLinks\n")
	for i := range o.Links {
		l := &o.Links[i]
		fmt.Fprintf(out, "  %s\t%s\t%s\n", l.Host+"."+l.Interface+"."+string(l.Direction), l.ReadBack.String(), linkCounts(l))
	}
	for _, l := range o.Loads {
		fmt.Fprintf(out, "  load on %s\t%d CPU and %d memory workers\tthey used %.2f CPUs\n", l.Host, l.Asked.CPU, l.Asked.Memory, l.CPU)
	}
	if o.Unread != "" {
		fmt.Fprintf(out, "\nThe captures cannot be read: %s\n", o.Unread)
		return out.Flush()
	}
	o.writeConnections(out)
	o.writeFates(out)
	return out.Flush()
}

func (o *Overview) writeActivity(out io.Writer, a *ActivityOverview) {
	fmt.Fprintf(out, "\nActivity %s: %s", a.Name, a.Task)
	if a.Failure != "" {
		fmt.Fprintf(out, ", failure %s", a.Failure)
	}
	fmt.Fprintf(out, ", %s\n", a.Class)
	if len(a.Outcome) > 0 {
		fmt.Fprint(out, "  outcome")
		for _, key := range slices.Sorted(maps.Keys(a.Outcome)) {
			fmt.Fprintf(out, " %s=%s", key, a.Outcome[key])
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "  %s\t%.6f s to %.6f s\n", "whole", time.Duration(a.Start).Seconds(), time.Duration(a.End).Seconds())
	for _, p := range a.Phases {
		fmt.Fprintf(out, "  %s\t%.6f s to %.6f s\ton %s\n", p.Name, time.Duration(p.Start).Seconds(), time.Duration(p.End).Seconds(), p.Host)
	}
}

func (o *Overview) writeConnections(out io.Writer) {
	fmt.Fprintf(out, "\nConnections: %d\n", len(o.Connections))
	for i, c := range o.Connections {
		if i == maxListed {
			fmt.Fprintf(out, "  and %d more, see %s\n", len(o.Connections)-i, ConnectionsFile)
			break
		}
		whose := c.Activity
		if whose == "" {
			whose = c.Span
		}
		state := ""
		if c.Handshake != "" {
			state = "handshake " + c.Handshake + ", closing " + c.Closing
		}
		fmt.Fprintf(out, "  #%d\t%s\t%s (%s)\t%s (%s)\t%s\t%s\t%d/%d packets\t%d/%d bytes\t%s\n", c.ID, c.Protocol, c.Client, c.From, c.Server, c.To,
			whose, c.Phases, c.Up.Packets, c.Down.Packets, c.Up.Bytes, c.Down.Bytes, state)
	}
}

func (o *Overview) writeFates(out io.Writer) {
	s := o.Truth
	fmt.Fprintf(out, "\nFates of %d sent frames: %d delivered, %d lost, %d corrupted", s.Sent, s.Delivered, s.Lost, s.Corrupted)
	if s.Partial > 0 {
		fmt.Fprintf(out, ", %d for several hosts lost for some", s.Partial)
	}
	fmt.Fprintf(out, "; %d in several copies, %d overtaken\n", s.Duplicated, s.Overtaken)
	if s.Unsent > 0 {
		fmt.Fprintf(out, "%d frames were received that nobody sent\n", s.Unsent)
	}
	fmt.Fprintf(out, "%.2f %% of %d frames explained, %.2f %% attributed to an activity\n", 100*s.Explained, s.Frames, 100*s.Attributed)
}

// linkCounts writes what a link did.
func linkCounts(l *record.LinkResult) string {
	text := fmt.Sprintf("%d frames", l.Frames)
	for _, c := range []struct {
		n    uint64
		what string
	}{{l.Lost, "lost"}, {l.QueueDrops, "dropped by a full queue"}, {l.Corrupted, "corrupted"}, {l.Duplicated, "duplicated"}, {l.Reordered, "sent ahead"}} {
		if c.n > 0 {
			text += fmt.Sprintf(", %d %s", c.n, c.what)
		}
	}
	return text
}
