package flow

import (
	"errors"
	"slices"

	"detgen/packet"
)

// portion is some successive frames of a capture, decoded.
type portion struct {
	shares []share
	expire bool  // afterwards, flows that were silent for too long at ...
	now    int64 // ... ns since the Unix epoch
	last   uint64
	left   int // shards that have not measured it
	reader int // the shard whose goroutine reads into it
}

// share is a shard's part of a portion.
type share struct {
	items []item
	ended []ended // what it made of them
}

// A portion has at most portionFrames. When it has enough, it ends where what was read of the file does, so that another
// goroutine which reads on finds little in this one's cache.
const (
	portionFrames = 1024
	enoughFrames  = 128
	nearlyRead    = 2048 // bytes
)

func newPortion(shards, reader int) *portion {
	return &portion{shares: make([]share, shards), reader: reader}
}

// room gives the place of the share's next item.
func (s *share) room() *item {
	n := len(s.items)
	s.items = slices.Grow(s.items, 1)
	return &s.items[:n+1][n]
}

// intake makes portions of a capture.
type intake struct {
	src     Source
	reader  *packet.Reader // the source, when it is one
	decoder decoder
	expiry  expiry
	frame   packet.Frame
}

func newIntake(src Source, o Options) intake {
	in := intake{src: src, decoder: newDecoder(o), expiry: newExpiry(o)}
	switch s := src.(type) {
	case *packet.Reader:
		in.reader = s
	case *packet.Series:
		in.reader = s.Alone()
	}
	return in
}

// fill reads the next frames into p, whatever it held; the capture is read into memory, which is the goroutine's own. An
// error is that of the source, which gives no more; p has what was read before it.
func (in *intake) fill(p *portion, memory *packet.Buffer) error {
	if in.reader != nil {
		in.reader.ReadInto(memory)
	}
	p.expire, p.left = false, len(p.shares)
	for i := range p.shares {
		s := &p.shares[i]
		s.items, s.ended = s.items[:0], s.ended[:0]
	}
	f, near := &in.frame, &p.shares[p.reader]
	for n := 1; ; n++ {
		if err := in.src.Next(f); err != nil {
			return err
		}
		it := near.room()
		if in.decoder.decode(f, it) {
			if own := &p.shares[it.hash>>32*uint64(len(p.shares))>>32]; own == near {
				near.items = near.items[:len(near.items)+1]
			} else {
				own.items = append(own.items, *it)
			}
		}
		if in.expiry.due(f.Number, f.Time) {
			p.expire, p.now, p.last = true, f.Time, f.Number
			return nil
		}
		if n == portionFrames || n >= enoughFrames && in.reader != nil && in.reader.Left() < nearlyRead {
			return nil
		}
	}
}

// end is the error of a capture whose source gives no more.
func (in *intake) end(err error) error { return errors.Join(end(err), in.decoder.unread()) }

// measure takes in a portion that has no shards.
func (m *Meter) measure(p *portion) {
	items := p.shares[0].items
	for i := range items {
		m.add(&items[i])
	}
	if p.expire {
		m.expire(p.now)
	}
}
