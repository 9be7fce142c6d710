package truth

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"

	"detgen/record"
	"detgen/table"
)

// Queue is the queue before an interface of a host that forwards, where the link has a rate: how it grows and shrinks.
type Queue struct {
	Line   string // "hop-1.eth0.up"
	Events []QueueEvent
}

// QueueEvent is a frame that comes, leaves or is dropped.
type QueueEvent struct {
	Time   int64 // ns since the Unix epoch
	What   QueueAction
	Frames int   // in the queue then, with the one on the wire
	Bytes  int64 // of these
	Frame  Ref   // as the host sent it
}

// QueueAction is what happens to a frame at a queue.
type QueueAction uint8

// The actions.
const (
	QueueIn   QueueAction = iota
	QueueOut              // its last bit has left
	QueueDrop             // it was in the queue, and is lost
	QueueFull             // it is lost and was never in it
)

var queueActionNames = [...]string{"in", "out", "drop", "full"}

// String gives the name of the action as the table has it.
func (a QueueAction) String() string { return queueActionNames[a] }

// bottlenecks are the captures at whose interfaces a host that forwards has a queue, with the links there.
func (t *Truth) bottlenecks() map[int]*record.Link {
	found := map[int]*record.Link{}
	for i, c := range t.Captures {
		if c.IsTap() || !t.net.forwards[t.net.stations[c.station].host] {
			continue
		}
		for h := range t.Record.Run.Hosts {
			for n := range t.Record.Run.Hosts[h].Interfaces {
				if card := &t.Record.Run.Hosts[h].Interfaces[n]; t.Record.Run.Hosts[h].Name == c.Host && card.Name == c.Interface && card.Up.Rate > 0 {
					found[i] = &card.Up
				}
			}
		}
	}
	return found
}

// Queues gives the queues of the run: by the log of the links where there is one. By the captures alone, a frame is in the
// queue until it is received, and one that is lost was dropped when it came, or, where the queue is managed, when the one
// behind it began to leave.
func (t *Truth) Queues() ([]Queue, error) {
	found := t.bottlenecks()
	if len(found) == 0 {
		return nil, nil
	}
	var known *joinedLog
	if t.hasLog {
		log, err := t.readLog()
		if err != nil {
			return nil, err
		}
		if known, err = t.joinLog(log); err != nil {
			return nil, err
		}
	}
	var queues []Queue
	for i, c := range t.Captures {
		link := found[i]
		if link == nil {
			continue
		}
		q := Queue{Line: t.lineName(&record.LinkLine{Host: c.Host, Interface: c.Interface, Direction: record.Up})}
		if known != nil {
			q.Events = known.queue(i)
		} else {
			q.Events = t.queue(i, link)
		}
		t.fill(q.Events)
		queues = append(queues, q)
	}
	return queues, nil
}

// queue gives the events at a capture by the log.
func (g *joinedLog) queue(capture int) (events []QueueEvent) {
	start := g.Start.UnixNano()
	for i := range g.Events {
		e := &g.Events[i]
		if g.capture[e.Line] != capture || g.Lines[e.Line].Direction != record.Up {
			continue
		}
		ref := g.origin(e)
		if !ref.Some() {
			continue
		}
		add := func(at int64, what QueueAction) {
			events = append(events, QueueEvent{Time: start + at, What: what, Frame: ref})
		}
		switch {
		case e.Fate == record.LostQueue:
			add(e.In, QueueFull)
			continue
		case e.Out != 0:
			add(e.Out, QueueOut)
		case e.Fate == record.LostManaged:
			add(e.Due, QueueDrop)
		case e.Fate != record.Queued:
			continue // lost by chance: it has not been in the queue
		}
		add(e.In, QueueIn)
	}
	return events
}

// queue gives the events at a capture by the captures.
func (t *Truth) queue(capture int, link *record.Link) (events []QueueEvent) {
	frames := t.Captures[capture].Frames
	next := int64(0) // when the frame behind began to leave; 0: none has
	for j := len(frames) - 1; j >= 0; j-- {
		f := &frames[j]
		if !f.Sent {
			continue
		}
		ref := NewRef(capture, j)
		add := func(at int64, what QueueAction) {
			events = append(events, QueueEvent{Time: at, What: what, Frame: ref})
		}
		switch {
		case f.Peer.Some():
			left := t.Frame(f.Peer).Time
			next = max(f.Time, left-int64(float64(f.Length)*8*1e9/float64(link.Rate)))
			add(left, QueueOut)
		case !link.Managed() || next < f.Time:
			add(f.Time, QueueFull)
			continue
		default:
			add(next, QueueDrop)
		}
		add(f.Time, QueueIn)
	}
	return events
}

// fill sorts events by time and counts what is in the queue.
func (t *Truth) fill(events []QueueEvent) {
	leaves := func(e QueueEvent) int {
		if e.What == QueueOut || e.What == QueueDrop {
			return 0
		}
		return 1
	}
	slices.SortFunc(events, func(a, b QueueEvent) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Frame.Index(), b.Frame.Index()), cmp.Compare(leaves(b), leaves(a)))
	})
	frames, bytes := 0, int64(0)
	for i := range events {
		e := &events[i]
		length := int64(t.Frame(e.Frame).Length)
		switch e.What {
		case QueueIn:
			frames, bytes = frames+1, bytes+length
		case QueueOut, QueueDrop:
			frames, bytes = frames-1, bytes-length
		}
		e.Frames, e.Bytes = frames, bytes
	}
}

// queueRow is an event with its queue.
type queueRow struct {
	line  string
	event *QueueEvent
}

// queueColumn is a column of queues.csv and how to fill it.
type queueColumn struct {
	table.Column
	put func(b *table.Batch, t *Truth, r *queueRow)
}

var queueColumns = []queueColumn{
	{table.Column{Name: "time", Kind: table.Time, Unit: "ns", Doc: "When, since the Unix epoch."}, func(b *table.Batch, t *Truth, r *queueRow) { b.Time(r.event.Time) }},
	{table.Column{Name: "link", Kind: table.Text, Doc: "The link before which the queue is: `hop-1.eth0.up`."}, func(b *table.Batch, t *Truth, r *queueRow) { b.Text(r.line) }},
	{table.Column{Name: "event", Kind: table.Text, Doc: "`in`, `out` (its last bit has left), `drop` (lost from the queue) or `full` (lost before it was in the queue)."}, func(b *table.Batch, t *Truth, r *queueRow) { b.Text(r.event.What.String()) }},
	{table.Column{Name: "frames", Kind: table.Int, Unit: "frames", Doc: "In the queue after it, with the one on the wire."}, func(b *table.Batch, t *Truth, r *queueRow) { b.Int(int64(r.event.Frames)) }},
	{table.Column{Name: "bytes", Kind: table.Int, Unit: "bytes", Doc: "The same in bytes."}, func(b *table.Batch, t *Truth, r *queueRow) { b.Int(r.event.Bytes) }},
	{table.Column{Name: "capture", Kind: table.Text, Doc: "Capture of the frame, as the router sent it."}, func(b *table.Batch, t *Truth, r *queueRow) { b.Text(t.Captures[r.event.Frame.Capture()].File) }},
	{table.Column{Name: "number", Kind: table.Int, Doc: "Its number there."}, func(b *table.Batch, t *Truth, r *queueRow) { b.Int(int64(r.event.Frame.Index() + 1)) }},
	{table.Column{Name: "connection", Kind: table.Int, Optional: true, Doc: "`id` in `connections.csv`."}, func(b *table.Batch, t *Truth, r *queueRow) {
		if c := t.Frame(r.event.Frame).Connection; c >= 0 {
			b.Int(int64(c) + 1)
		} else {
			b.Null()
		}
	}},
	{table.Column{Name: "activity", Kind: table.Text, Doc: "Activity that it belongs to."}, func(b *table.Batch, t *Truth, r *queueRow) {
		if a := t.Frame(r.event.Frame).Activity; a >= 0 {
			b.Text(t.Record.Run.Activities[a].Name)
		} else {
			b.Text("")
		}
	}},
}

// QueueColumns are the columns of queues.csv, a row for each event at each queue.
func QueueColumns() []table.Column {
	list := make([]table.Column, len(queueColumns))
	for i, c := range queueColumns {
		list[i] = c.Column
	}
	return list
}

// writeQueues writes the table of the queues, if the run has any.
func (t *Truth) writeQueues(dir string) error {
	queues, err := t.Queues()
	if err != nil || len(queues) == 0 {
		return err
	}
	var rows []queueRow
	for i := range queues {
		for k := range queues[i].Events {
			rows = append(rows, queueRow{queues[i].Line, &queues[i].Events[k]})
		}
	}
	slices.SortStableFunc(rows, func(a, b queueRow) int { return cmp.Compare(a.event.Time, b.event.Time) })
	file, err := table.Create(filepath.Join(dir, QueuesFile), table.CSV, QueueColumns())
	if err != nil {
		return err
	}
	defer file.Abort()
	err = writeRows(file, len(rows), func(b *table.Batch, i int) {
		for k := range queueColumns {
			queueColumns[k].put(b, t, &rows[i])
		}
		b.EndRow()
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", QueuesFile, err)
	}
	return file.Close()
}
