package packet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"detgen/table"
)

// rowsPerBatch is how many rows are handed over at a time.
const rowsPerBatch = 1024

// LinkError says that frames of unknown link types were met; their headers were not read.
type LinkError struct {
	Types  []LinkType // ascending
	Frames uint64
}

func (e *LinkError) Error() string {
	text := ""
	for i, t := range e.Types {
		if i > 0 {
			text += ", "
		}
		text += t.String()
	}
	return fmt.Sprintf("%s: the headers of %d frames cannot be read", text, e.Frames)
}

// Rows writes a row per frame.
type Rows struct {
	Decoder Decoder
	// Extra, when set, adds the cells of the columns that the table has after those of
	// Columns; a is nil when the frame is no analysed TCP segment.
	Extra func(b *table.Batch, f *Frame, h *Headers, a *Analysis)
}

// Write writes the rows of a capture, under the name that its first column shall have. What could be
// read is written also when it returns an error: a *DamageError, a *LinkError or both joined, or a failure of the
// source, of the table or of the context.
func (o Rows) Write(ctx context.Context, capture string, r *Reader, out *table.File) error {
	var f Frame
	var h Headers
	var a Analysis
	conversations := NewConversations(0)
	unknown := map[LinkType]bool{}
	var unread uint64
	batch := out.NewBatch()
	var end error
	for {
		if end = r.Next(&f); end != nil {
			break
		}
		if !f.LinkType.Known() {
			unknown[f.LinkType] = true
			unread++
		}
		o.Decoder.Decode(&f, &h)
		var analysis *Analysis
		var ok bool
		if a, ok = conversations.Analyze(&f, &h); ok {
			analysis = &a
		}
		AppendRow(batch, capture, &f, &h, analysis)
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
	if unread > 0 {
		end = errors.Join(end, &LinkError{Types: slices.Sorted(maps.Keys(unknown)), Frames: unread})
	}
	return end
}
