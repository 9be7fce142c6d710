package truth

import (
	"fmt"
	"path/filepath"
	"slices"

	"detgen/table"
)

// TappedColumns are the columns of tapped.csv, a row for each connection that a tap sees: those of connections.csv, with
// what the tap sees of it in place of what the hosts sent.
func TappedColumns() []table.Column {
	return append([]table.Column{{Name: "tap", Kind: table.Text, Doc: "Network whose tap sees the connection."}}, ConnectionColumns()...)
}

// hasTaps reports whether the run has a tap.
func (t *Truth) hasTaps() bool {
	return slices.ContainsFunc(t.Captures, func(c *Capture) bool { return c.IsTap() })
}

// view is a connection as a tap sees it.
type view struct {
	network  string
	index    int // of the connection
	seen     Connection
	measured *features
}

// views are the connections that the tap of a capture sees, by their numbers. What came so damaged that no host takes it
// does not count.
func (t *Truth) views(capture int) ([]view, error) {
	c := t.Captures[capture]
	measured := make([]*features, len(t.Connections))
	if err := t.measureCapture(capture, measured); err != nil {
		return nil, fmt.Errorf("capture %s: %w", c.File, err)
	}
	seen := map[int32]*view{}
	var list []*view
	for j := range c.Frames {
		f := &c.Frames[j]
		if f.Connection < 0 || !t.useful(NewRef(capture, j)) {
			continue
		}
		v := seen[f.Connection]
		if v == nil {
			v = &view{network: c.Network, index: int(f.Connection), seen: t.Connections[f.Connection], measured: measured[f.Connection]}
			v.seen.Start, v.seen.Up, v.seen.Down, v.seen.Handshake, v.seen.Closing = f.Time, Count{}, Count{}, 0, 0
			seen[f.Connection] = v
			list = append(list, v)
		}
		v.add(f)
	}
	slices.SortFunc(list, func(a, b *view) int { return a.index - b.index })
	views := make([]view, len(list))
	for i, v := range list {
		views[i] = *v
	}
	return views, nil
}

// add counts a frame.
func (v *view) add(f *Frame) {
	v.seen.End = f.Time
	if f.IsTCP() {
		v.seen.Handshake, v.seen.Closing = max(v.seen.Handshake, f.handshake), f.closing
	}
	if f.Protocol != v.seen.Protocol {
		return
	}
	n := &v.seen.Down
	if f.FromClient {
		n = &v.seen.Up
	}
	n.Packets++
	n.Bytes += int64(f.Payload)
	n.WireBytes += int64(f.Length)
}

// WriteTapped writes a row for each connection that each tap sees to the file at path.
func (t *Truth) WriteTapped(path string, format table.Format) error {
	var views []view
	for i, c := range t.Captures {
		if !c.IsTap() {
			continue
		}
		more, err := t.views(i)
		if err != nil {
			return err
		}
		views = append(views, more...)
	}
	file, err := table.Create(path, format, TappedColumns())
	if err != nil {
		return err
	}
	defer file.Abort()
	err = writeRows(file, len(views), func(b *table.Batch, i int) {
		v := &views[i]
		b.Text(v.network)
		for k := range connectionColumns {
			connectionColumns[k].put(b, t, v.index, &v.seen)
		}
		v.measured.put(b)
		b.EndRow()
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return file.Close()
}
