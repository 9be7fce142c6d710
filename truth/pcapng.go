package truth

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/whole"
	"detgen/packet"
)

// WritePcapng writes the frames of captures, those of one host (or tap, by its name) or of all for "", to w as one pcapng
// file by time: one interface for each capture, and a comment with its labels for each frame. The
// comment has the grammar of pcapML (https://github.com/nprint/pcapml): sample identifier, label,
// and pairs of key and value, with commas between them. The sample is the connection, by its id in
// connections.csv, and 0 for frames of none; the label is the class, or "none"; the keys are
// columns of packets.csv; those that are empty, a copy up to 1 and 0 overtaken are left out. A comma in a value becomes a semicolon.
func (t *Truth) WritePcapng(w io.Writer, application, host string) error {
	out, err := packet.NewPcapngWriter(w, application)
	if err != nil {
		return err
	}
	numbers := map[int]int{} // of interfaces, by capture
	for i, c := range t.Captures {
		if host != "" && c.Host != host {
			continue
		}
		if numbers[i], err = out.AddInterface(packet.Interface{Name: strings.TrimSuffix(c.Place()+":"+c.Interface, ":"), LinkType: packet.LinkEthernet}); err != nil {
			return err
		}
	}
	var comment []byte
	err = t.EachFrame(host, func(r Ref, f *packet.Frame) error {
		comment = t.appendComment(comment[:0], r, 0)
		f.Interface = numbers[r.Capture()]
		return out.Write(f, string(comment))
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// EachFrame gives the frames of the captures of one host, or of all for "", by their times. A frame is valid until give
// returns.
func (t *Truth) EachFrame(host string, give func(r Ref, f *packet.Frame) error) error {
	var open []*cursor
	defer func() {
		for _, c := range open {
			c.in.Close()
		}
	}()
	for i, c := range t.Captures {
		if host != "" && c.Place() != host {
			continue
		}
		in, _, err := c.open(t.dir)
		if err != nil {
			return err
		}
		cur := &cursor{capture: i, in: in}
		open = append(open, cur)
		if err := cur.next(); err != nil {
			return fmt.Errorf("capture %s: %w", c.File, err)
		}
	}
	if len(open) == 0 {
		return fmt.Errorf("the run has no capture of a host %q", host)
	}
	for {
		first := (*cursor)(nil)
		for _, c := range open {
			if !c.ended && (first == nil || c.frame.Time < first.frame.Time) {
				first = c
			}
		}
		if first == nil {
			return nil
		}
		if err := give(NewRef(first.capture, int(first.frame.Number)-1), &first.frame); err != nil {
			return err
		}
		if err := first.next(); err != nil {
			return fmt.Errorf("capture %s: %w", t.Captures[first.capture].File, err)
		}
	}
}

// Comment gives the labels of a frame in the grammar of WritePcapng, with the connection's number counted on from first,
// so that connections of several runs in one file have different ones.
func (t *Truth) Comment(r Ref, first int) string { return string(t.appendComment(nil, r, first)) }

// WritePcapngFile writes a file of WritePcapng, under another name first, so that it appears when it is whole.
func (t *Truth) WritePcapngFile(path, application, host string) error {
	file, err := whole.Create(path)
	if err != nil {
		return err
	}
	if err := t.WritePcapng(file, application, host); err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, file.Abort()))
	}
	return file.Commit()
}

// cursor is a place in a capture.
type cursor struct {
	capture int
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

// commentKeys are the columns of packets.csv that a comment has after the labels.
var commentKeys = []string{
	"process", "phase", "span", "kind", "direction", "src_host", "dst_host", "fate", "cause", "damage", "delay", "copy", "overtaken", "tcp_class", "tcp_exact",
}

// commentColumns are the columns of a comment: the labels but the first, which is the class, and commentKeys.
var commentColumns = func() []packetColumn {
	list := packetLabels()[1:]
	for _, key := range commentKeys {
		list = append(list, packetColumns[slices.IndexFunc(packetColumns, func(c packetColumn) bool { return c.Name == key })])
	}
	return list
}()

// appendComment adds the labels of a frame; connections are numbered on from first.
func (t *Truth) appendComment(b []byte, r Ref, first int) []byte {
	f := t.Frame(r)
	number := int64(0)
	if f.Connection >= 0 {
		number = int64(first) + int64(f.Connection) + 1
	}
	b = strconv.AppendInt(b, number, 10)
	class := labels[0].of(t, t.labelledFrame(f))
	if class == "" {
		class = "none"
	}
	b = appendValue(append(b, ','), class)
	for i := range commentColumns {
		c := &commentColumns[i]
		value := c.show(t, r, f)
		if value == "" || c.Name == "copy" && f.Copy <= 1 || c.Name == "overtaken" && f.Overtaken == 0 {
			continue
		}
		b = append(append(append(b, ','), c.Name...), '=')
		b = appendValue(b, value)
	}
	return b
}

// appendValue adds a value without what ends one in pcapML.
func appendValue(b []byte, value string) []byte {
	for i := range len(value) {
		if c := value[i]; c == ',' || c == '\n' {
			b = append(b, ';')
		} else {
			b = append(b, c)
		}
	}
	return b
}
