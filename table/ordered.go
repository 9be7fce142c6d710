package table

import (
	"sync"
	"sync/atomic"
)

// batchesAhead is how many batches wait for each goroutine at most.
const batchesAhead = 8

// Ordered writes rows that several goroutines make: batches go into the table in the order in which they were added, so
// the file has the same bytes at any number of goroutines. Its methods are for one goroutine at a time.
type Ordered struct {
	file    *File
	work    chan *piece // nil: the caller makes the rows
	order   chan *piece
	workers sync.WaitGroup
	writing sync.WaitGroup
	err     atomic.Pointer[error]
}

// piece is a batch that is being made.
type piece struct {
	fill  func(*Batch)
	ready chan *Batch // gets the batch when it is complete
}

// NewOrdered starts jobs goroutines that make rows, and one that writes them; with one job the caller does both. Close
// ends them. The file stays the caller's to close.
func NewOrdered(file *File, jobs int) *Ordered {
	o := &Ordered{file: file}
	if jobs <= 1 {
		return o
	}
	o.work, o.order = make(chan *piece, batchesAhead*jobs), make(chan *piece, batchesAhead*jobs)
	for range jobs {
		o.workers.Go(func() {
			for p := range o.work {
				b := file.NewBatch()
				p.fill(b)
				p.ready <- b
			}
		})
	}
	o.writing.Go(func() {
		for p := range o.order {
			o.write(<-p.ready)
		}
	})
	return o
}

// Add adds the rows that fill puts into a batch. fill is called once, by any goroutine, and may be called after Add
// has returned. Add waits while too many batches are open.
func (o *Ordered) Add(fill func(*Batch)) {
	if o.work == nil {
		b := o.file.NewBatch()
		fill(b)
		o.write(b)
		return
	}
	p := &piece{fill, make(chan *Batch, 1)}
	o.order <- p
	o.work <- p
}

// write writes a batch, unless one before it could not be written.
func (o *Ordered) write(b *Batch) {
	if o.err.Load() != nil {
		return
	}
	if err := o.file.Write(b); err != nil {
		o.err.Store(&err)
	}
}

// Err is what went wrong so far; there is no use in adding more then.
func (o *Ordered) Err() error {
	if err := o.err.Load(); err != nil {
		return *err
	}
	return nil
}

// Close waits until all rows are written, or one could not be.
func (o *Ordered) Close() error {
	if o.work != nil {
		close(o.work)
		close(o.order)
	}
	o.workers.Wait()
	o.writing.Wait()
	return o.Err()
}
