package truth

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"detgen/packet"
)

// WritePcapng writes the frames of captures, those of one host or of all for "", to w as one pcapng
// file by time: one interface for each capture, and a comment with its labels for each frame. The
// comment has the grammar of pcapML (https://github.com/nprint/pcapml): sample identifier, label,
// and pairs of key and value, with commas between them. The sample is the connection, by its id in
// connections.csv, and 0 for frames of none; the label is the class, or "none"; the keys are
// columns of packets.csv, those that are empty left out. A comma in a value becomes a semicolon.
func (t *Truth) WritePcapng(w io.Writer, application, host string) error {
	out, err := packet.NewPcapngWriter(w, application)
	if err != nil {
		return err
	}
	var open []*cursor
	defer func() {
		for _, c := range open {
			c.in.Close()
		}
	}()
	for i, c := range t.Captures {
		if host != "" && c.Host != host {
			continue
		}
		in, err := packet.Open(filepath.Join(t.dir, filepath.FromSlash(c.File)))
		if err != nil {
			return err
		}
		cur := &cursor{capture: i, in: in}
		open = append(open, cur)
		if cur.number, err = out.AddInterface(packet.Interface{Name: c.Host + ":" + c.Interface, LinkType: packet.LinkEthernet}); err != nil {
			return err
		}
		if err := cur.next(); err != nil {
			return fmt.Errorf("capture %s: %w", c.File, err)
		}
	}
	if len(open) == 0 {
		return fmt.Errorf("the run has no capture of a host %q", host)
	}
	var comment []byte
	for {
		first := (*cursor)(nil)
		for _, c := range open {
			if !c.ended && (first == nil || c.frame.Time < first.frame.Time) {
				first = c
			}
		}
		if first == nil {
			return out.Flush()
		}
		comment = t.appendComment(comment[:0], NewRef(first.capture, int(first.frame.Number)-1))
		first.frame.Interface = first.number
		if err := out.Write(&first.frame, string(comment)); err != nil {
			return err
		}
		if err := first.next(); err != nil {
			return fmt.Errorf("capture %s: %w", t.Captures[first.capture].File, err)
		}
	}
}

// cursor is a place in a capture.
type cursor struct {
	capture int
	number  int // of the interface in the file that is written
	in      *packet.Reader
	frame   packet.Frame
	ended   bool
}

func (c *cursor) next() error {
	err := c.in.Next(&c.frame)
	if errors.Is(err, io.EOF) {
		c.ended = true
		return nil
	}
	return err
}

// Comment gives the labels of a frame as WritePcapng writes them.
func (t *Truth) Comment(r Ref) string { return string(t.appendComment(nil, r)) }

func (t *Truth) appendComment(b []byte, r Ref) []byte {
	f := t.Frame(r)
	b = strconv.AppendInt(b, int64(f.Connection)+1, 10)
	class := "none"
	add := func(key, value string) {
		if value == "" {
			return
		}
		b = append(append(append(b, ','), key...), '=')
		for i := range len(value) {
			if c := value[i]; c == ',' || c == '\n' {
				b = append(b, ';')
			} else {
				b = append(b, c)
			}
		}
	}
	if f.Activity >= 0 {
		class = t.frameLabels(f).Class
	}
	b = append(append(b, ','), class...)
	if f.Activity >= 0 {
		a := &t.Record.Run.Activities[f.Activity]
		labels := t.frameLabels(f)
		add("family", labels.Family)
		add("technique", labels.Technique)
		add("activity", a.Name)
		add("scenario", a.Scenario)
		add("task", a.Task)
		add("failure", a.Failure)
	}
	add("process", t.process(f))
	add("phase", t.Phases[f.Phase])
	add("span", f.Span.String())
	add("kind", f.Kind.String())
	add("direction", f.direction())
	add("src_host", t.from(f))
	add("dst_host", t.to(f))
	add("fate", f.Fate.String())
	add("cause", t.Causes[f.Cause])
	add("damage", t.damageText(r))
	if delay, ok := t.Delay(r); ok {
		add("delay", strconv.FormatInt(delay, 10))
	}
	if f.Copy > 1 {
		add("copy", strconv.Itoa(int(f.Copy)))
	}
	if f.Overtaken > 0 {
		add("overtaken", strconv.Itoa(int(f.Overtaken)))
	}
	add("tcp_class", classNames(f.Classes))
	add("tcp_exact", f.Exact.String())
	return b
}
