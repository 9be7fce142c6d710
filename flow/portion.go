package flow

import (
	"errors"
	"slices"

	"detgen/packet"
)

// portion is some successive frames of a capture, decoded.
type portion struct {
	items  []item
	shares []share
	expire bool  // afterwards, flows that were silent for too long at ...
	now    int64 // ... ns since the Unix epoch
	last   uint64
	left   int // shards that have not measured it
}

// share is a shard's part of a portion.
type share struct {
	items []uint16 // indices
	ended []ended  // what it made of them
}

// portionFrames divides expiryFrames.
const portionFrames = 1024

func newPortion(shards int) *portion {
	return &portion{items: make([]item, 0, portionFrames), shares: make([]share, shards)}
}

// intake makes portions of a capture.
type intake struct {
	src     Source
	decoder decoder
	expiry  expiry
	frame   packet.Frame
}

func newIntake(src Source, o Options) intake {
	return intake{src: src, decoder: newDecoder(o), expiry: newExpiry(o)}
}

// fill reads the next frames into p, whatever it held. An error is that of the source, which gives no more; p has what
// was read before it.
func (in *intake) fill(p *portion) error {
	p.items, p.expire, p.left = p.items[:0], false, len(p.shares)
	for i := range p.shares {
		s := &p.shares[i]
		s.items, s.ended = s.items[:0], s.ended[:0]
	}
	f := &in.frame
	for {
		if err := in.src.Next(f); err != nil {
			return err
		}
		n := len(p.items)
		p.items = slices.Grow(p.items, 1)[:n+1]
		if it := &p.items[n]; in.decoder.decode(f, it) {
			own := &p.shares[it.hash>>32*uint64(len(p.shares))>>32]
			own.items = append(own.items, uint16(n))
		} else {
			p.items = p.items[:n]
		}
		p.last = f.Number
		if f.Number%portionFrames != 0 {
			continue
		}
		if in.expiry.due(f.Number, f.Time) {
			p.expire, p.now = true, f.Time
		}
		return nil
	}
}

// end is the error of a capture whose source gives no more.
func (in *intake) end(err error) error { return errors.Join(end(err), in.decoder.unread()) }

// measure takes in a portion that has no shards.
func (m *Meter) measure(p *portion) {
	for i := range p.items {
		m.add(&p.items[i])
	}
	if p.expire {
		m.expire(p.now)
	}
}
