package flow

import (
	"context"
	"errors"
	"fmt"
	"io"

	"detgen/packet"
)

// Source gives the frames of a capture: a *packet.Reader, for one.
type Source = packet.Source

// Extract gives emit the flows of a capture in the order in which they end; those that are open at the
// end of the capture come last, in the order of their first packets. A flow is valid until emit returns.
// The work is shared by jobs goroutines, or done by the calling one when jobs is 1; the flows are the same.
//
// When the source fails, the flows of what was read before are given all the same, and then the source's error is
// returned; in mode Default so is a *packet.LinkError when frames were passed over whose headers cannot be read. An error of emit
// ends the extraction.
func Extract(ctx context.Context, src Source, o Options, jobs int, emit func(*Flow) error) error {
	if err := check(o, jobs); err != nil {
		return err
	}
	return extract(ctx, src, o, jobs, &caller{emit: emit})
}

func check(o Options, jobs int) error {
	if jobs < 1 {
		return fmt.Errorf("%d jobs: there must be at least 1", jobs)
	}
	return o.Validate()
}

// sink takes flows that end, one after another. After an error it ignores them.
type sink interface {
	add(f *Flow) // is valid until add returns
	failed() error
	finish() error // after the last flow
}

// caller is a sink that calls a function.
type caller struct {
	emit func(*Flow) error
	err  error
}

func (c *caller) add(f *Flow) {
	if c.err == nil {
		c.err = c.emit(f)
	}
}

func (c *caller) failed() error { return c.err }
func (c *caller) finish() error { return c.err }

// extract works for a sink; the options and jobs were checked.
func extract(ctx context.Context, src Source, o Options, jobs int, out sink) error {
	if jobs == 1 || o.MaxFlows > 0 {
		return extractAlone(ctx, src, o, out)
	}
	return extractShared(ctx, src, o, jobs, out)
}

// extractAlone works in the calling goroutine.
func extractAlone(ctx context.Context, src Source, o Options, out sink) error {
	m, err := NewMeter(o, out.add)
	if err != nil {
		return err
	}
	intake, p, memory := newIntake(src, o), newPortion(1, 0), packet.Buffer{}
	for {
		err := intake.fill(p, &memory)
		m.measure(p)
		if err != nil {
			m.Flush()
			return errors.Join(intake.end(err), out.finish())
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), out.finish())
		}
		if out.failed() != nil {
			return out.finish()
		}
	}
}

// end is the error of a source that gives no more, nil when it is at its end.
func end(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
