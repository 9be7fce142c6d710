package flow

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"detgen/packet"
)

// The frames of a capture are cut into portions of portionFrames. One goroutine reads them and sorts each portion's
// items by the shard that their flow belongs to; every shard has a meter of its own; and one goroutine brings the flows
// that ended in a portion into the order in which one meter alone would have given them.

// portion is some successive frames of a capture.
type portion struct {
	items  []item
	shards []share
	expire bool  // afterwards, flows that were silent for too long at ...
	now    int64 // ... ns since the Unix epoch
	last   uint64
	done   sync.WaitGroup // by the shards
}

// share is a shard's part of a portion.
type share struct {
	items []uint16 // indices
	ended []ended  // what it made of them
}

// ended is a flow that ended, and when.
type ended struct {
	flow  Flow
	frame uint64 // with which it ended
	swept bool   // after that, because it was silent
}

// shard is a meter with its queue.
type shard struct {
	meter   *Meter
	index   int
	queue   chan *portion
	current *portion
	frame   uint64
	swept   bool
	open    []slot // at the end of the capture, in the order of their first packets
}

const (
	// portionFrames divides expiryFrames.
	portionFrames = 256

	// portionsAhead is how many portions wait for each shard at most. Where there are no more processors than
	// shards, the reader and the one that merges get their turn when a shard has nothing left to do: the more
	// portions they then handle at once, the less the others wait for the first of them.
	portionsAhead = 24
)

func extractSharded(ctx context.Context, src Source, o Options, jobs int, out sink) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	shards := make([]*shard, jobs)
	var working sync.WaitGroup
	for i := range shards {
		s := &shard{index: i, queue: make(chan *portion, portionsAhead)}
		meter, err := NewMeter(o, s.emit)
		if err != nil {
			return err
		}
		s.meter = meter
		shards[i] = s
		working.Go(s.run)
	}
	order := make(chan *portion, portionsAhead)
	free := make(chan *portion, portionsAhead+2)
	var merging sync.WaitGroup
	merging.Go(func() {
		for p := range order {
			p.done.Wait()
			p.merge(out)
			if out.failed() != nil {
				cancel() // and take the rest away, so that nobody waits for ever
			}
			free <- p
		}
	})
	readErr := distribute(ctx, src, o, shards, order, free)
	for _, s := range shards {
		close(s.queue)
	}
	close(order)
	working.Wait()
	merging.Wait()
	if out.failed() != nil {
		return out.finish()
	}
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), out.finish())
	}
	flushShards(shards, out)
	return errors.Join(readErr, out.finish())
}

// distribute reads the capture and hands its portions to the shards. It returns the source's error, nil at
// its end.
func distribute(ctx context.Context, src Source, o Options, shards []*shard, order, free chan *portion) error {
	decoder := newDecoder(o)
	expiry := newExpiry(o)
	made := 0
	next := func() *portion {
		if made < cap(free) {
			select {
			case p := <-free:
				return p
			default:
				made++
				return &portion{shards: make([]share, len(shards))}
			}
		}
		return <-free
	}
	hand := func(p *portion) {
		p.done.Add(len(shards))
		order <- p
		for _, s := range shards {
			s.queue <- p
		}
	}
	var frame packet.Frame
	p := next()
	for {
		err := src.Next(&frame)
		if err != nil {
			hand(p)
			return errors.Join(end(err), decoder.unread())
		}
		n := len(p.items)
		p.items = slices.Grow(p.items, 1)[:n+1]
		if it := &p.items[n]; decoder.decode(&frame, it) {
			own := &p.shards[it.hash>>32*uint64(len(shards))>>32]
			own.items = append(own.items, uint16(n))
		} else {
			p.items = p.items[:n]
		}
		p.last = frame.Number
		if frame.Number%portionFrames != 0 {
			continue
		}
		if expiry.due(frame.Number, frame.Time) {
			p.expire, p.now = true, frame.Time
		}
		hand(p)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p = next()
	}
}

// run works on the shard's queue, and then finds the flows that are still open.
func (s *shard) run() {
	for p := range s.queue {
		s.current, s.swept = p, false
		for _, i := range p.shards[s.index].items {
			it := &p.items[i]
			s.frame = it.frame
			s.meter.add(it)
		}
		if p.expire {
			s.frame, s.swept = p.last, true
			s.meter.expire(p.now)
		}
		p.done.Done()
	}
	s.open = s.meter.table.all()
}

// emit notes a flow that ended.
func (s *shard) emit(f *Flow) {
	own := &s.current.shards[s.index]
	own.ended = append(own.ended, ended{*f, s.frame, s.swept})
}

// merge gives the flows that ended in the portion, and empties it.
func (p *portion) merge(out sink) {
	var all []*ended
	for i := range p.shards {
		for j := range p.shards[i].ended {
			all = append(all, &p.shards[i].ended[j])
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
	for i := range p.shards {
		s := &p.shards[i]
		s.items, s.ended = s.items[:0], s.ended[:0]
	}
	p.items = p.items[:0]
	p.expire = false
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
