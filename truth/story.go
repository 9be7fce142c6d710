package truth

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"detgen/internal/plain"
	"detgen/packet"
)

// Line is one frame that a host sent, as a person reads it.
type Line struct {
	After      time.Duration `json:"after_ns"` // since the main activity's start
	From       string        `json:"from"`
	To         string        `json:"to"`
	Forwarded  bool          `json:"forwarded,omitempty"`  // by From, which had received it
	Connection int           `json:"connection,omitempty"` // id in connections.csv; 0: none
	Activity   string        `json:"activity,omitempty"`
	Phase      string        `json:"phase,omitempty"`
	Span       string        `json:"span"`
	What       string        `json:"what"` // protocol and headers; TCP's numbers count from the start of the connection
	Fate       string        `json:"fate"`
	Cause      string        `json:"cause,omitempty"`
	Delay      time.Duration `json:"delay_ns,omitempty"` // until its first reception
	Copies     int           `json:"copies"`             // that the receiver got
	Overtaken  int           `json:"overtaken,omitempty"`
	Damage     string        `json:"damage,omitempty"`
	Exact      string        `json:"tcp_exact,omitempty"`
	Capture    string        `json:"capture"`
	Number     int           `json:"number"`
}

// Selection says which frames a story is about.
type Selection struct {
	Connection int    // id in connections.csv; 0: all frames, also those of none
	Host       string // or tap, by the name of its capture; "": all
}

// Has finds what a selection asks for and the run does not have.
func (t *Truth) Has(s Selection) error {
	if s.Connection < 0 || s.Connection > len(t.Connections) {
		return fmt.Errorf("connection %d: the run has connections 1 to %d", s.Connection, len(t.Connections))
	}
	if s.Host != "" && !slices.Contains(t.net.hosts, s.Host) && t.tap(s.Host) < 0 {
		return fmt.Errorf("host %s: the run has no such host, and no such tap", s.Host)
	}
	return nil
}

// tap gives the capture of a tap by its name; -1 when there is none.
func (t *Truth) tap(name string) int {
	return slices.IndexFunc(t.Captures, func(c *Capture) bool { return c.IsTap() && c.Place() == name })
}

// Story gives the frames that were sent, by time, or those that a tap saw, if it is selected as a host is. Where a host
// forwards, each hop has its line.
func (t *Truth) Story(s Selection) []Line {
	var lines []Line
	bases := t.bases()
	tap := t.tap(s.Host)
	frames := t.sent()
	if tap >= 0 {
		frames = t.order([]int{tap}, false)
	}
	for _, r := range frames {
		f := t.Frame(r)
		if s.Connection != 0 && int(f.Connection)+1 != s.Connection {
			continue
		}
		line := t.line(r, f, bases)
		if tap >= 0 && f.Peer.Some() {
			line.From, line.To = t.Captures[f.Peer.Capture()].Host, t.nextHost(f.Peer, t.Frame(f.Peer))
		}
		if s.Host == "" || tap >= 0 || s.Host == line.From || s.Host == line.To {
			lines = append(lines, line)
		}
	}
	return lines
}

func (t *Truth) line(r Ref, f *Frame, bases []base) Line {
	capture := t.Captures[r.Capture()]
	l := Line{
		After: time.Duration(f.Time - nanoseconds(t.Record.Result.Started)), From: capture.Host, To: t.nextHost(r, f), Forwarded: f.Hop.Some(),
		Connection: int(f.Connection) + 1, Phase: t.Phases[f.Phase], Span: f.Span.String(), What: t.describe(f, bases),
		Fate: f.Fate.String(), Cause: t.Causes[f.Cause], Copies: int(f.Copy), Overtaken: int(f.Overtaken), Damage: t.damageText(r),
		Capture: capture.File, Number: r.Index() + 1,
	}
	if f.Activity >= 0 {
		l.Activity = t.Record.Run.Activities[f.Activity].Name
	}
	if f.Exact > New {
		l.Exact = f.Exact.String()
	}
	if delay, ok := t.Delay(r); ok {
		l.Delay = time.Duration(delay)
	}
	return l
}

// nextHost names the host that a frame is sent to, on this network.
func (t *Truth) nextHost(r Ref, f *Frame) string {
	switch {
	case f.to != everyone:
		return t.net.hosts[t.net.stations[f.to].host]
	case f.Receivers > 1:
		return "everyone"
	}
	for c := range t.expected(r) {
		return t.Captures[c].Host
	}
	return "nobody"
}

// base is the sequence numbers that a connection's relative ones count from.
type base struct {
	client, server         uint32
	clientKnown, serverSet bool
}

// bases finds them: of each side the number of its first segment.
func (t *Truth) bases() []base {
	list := make([]base, len(t.Connections))
	for _, r := range t.sent() {
		f := t.Frame(r)
		if !f.IsTCP() || f.Connection < 0 || f.Hop.Some() || f.Kind == Error {
			continue
		}
		b := &list[f.Connection]
		switch {
		case f.FromClient && !b.clientKnown:
			b.client, b.clientKnown = f.Seq, true
		case !f.FromClient && !b.serverSet:
			b.server, b.serverSet = f.Seq, true
		}
	}
	return list
}

// describe gives protocol and headers of a frame.
func (t *Truth) describe(f *Frame, bases []base) string {
	switch {
	case f.EtherType == packet.EtherTypeARP:
		return fmt.Sprintf("ARP %s about %s", f.Source(), f.Destination())
	case f.IPVersion == 0:
		return fmt.Sprintf("frame of type 0x%04x, %d bytes", f.EtherType, f.Length)
	case f.Fragment == packet.LaterFragment:
		return fmt.Sprintf("fragment of datagram %d, %d bytes", f.IPID, f.Payload)
	case f.Protocol == packet.ProtocolTCP:
		seq, ack := f.Seq, f.Ack
		if f.Connection >= 0 {
			b := bases[f.Connection]
			if f.FromClient {
				seq, ack = seq-b.client, ack-b.server
			} else {
				seq, ack = seq-b.server, ack-b.client
			}
		}
		text := fmt.Sprintf("TCP %-5s seq %d", flagText[f.Flags&0xff], seq)
		if f.Flags&packet.ACK != 0 {
			text += fmt.Sprintf(" ack %d", ack)
		}
		return text + fmt.Sprintf(" len %d", f.Payload)
	case f.Protocol == packet.ProtocolUDP:
		return fmt.Sprintf("UDP %d > %d len %d", f.SrcPort, f.DstPort, f.Payload)
	case f.Kind == Error:
		return fmt.Sprintf("ICMP error, %d bytes", f.Payload)
	case f.Kind == Neighbour:
		return fmt.Sprintf("neighbour discovery, %d bytes", f.Payload)
	case f.Kind == ICMP:
		return fmt.Sprintf("ICMP %d, %d bytes", f.identifier, f.Payload)
	}
	return fmt.Sprintf("IP protocol %d, %d bytes", f.Protocol, f.Payload)
}

// WriteStoryJSON writes each line of a story as a line of JSON.
func WriteStoryJSON(w io.Writer, lines []Line) error {
	e := json.NewEncoder(plain.JSON(w))
	for i := range lines {
		if err := e.Encode(&lines[i]); err != nil {
			return err
		}
	}
	return nil
}

// WriteStory writes the lines of a story, with a heading where the phase changes.
func WriteStory(w io.Writer, lines []Line) error {
	out := bufio.NewWriter(w)
	from, to, what := 0, 0, 0
	for i := range lines {
		from, to, what = max(from, len(lines[i].From)), max(to, len(lines[i].To)), max(what, len(lines[i].What))
	}
	heading := ""
	for i := range lines {
		l := &lines[i]
		if h := l.Heading(); h != heading {
			heading = h
			fmt.Fprintf(out, "-- %s\n", plain.Text(h))
		}
		connection := ""
		if l.Connection > 0 {
			connection = fmt.Sprintf("#%d", l.Connection)
		}
		text := fmt.Sprintf("%12.6f  %*s %s %-*s  %-5s %-*s  %s", l.After.Seconds(), from, l.From, l.Arrow(), to, l.To, connection, what, l.What, l.remarks())
		fmt.Fprintln(out, plain.Text(strings.TrimRight(text, " ")))
	}
	return out.Flush()
}

// Heading is the activity and phase, or the part of the run where there is none.
func (l *Line) Heading() string {
	switch {
	case l.Span != Main.String():
		return l.Span
	case l.Phase == "" && l.Activity == "":
		return "no activity"
	case l.Phase == "":
		return l.Activity
	}
	return l.Activity + ": " + l.Phase
}

// Arrow shows whether a frame arrives.
func (l *Line) Arrow() string {
	switch l.Fate {
	case Lost.String():
		return "--X"
	case Corrupted.String():
		return "~~>"
	case Partial.String():
		return "-x>"
	}
	return "-->"
}

// Remarks is what became of a frame, but its delay.
func (l *Line) Remarks() string {
	fate := map[string]string{Lost.String(): "LOST", Corrupted.String(): "CORRUPTED", Partial.String(): "lost for some"}[l.Fate]
	if l.Damage != "" {
		fate = strings.TrimLeft(fate+" bits "+l.Damage, " ")
	}
	if l.Cause != "" {
		fate = strings.TrimLeft(fate+" ("+l.Cause+")", " ")
	}
	list := []string{strings.ReplaceAll(l.Exact, "_", " "), "", fate, "", ""}
	if l.Forwarded {
		list[1] = "forwarded"
	}
	if l.Copies > 1 {
		list[3] = fmt.Sprintf("%d copies", l.Copies)
	}
	if l.Overtaken > 0 {
		list[4] = fmt.Sprintf("overtaken by %d", l.Overtaken)
	}
	return strings.Join(slices.DeleteFunc(list, func(remark string) bool { return remark == "" }), ", ")
}

// remarks is what became of a frame.
func (l *Line) remarks() string {
	delay := ""
	if l.Delay > 0 {
		delay = delayText(l.Delay)
	}
	return fmt.Sprintf("%9s  %s", delay, l.Remarks())
}

// delayText writes a delay with three digits or so.
func delayText(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.1f us", float64(d)/1e3)
	case d < time.Second:
		return fmt.Sprintf("%.2f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.3f s", d.Seconds())
}
