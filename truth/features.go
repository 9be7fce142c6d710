package truth

import (
	"errors"
	"fmt"
	"io"

	"detgen/flow"
	"detgen/packet"
	"detgen/table"

	"golang.org/x/sync/errgroup"
)

// features are the statistics of package flow, of one connection.
type features [flow.Statistics]float64

// measure computes the features of all connections, each from the capture of the host where it
// began: of the longest flow that package flow, in its default mode and without timeouts, sees
// there. A connection of which it sees none has nil.
func (t *Truth) measure() ([]*features, error) {
	list := make([]*features, len(t.Connections))
	var group errgroup.Group
	for i, c := range t.Captures {
		if c.IsTap() {
			continue
		}
		group.Go(func() error {
			if err := t.measureCapture(i, list); err != nil {
				return fmt.Errorf("capture %s: %w", c.File, err)
			}
			return nil
		})
	}
	return list, group.Wait()
}

// measureCapture does it for the connections that began at one capture's host, or for all that a tap sees.
func (t *Truth) measureCapture(capture int, list []*features) error {
	c := t.Captures[capture]
	in, _, err := c.open(t.dir)
	if err != nil {
		return err
	}
	defer in.Close()
	packets := map[int32]uint64{} // of the connection's flow so far
	options := flow.NewOptions(flow.Default)
	options.FlowTimeout, options.IdleTimeout, options.LingerTimeout = 0, 0, 0
	meter, err := flow.NewMeter(options, func(f *flow.Flow) {
		at := c.Frames[f.FirstFrame()-1].Connection
		if n := f.Packets(flow.Forward) + f.Packets(flow.Backward); n > packets[at] {
			packets[at] = n
			v := features(f.Vector())
			list[at] = &v
		}
	})
	if err != nil {
		return err
	}
	var f packet.Frame
	for {
		if err := in.Next(&f); errors.Is(err, io.EOF) {
			meter.Flush()
			return nil
		} else if err != nil {
			return err
		}
		number := int(f.Number) - 1
		if tapped := c.IsTap() && c.Frames[number].Connection >= 0 && t.useful(NewRef(capture, number)); tapped || t.AtOrigin(capture, number) {
			meter.Add(&f)
		}
	}
}

// useful reports whether a frame counts where it came: it was sent there, or has come so that a host takes it.
func (t *Truth) useful(r Ref) bool { return t.Frame(r).Sent || t.usable(r) }

// put writes the features, or empty cells.
func (v *features) put(b *table.Batch) {
	for i := range flow.Statistics {
		if v == nil {
			b.Null()
		} else {
			b.Float(v[i])
		}
	}
}
