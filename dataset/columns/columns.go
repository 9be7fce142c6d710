package columns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"detgen/dataset/service"
	"detgen/flow"
	"detgen/internal/whole"
	"detgen/packet"
	"detgen/record"
	"detgen/table"
	"detgen/truth"

	"golang.org/x/sync/errgroup"
)

// Set is the columns of a data set or tool.
type Set string

// The sets.
const (
	CICIDS2017 Set = "cicids2017" // the 85 columns of "TrafficLabelling", flows by the rules of cic2017
	ML         Set = "ml"         // the 79 of "MachineLearningCSV", flows by the same rules
	CNS2022    Set = "cns2022"    // the 91 of the corrected release, flows by its rules
	Zeek       Set = "zeek"       // conn.log, with labels behind
	UNSW       Set = "unsw"       // UNSW-NB15, those of its columns that can be known
)

// Sets are all sets.
var Sets = []Set{CICIDS2017, ML, CNS2022, Zeek, UNSW}

// Parse gives the set of a name.
func Parse(name string) (Set, error) {
	var names []string
	for _, s := range Sets {
		if string(s) == name {
			return s, nil
		}
		names = append(names, string(s))
	}
	return "", fmt.Errorf("columns %q: there are %s", name, strings.Join(names, ", "))
}

// ParseAll gives the sets of names.
func ParseAll(names []string) (list []Set, err error) {
	for _, name := range names {
		s, err := Parse(name)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// FileName is what a table of the set is called in a dataset's folder.
func (s Set) FileName(format table.Format) string {
	switch {
	case format == table.Parquet:
		return string(s) + ".parquet"
	case s == Zeek:
		return "conn.log"
	}
	return string(s) + ".csv"
}

// mode is whose rules make the flows of a set, with the layout of its columns; ok is false for a set of connections.
func (s Set) mode() (mode flow.Mode, layout *flow.Layout, ok bool) {
	switch s {
	case CICIDS2017:
		return flow.CIC2017, flow.NewLayout(flow.CIC2017, flow.CICIDS2017Columns), true
	case ML:
		return flow.CIC2017, flow.NewLayout(flow.CIC2017, flow.MLColumns), true
	case CNS2022:
		return flow.CNS2022, flow.NewLayout(flow.CNS2022, flow.ToolColumns), true
	}
	return flow.Default, nil, false
}

// fields are the columns of a set of connections.
func (s Set) fields() []field {
	if s == Zeek {
		return zeekFields
	}
	return unswFields
}

// Run is a run whose connections are written.
type Run struct {
	Dir, ID, Entry, Split string
	Record                *record.Record
}

// Write writes the connections of runs to the file at path, in the columns of a set: in Zeek's own format where that is
// the set and the format is CSV. It gives the number of rows. The captures of the runs must be there.
func Write(ctx context.Context, path string, set Set, format table.Format, runs []Run) (rows int64, err error) {
	mode, layout, flows := set.mode()
	var columns []table.Column
	if flows {
		columns = layout.Columns()
	} else {
		for _, f := range set.fields() {
			columns = append(columns, f.Column)
		}
	}
	if set == Zeek && format != table.Parquet {
		return writeZeek(ctx, path, runs)
	}
	out, err := table.Create(path, format, columns)
	if err != nil {
		return 0, err
	}
	defer out.Abort()
	if err := each(ctx, runs, flows, mode, func(m *measured) error {
		b := out.NewBatch()
		for i := range m.flows {
			rows++
			layout.WriteLabelled(b, &m.flows[i].Flow, m.flows[i].words.in(set), uint64(rows))
		}
		for i := range m.connections {
			rows++
			for _, f := range set.fields() {
				if err := f.put(b, f.text(&m.connections[i])); err != nil {
					return fmt.Errorf("run %s: connection %d: %s: %w", m.run.ID, m.connections[i].number, f.Name, err)
				}
			}
			b.EndRow()
		}
		return out.Write(b)
	}); err != nil {
		return rows, err
	}
	return rows, out.Close()
}

// writeZeek writes conn.log.
func writeZeek(ctx context.Context, path string, runs []Run) (rows int64, err error) {
	var text, body bytes.Buffer
	begin, end := int64(0), int64(0)
	err = each(ctx, runs, false, flow.Default, func(m *measured) error {
		for i := range m.connections {
			rows++
			c := &m.connections[i]
			if begin == 0 || c.Start < begin {
				begin = c.Start
			}
			end = max(end, c.End)
			for j, field := range zeekFields {
				if j > 0 {
					body.WriteByte('\t')
				}
				body.WriteString(zeekText(field.text(c)))
			}
			body.WriteByte('\n')
		}
		return nil
	})
	if err != nil {
		return rows, err
	}
	zeekHead(&text, begin)
	text.Write(body.Bytes())
	fmt.Fprintf(&text, "#close\t%s\n", zeekTime(end))
	return rows, whole.WriteFile(path, text.Bytes())
}

// measured is what a set's rows are made of, of one run.
type measured struct {
	run         *Run
	flows       []labelled
	connections []connection
}

// labelled is a flow with its label.
type labelled struct {
	flow.Flow
	words words
}

// connection is a connection as a monitor at the host where it began saw it.
type connection struct {
	*truth.Connection
	run     *Run
	number  int // in the run, from 1
	frames  []*truth.Frame
	ip      []int32 // of the frames: bytes of the IP datagram
	service string  // as Zeek calls it; "" when it is not known
	words   words
	first   [2][]byte // what client and server sent first
	seen    seen
}

// each measures runs, several at once, and gives what came of them in their order.
func each(ctx context.Context, runs []Run, flows bool, mode flow.Mode, take func(*measured) error) error {
	at := max(1, 2*runtime.NumCPU())
	for len(runs) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		some := runs[:min(at, len(runs))]
		runs = runs[len(some):]
		done := make([]*measured, len(some))
		var group errgroup.Group
		group.SetLimit(runtime.NumCPU())
		for i := range some {
			group.Go(func() (err error) {
				if done[i], err = measure(&some[i], flows, mode); err != nil {
					err = fmt.Errorf("run %s: %w", some[i].ID, err)
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		for _, m := range done {
			if err := take(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// measure reads the captures of a run: flows of a mode, or connections.
func measure(run *Run, flows bool, mode flow.Mode) (*measured, error) {
	t, err := truth.Read(run.Dir, run.Record)
	if err != nil {
		return nil, err
	}
	m := &measured{run: run}
	if !flows {
		m.connections = make([]connection, len(t.Connections))
		for i := range m.connections {
			c := &m.connections[i]
			*c = connection{Connection: &t.Connections[i], run: run, number: i + 1, words: wordsOf(t, &t.Connections[i])}
		}
	}
	for i := range t.Captures {
		if err := m.capture(t, i, flows, mode); err != nil {
			return nil, fmt.Errorf("%s: %w", t.Captures[i].File, err)
		}
	}
	for i := range m.connections {
		m.connections[i].recognise()
	}
	return m, nil
}

// capture reads a capture.
func (m *measured) capture(t *truth.Truth, at int, flows bool, mode flow.Mode) error {
	c := t.Captures[at]
	file, err := record.OpenCapture(m.run.Dir, &c.Capture)
	if err != nil {
		return err
	}
	in, err := packet.OpenFile(file)
	if err != nil {
		return err
	}
	defer in.Close()
	meter, err := flow.NewMeter(flow.NewOptions(mode), func(f *flow.Flow) {
		of := &t.Connections[c.Frames[f.FirstFrame()-1].Connection]
		m.flows = append(m.flows, labelled{*f, wordsOf(t, of)})
	})
	if err != nil {
		return err
	}
	var f packet.Frame
	var h packet.Headers
	for {
		err := in.Next(&f)
		if errors.Is(err, io.EOF) {
			if flows {
				meter.Flush()
			}
			return nil
		}
		if err != nil {
			return err
		}
		if !t.AtOrigin(at, int(f.Number)-1) {
			continue
		}
		if flows {
			meter.Add(&f)
			continue
		}
		packet.Decode(&f, &h)
		frame := &c.Frames[f.Number-1]
		m.connections[frame.Connection].add(frame, &f, &h)
	}
}

// add takes in a frame.
func (c *connection) add(frame *truth.Frame, f *packet.Frame, h *packet.Headers) {
	c.frames = append(c.frames, frame)
	c.ip = append(c.ip, int32(h.IPLength))
	side := &c.first[1]
	if frame.FromClient {
		side = &c.first[0]
	}
	if begin := h.L4Offset + h.L4Length; *side == nil && h.Payload > 0 && h.L4Length > 0 && begin < len(f.Data) {
		*side = append([]byte(nil), f.Data[begin:min(begin+min(h.Payload, service.Enough), len(f.Data))]...)
	}
}

// recognise finds the service by what was sent.
func (c *connection) recognise() {
	if s := service.Recognise(c.Protocol, c.first[0], c.first[1]); s != nil {
		c.service = s.Name
	}
	c.first = [2][]byte{}
	c.seen = c.follow()
}
