package flow

import (
	"context"
	"sync"

	"detgen/table"
)

// Write writes the flows of a capture to a table with the columns of a layout, one row a flow, in the order of Extract.
// The rows are the same bytes at any number of jobs. captures are the texts of the layout's column
// Capture, by the packet.Frame.Capture of the flow's first frame.
func Write(ctx context.Context, src Source, o Options, jobs int, layout *Layout, file *table.File, captures []string) error {
	if err := check(o, jobs); err != nil {
		return err
	}
	w := &writer{layout: layout, captures: captures, out: table.NewOrdered(file, jobs)}
	w.pool.New = func() any { return new([rowsPerBatch]Flow) }
	return extract(ctx, src, o, jobs, w)
}

// rowsPerBatch is how many rows are written at once.
const rowsPerBatch = 64

// writer is a sink that writes rows.
type writer struct {
	layout   *Layout
	captures []string
	out      *table.Ordered
	flows    *[rowsPerBatch]Flow // that are not handed over yet; nil when there are none
	n        int                 // of them
	rows     uint64              // of the capture
	pool     sync.Pool
}

func (w *writer) add(f *Flow) {
	if w.flows == nil {
		w.flows = w.pool.Get().(*[rowsPerBatch]Flow)
	}
	w.rows++
	w.flows[w.n] = *f
	w.flows[w.n].row = w.rows
	if w.n++; w.n == rowsPerBatch {
		w.hand()
	}
}

// hand hands the current flows over.
func (w *writer) hand() {
	flows, n := w.flows, w.n
	w.flows, w.n = nil, 0
	if n == 0 {
		return
	}
	w.out.Add(func(b *table.Batch) {
		for i := range flows[:n] {
			w.layout.Write(b, &flows[i], w.captures[flows[i].capture])
		}
		w.pool.Put(flows)
	})
}

func (w *writer) failed() error { return w.out.Err() }

func (w *writer) finish() error {
	w.hand()
	return w.out.Close()
}
