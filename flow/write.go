package flow

import (
	"context"
	"sync"
	"sync/atomic"

	"detgen/table"
)

// Write writes the flows of a capture to a table with the columns of a layout, one row a flow, in the order of Extract.
// The rows are the same bytes at any number of jobs. capture is the text of the layout's column of that
// name.
func Write(ctx context.Context, src Source, o Options, jobs int, layout *Layout, file *table.File, capture string) error {
	if err := check(o, jobs); err != nil {
		return err
	}
	if jobs == 1 {
		return extract(ctx, src, o, jobs, &rows{layout: layout, file: file, capture: capture})
	}
	return extract(ctx, src, o, jobs, newWriter(jobs, layout, file, capture))
}

// rowsPerBatch is how many rows are written at once.
const rowsPerBatch = 64

// batchesAhead is how many batches wait for each of the writer's goroutines at most.
const batchesAhead = 8

// rows is a sink that writes rows.
type rows struct {
	layout  *Layout
	file    *table.File
	capture string
	batch   *table.Batch
	err     error
}

func (r *rows) add(f *Flow) {
	if r.err != nil {
		return
	}
	if r.batch == nil {
		r.batch = r.file.NewBatch()
	}
	r.layout.Write(r.batch, f, r.capture)
	if r.batch.Rows() == rowsPerBatch {
		r.write()
	}
}

func (r *rows) write() {
	if r.batch != nil {
		r.err = r.file.Write(r.batch)
		r.batch = nil
	}
}

func (r *rows) failed() error { return r.err }

func (r *rows) finish() error {
	if r.err == nil {
		r.write()
	}
	return r.err
}

// writer is a sink that makes rows in several goroutines and writes them in order.
type writer struct {
	layout  *Layout
	capture string
	current *formatting
	work    chan *formatting
	order   chan *formatting
	pool    sync.Pool
	workers sync.WaitGroup
	writing sync.WaitGroup
	err     atomic.Pointer[error] // of the table
}

// formatting is some flows becoming rows.
type formatting struct {
	flows []Flow
	batch *table.Batch
	ready chan struct{} // gets a value when batch is complete
}

func newWriter(jobs int, layout *Layout, file *table.File, capture string) *writer {
	w := &writer{layout: layout, capture: capture, work: make(chan *formatting, batchesAhead*jobs), order: make(chan *formatting, batchesAhead*jobs)}
	w.pool.New = func() any {
		return &formatting{flows: make([]Flow, 0, rowsPerBatch), ready: make(chan struct{}, 1)}
	}
	for range jobs {
		w.workers.Go(func() {
			for f := range w.work {
				f.batch = file.NewBatch()
				for i := range f.flows {
					w.layout.Write(f.batch, &f.flows[i], w.capture)
				}
				f.ready <- struct{}{}
			}
		})
	}
	w.writing.Go(func() {
		for f := range w.order {
			<-f.ready
			if err := file.Write(f.batch); err != nil {
				w.err.Store(&err)
			}
			f.flows, f.batch = f.flows[:0], nil
			w.pool.Put(f)
		}
	})
	return w
}

func (w *writer) add(f *Flow) {
	if w.current == nil {
		w.current = w.pool.Get().(*formatting)
	}
	w.current.flows = append(w.current.flows, *f)
	if len(w.current.flows) == rowsPerBatch {
		w.hand()
	}
}

// hand hands the current flows over.
func (w *writer) hand() {
	if w.current == nil {
		return
	}
	w.order <- w.current
	w.work <- w.current
	w.current = nil
}

func (w *writer) failed() error {
	if err := w.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (w *writer) finish() error {
	w.hand()
	close(w.work)
	close(w.order)
	w.workers.Wait()
	w.writing.Wait()
	return w.failed()
}
