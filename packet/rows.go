package packet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"detgen/table"
)

// rowsPerBatch is how many rows are handed over at a time.
const rowsPerBatch = 1024

// LinkError says that frames were met whose headers were not read: they have an unknown link type, or between link
// and IP a header that cannot be read (an encrypted one, for example).
type LinkError struct {
	Types      []LinkType // unknown ones, ascending
	EtherTypes []uint16   // of headers that could not be read, ascending; 0: the link's own
	Frames     uint64
}

// Unread counts the frames of a capture whose headers are not read. Its zero value has met none.
type Unread struct {
	types  map[LinkType]bool
	kinds  map[uint16]bool
	frames uint64
}

// Note takes in a frame that Decode has read into h.
func (u *Unread) Note(f *Frame, h *Headers) {
	switch {
	case h.unread:
		if u.kinds == nil {
			u.kinds = map[uint16]bool{}
		}
		u.kinds[h.EtherType] = true
	case f.LinkType != LinkEthernet && !f.LinkType.Known():
		if u.types == nil {
			u.types = map[LinkType]bool{}
		}
		u.types[f.LinkType] = true
	default:
		return
	}
	u.frames++
}

// Err is a *LinkError when there were such frames.
func (u *Unread) Err() error {
	if u.frames == 0 {
		return nil
	}
	return &LinkError{Types: slices.Sorted(maps.Keys(u.types)), EtherTypes: slices.Sorted(maps.Keys(u.kinds)), Frames: u.frames}
}

func (e *LinkError) Error() string {
	var what []string
	for _, t := range e.Types {
		what = append(what, t.String())
	}
	for _, t := range e.EtherTypes {
		if t == 0 {
			what = append(what, "protected or divided IEEE 802.11 frames")
		} else {
			what = append(what, fmt.Sprintf("EtherType %#04x", t))
		}
	}
	return fmt.Sprintf("%s: the headers of %d frames cannot be read", strings.Join(what, ", "), e.Frames)
}

// Rows writes a row per frame.
type Rows struct {
	Decoder Decoder
	// Extra, when set, adds the cells of the columns that the table has after those of
	// Columns; a is nil when the frame is no analysed TCP segment.
	Extra func(b *table.Batch, f *Frame, h *Headers, a *Analysis)
}

// Source gives frames: a Reader, or a Series.
type Source interface {
	// Next reads the next frame into f, whose data is valid until the next call. It returns io.EOF after the last one.
	Next(f *Frame) error
}

// Write writes the rows of captures, under the names that their first column shall have, by Frame.Capture. What could be
// read is written also when it returns an error: a *DamageError, a *LinkError or both joined, or a failure of the
// source, of the table or of the context.
func (o Rows) Write(ctx context.Context, captures []string, r Source, out *table.File) error {
	var f Frame
	var h Headers
	var a Analysis
	conversations := NewConversations(0)
	var unread Unread
	batch := out.NewBatch()
	var end error
	for {
		if end = r.Next(&f); end != nil {
			break
		}
		o.Decoder.Decode(&f, &h)
		unread.Note(&f, &h)
		var analysis *Analysis
		var ok bool
		if a, ok = conversations.Analyze(&f, &h); ok {
			analysis = &a
		}
		AppendRow(batch, captures[f.Capture], &f, &h, analysis)
		if o.Extra != nil {
			o.Extra(batch, &f, &h, analysis)
		}
		batch.EndRow()
		if batch.Rows() < rowsPerBatch {
			continue
		}
		if err := out.Write(batch); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		batch = out.NewBatch()
	}
	if err := out.Write(batch); err != nil {
		return err
	}
	if end == io.EOF {
		end = nil
	}
	if err := unread.Err(); err != nil {
		end = errors.Join(end, err)
	}
	return end
}
