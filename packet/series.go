package packet

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// Series reads captures as one: the parts of a capture that was divided (tcpdump -C, -G), or what several interfaces
// saw. Frames come in the order of their times, those of one capture in its order; they are counted through, and
// Frame.Capture says which capture each is of. A capture is open only from its first frame to its last, so any number
// of parts can be read.
type Series struct {
	paths   []string
	waiting []*part // not begun, the earliest first
	open    parted  // begun, a heap
	given   *part   // whose frame the caller has
	number  uint64
	failed  []error
	warned  []string
}

// part is a capture of a series.
type part struct {
	index  int
	path   string
	start  int64   // time of its first frame
	reader *Reader // nil when it is not open
	head   Frame   // the next one
	read   bool    // head was read
}

// parted is a heap of captures by the times of their next frames.
type parted []*part

func (p parted) Len() int      { return len(p) }
func (p parted) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p parted) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(p[i].head.Time, p[j].head.Time), cmp.Compare(p[i].index, p[j].index)) < 0
}
func (p *parted) Push(x any) { *p = append(*p, x.(*part)) }
func (p *parted) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}

// OpenSeries opens captures as one; a single one is what Open gives. Each is looked into for the time of its first
// frame, so what is no capture is an error here. Close it after use.
func OpenSeries(paths []string) (*Series, error) {
	s := &Series{paths: paths}
	for i, path := range paths {
		p := &part{index: i, path: path}
		s.waiting = append(s.waiting, p)
		if err := s.look(p); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	slices.SortStableFunc(s.waiting, func(a, b *part) int { return cmp.Compare(a.start, b.start) })
	return s, nil
}

// look finds when a capture begins. Files are closed until it is their turn.
func (s *Series) look(p *part) (err error) {
	p.start = math.MinInt64 // what has no frame is done with first
	if p.reader, err = Open(p.path); err != nil || len(s.paths) == 1 {
		return err
	}
	if p.reader.Next(&p.head) == nil {
		p.start, p.read = p.head.Time, true
	}
	if info, err := os.Stat(p.path); err != nil || !info.Mode().IsRegular() {
		return nil // a pipe cannot be read twice
	}
	p.read = false
	return s.close(p)
}

// Next reads the next frame into f, whose data is valid until the next call. It returns io.EOF after the last one. What
// damage there was in captures is returned then instead, with all that could be read of them and of the others given
// before; it wraps a *DamageError for each. Any other error is the last.
func (s *Series) Next(f *Frame) error {
	if len(s.paths) == 1 {
		return s.waiting[0].reader.Next(f)
	}
	if p := s.given; p != nil {
		s.given = nil
		if err := s.advance(p); err != nil {
			return err
		}
	}
	for len(s.waiting) > 0 && (len(s.open) == 0 || s.waiting[0].start <= s.open[0].head.Time) {
		p := s.waiting[0]
		s.waiting = s.waiting[1:]
		if err := s.begin(p); err != nil {
			return err
		}
	}
	if len(s.open) == 0 {
		if len(s.failed) > 0 {
			return errors.Join(s.failed...)
		}
		return io.EOF
	}
	s.given = heap.Pop(&s.open).(*part)
	s.number++
	*f = s.given.head
	f.Number, f.Capture = s.number, s.given.index
	return nil
}

// Alone is the reader of a series of a single capture, nil when there are more.
func (s *Series) Alone() *Reader {
	if len(s.paths) == 1 {
		return s.waiting[0].reader
	}
	return nil
}

// begin opens a capture whose turn it is.
func (s *Series) begin(p *part) error {
	if p.reader == nil {
		var err error
		if p.reader, err = Open(p.path); err != nil {
			return fmt.Errorf("%w (%d captures overlap in time and are open at once; they can be read apart)", err, len(s.open))
		}
	}
	if p.read {
		heap.Push(&s.open, p)
		return nil
	}
	return s.advance(p)
}

// advance reads the next frame of a capture, which leaves the series at its end.
func (s *Series) advance(p *part) error {
	err := p.reader.Next(&p.head)
	var damage *DamageError
	switch {
	case err == nil:
		heap.Push(&s.open, p)
		return nil
	case errors.As(err, &damage):
		s.failed = append(s.failed, &captureError{p.path, err})
	case err != io.EOF:
		return &captureError{p.path, err}
	}
	return s.close(p)
}

// close closes a capture that is open.
func (s *Series) close(p *part) error {
	if p.reader == nil {
		return nil
	}
	for _, w := range p.reader.Warnings() {
		if text := fmt.Sprintf("%s: %s", p.path, w); !slices.Contains(s.warned, text) {
			s.warned = append(s.warned, text)
		}
	}
	err := p.reader.Close()
	p.reader = nil
	return err
}

// Paths are the captures, in the order of Frame.Capture.
func (s *Series) Paths() []string { return s.paths }

// Name is the capture's path, with the number of the others where there are more.
func (s *Series) Name() string {
	if len(s.paths) == 1 {
		return s.paths[0]
	}
	return fmt.Sprintf("%s and %d more", s.paths[0], len(s.paths)-1)
}

// Warnings is what was odd in the captures that were read to their ends, and in a single one so far, with their paths.
func (s *Series) Warnings() []string {
	if len(s.paths) == 1 {
		var list []string
		for _, w := range s.waiting[0].reader.Warnings() {
			list = append(list, fmt.Sprintf("%s: %s", s.paths[0], w))
		}
		return list
	}
	return s.warned
}

// Close closes the captures that are open.
func (s *Series) Close() error {
	var all []error
	for _, p := range slices.Concat(s.waiting, []*part(s.open)) {
		all = append(all, s.close(p))
	}
	if s.given != nil {
		all = append(all, s.close(s.given))
	}
	return errors.Join(all...)
}

// captureError is an error of one of several captures, with its path.
type captureError struct {
	path string
	err  error
}

func (e *captureError) Error() string { return e.path + ": " + e.err.Error() }
func (e *captureError) Unwrap() error { return e.err }
