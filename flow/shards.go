package flow

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"detgen/packet"
)

// Several goroutines work on a capture. Its flows are divided among as many shards, each with a meter of its own, and
// its frames into portions. What there is to do is reading and decoding the next portion, measuring the oldest portion
// that a shard has not measured yet, and giving the flows that ended in a portion in the order in which one meter alone
// would have given them. A goroutine that is free takes what is next, so that none waits for another while there is
// something to do; each of those is done by one goroutine at a time. What goes from one processor's cache to another's
// can cost more than all else, so each reads into memory of its own and prefers a shard.

// ended is a flow that ended, and when.
type ended struct {
	flow  Flow
	frame uint64 // with which it ended
	swept bool   // after that, because it was silent
}

// shard is a part of the flows.
type shard struct {
	meter    *Meter
	index    int
	measured int // portions
	busy     bool

	// Of the goroutine that prefers the shard:
	free   []*portion    // that it reads into
	memory packet.Buffer // in which it reads the capture

	current *portion
	frame   uint64 // the current one
	swept   bool   // it is after that
	open    []slot // at the end of the capture, in the order of their first packets
}

// team is what the goroutines share.
type team struct {
	intake intake
	out    sink
	shards []*shard

	lock    sync.Mutex // of what follows, of measured, busy and free of shards, and of portion.left
	changed sync.Cond
	reading bool
	ended   bool // nothing more is read
	err     error
	read    int        // portions
	merged  int        // ... of which the flows were given
	merging bool       // ... or are being given
	waiting []*portion // that were read and not merged, in their order
}

// portionsAhead is how many portions wait at most, for each shard: enough that there is something to measure while
// another goroutine reads, and so few that they stay in the processor's cache.
const portionsAhead = 4

func extractShared(ctx context.Context, src Source, o Options, jobs int, out sink) error {
	t := &team{intake: newIntake(src, o), out: out, shards: make([]*shard, jobs)}
	t.changed.L = &t.lock
	for i := range t.shards {
		s := &shard{index: i}
		meter, err := NewMeter(o, s.emit)
		if err != nil {
			return err
		}
		s.meter = meter
		t.shards[i] = s
	}
	var working sync.WaitGroup
	for _, s := range t.shards {
		working.Go(func() {
			t.work(ctx, s.index) // until no shard has anything to measure
			s.open = s.meter.table.all()
		})
	}
	working.Wait()
	if out.failed() != nil {
		return out.finish()
	}
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), out.finish())
	}
	flushShards(t.shards, out)
	return errors.Join(t.err, out.finish())
}

// work does what there is to do until all is measured. Of the shards it prefers one.
func (t *team) work(ctx context.Context, prefer int) {
	t.lock.Lock()
	defer t.lock.Unlock()
	for {
		s := t.next(prefer)
		switch {
		case !t.reading && !t.ended && len(t.waiting) < portionsAhead*len(t.shards):
			t.readNext(ctx, t.shards[prefer])
		case s != nil:
			t.measureNext(s)
			t.merge()
		case t.ended && !t.busy():
			return
		default:
			t.changed.Wait()
		}
	}
}

// next gives a shard that has something to measure and that nobody works on, nil when there is none.
func (t *team) next(prefer int) *shard {
	for i := range t.shards {
		if s := t.shards[(prefer+i)%len(t.shards)]; !s.busy && s.measured < t.read {
			return s
		}
	}
	return nil
}

// busy reports whether a goroutine reads or measures.
func (t *team) busy() bool {
	return t.reading || slices.ContainsFunc(t.shards, func(s *shard) bool { return s.busy })
}

// readNext reads a portion into what the goroutine that prefers a shard reads into, without the lock. That is in its
// processor's cache, not in another's, which would have to be asked for every line.
func (t *team) readNext(ctx context.Context, own *shard) {
	var p *portion
	if n := len(own.free); n > 0 {
		p, own.free = own.free[n-1], own.free[:n-1]
	} else {
		p = newPortion(len(t.shards), own.index)
	}
	t.reading = true
	t.lock.Unlock()
	err := t.intake.fill(p, &own.memory)
	t.lock.Lock()
	t.reading = false
	t.waiting = append(t.waiting, p)
	t.read++
	if err != nil {
		t.err = t.intake.end(err)
	}
	if err != nil || ctx.Err() != nil {
		t.ended = true
	}
	t.changed.Broadcast()
}

// measureNext measures a shard's share of the oldest portion that it has not measured yet, without the lock.
func (t *team) measureNext(s *shard) {
	p := t.waiting[s.measured-t.merged]
	s.busy = true
	t.lock.Unlock()
	s.measure(p)
	t.lock.Lock()
	s.busy = false
	s.measured++
	p.left--
	t.changed.Broadcast()
}

// merge gives the flows that ended in the oldest portions, without the lock.
func (t *team) merge() {
	for !t.merging && len(t.waiting) > 0 && t.waiting[0].left == 0 {
		p := t.waiting[0]
		t.merging = true
		t.lock.Unlock()
		p.merge(t.out)
		failed := t.out.failed() != nil
		t.lock.Lock()
		t.merging = false
		t.ended = t.ended || failed
		t.merged++
		t.waiting = slices.Delete(t.waiting, 0, 1)
		reader := t.shards[p.reader]
		reader.free = append(reader.free, p)
		t.changed.Broadcast()
	}
}

// measure measures the shard's share of a portion.
func (s *shard) measure(p *portion) {
	s.current, s.swept = p, false
	items := p.shares[s.index].items
	for i := range items {
		it := &items[i]
		s.frame = it.packet.frame
		s.meter.add(it)
	}
	if p.expire {
		s.frame, s.swept = p.last, true
		s.meter.expire(p.now)
	}
}

// emit notes a flow that ended.
func (s *shard) emit(f *Flow) {
	own := &s.current.shares[s.index]
	own.ended = append(own.ended, ended{*f, s.frame, s.swept})
}

// merge gives the flows that ended in the portion.
func (p *portion) merge(out sink) {
	var all []*ended
	for i := range p.shares {
		for j := range p.shares[i].ended {
			all = append(all, &p.shares[i].ended[j])
		}
	}
	slices.SortFunc(all, func(a, b *ended) int {
		switch {
		case a.frame != b.frame:
			return cmp.Compare(a.frame, b.frame)
		case a.swept != b.swept:
			if b.swept {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.flow.number, b.flow.number)
	})
	for _, e := range all {
		out.add(&e.flow)
	}
}

// flushShards ends the flows that are still open, in the order of their first packets.
func flushShards(shards []*shard, out sink) {
	for _, s := range shards {
		s.meter.emit = out.add
	}
	for {
		var first *shard
		var number uint64
		for _, s := range shards {
			if len(s.open) == 0 {
				continue
			}
			if n := s.meter.table.at(s.open[0].flow - 1).number; first == nil || n < number {
				first, number = s, n
			}
		}
		if first == nil {
			return
		}
		m := first.meter
		m.finish(m.table.at(first.open[0].flow-1), EndOfCapture)
		first.open = first.open[1:]
	}
}
