package items

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"detgen/model"
	"detgen/packet"
)

// Made is what a model's items were made of.
type Made struct {
	Items   []model.Item
	Members [][]int   // of an item: the connections (indexes into Dataset.Connections) that it is made of; one but for sessions
	Skipped []Skipped // connections that no item was made of
}

// Skipped is a connection without an item.
type Skipped struct {
	Connection int
	Why        string
}

// Attack tells whether an item has an attack in it.
func (m *Made) Attack(d *Dataset, item int) bool {
	for _, c := range m.Members[item] {
		if d.Connections[c].Attack {
			return true
		}
	}
	return false
}

// Make makes the items that a model wants of connections (indexes into d.Connections; nil: all). The order is that of
// the connections by run.
func (d *Dataset) Make(ctx context.Context, want model.Description, which []int) (*Made, error) {
	return d.MakeChanged(ctx, want, which, nil)
}

// MakeChanged does the same with a change between the captures and the encoder, of sequences of packets alone; nil is
// none.
func (d *Dataset) MakeChanged(ctx context.Context, want model.Description, which []int, change func(*Trace) *Trace) (*Made, error) {
	if change != nil && want.Kind != model.Packets {
		return nil, fmt.Errorf("model %s looks at items of kind %s: corrections change what a model of kind %s sees", want.Name, want.Kind, model.Packets)
	}
	if which == nil {
		which = make([]int, len(d.Connections))
		for i := range which {
			which[i] = i
		}
	}
	var m *Made
	var err error
	switch want.Kind {
	case model.Any:
		m = &Made{}
		for _, c := range which {
			m.add(d, c, model.Item{})
		}
	case model.Flows:
		m, err = d.rows(ctx, want, which)
	case model.Packets:
		m, err = d.packets(ctx, want, which, change)
	case model.Sessions:
		m, err = d.sessions(want, which)
	case model.Captures:
		m, err = d.captures(ctx, want, which)
	default:
		err = fmt.Errorf("kind %q of items is not known", want.Kind)
	}
	if err != nil {
		return nil, fmt.Errorf("items of %s for model %s: %w", d.Path, want.Name, err)
	}
	if len(m.Items) == 0 {
		return nil, fmt.Errorf("items of %s for model %s: none of %d connections makes one: %s", d.Path, want.Name, len(which), m.why())
	}
	return m, nil
}

// add adds the item of one connection.
func (m *Made) add(d *Dataset, connection int, item model.Item) {
	c := &d.Connections[connection]
	item.ID, item.Ends = c.ID, c.Ends
	m.Items = append(m.Items, item)
	m.Members = append(m.Members, []int{connection})
}

func (m *Made) skip(connection int, why string) {
	m.Skipped = append(m.Skipped, Skipped{connection, why})
}

// why gives the reason of the first connection that was skipped.
func (m *Made) why() string {
	if len(m.Skipped) == 0 {
		return "none was asked for"
	}
	return m.Skipped[0].Why
}

// packets makes sequences of packets, of TCP connections.
func (d *Dataset) packets(ctx context.Context, want model.Description, which []int, change func(*Trace) *Trace) (*Made, error) {
	recipe, err := RecipeOf(want.Kind, want.Recipe)
	if err != nil {
		return nil, err
	}
	if err := recipe.fits(want); err != nil {
		return nil, err
	}
	m := &Made{}
	var tcp []int
	for _, c := range which {
		if d.runs && d.Connections[c].Ends.Protocol != packet.ProtocolTCP {
			m.skip(c, "it is no TCP connection")
			continue
		}
		tcp = append(tcp, c)
	}
	err = d.Traces(ctx, tcp, TraceOptions{View: want.View, Header: recipe.Header}, func(c int, t *Trace) error {
		if len(t.Packets) > 0 && change != nil {
			t = change(t)
		}
		if len(t.Packets) == 0 {
			m.skip(c, "no capture has a packet of it")
			return nil
		}
		if want.MaxSteps > 0 && len(t.Packets) > want.MaxSteps {
			t.Packets = t.Packets[:want.MaxSteps]
		}
		m.add(d, c, model.Item{Steps: recipe.Encode(t), Capture: t.Capture})
		return nil
	})
	return m, err
}

// fits finds columns that a model wants and a recipe does not have in that order.
func (r *Recipe) fits(want model.Description) error {
	if len(want.Columns) == 0 {
		return nil
	}
	names := r.Names()
	for i, c := range want.Columns {
		if i >= len(names) || names[i] != c {
			return fmt.Errorf("its column %d is %q, and recipe %s has %v", i+1, c, r.Name, names)
		}
	}
	if len(names) > len(want.Columns) {
		return fmt.Errorf("it has %d columns, and recipe %s has %v", len(want.Columns), r.Name, names)
	}
	return nil
}

// captures gives each connection's capture, and which of its frames are the connection's.
func (d *Dataset) captures(ctx context.Context, want model.Description, which []int) (*Made, error) {
	m := &Made{}
	if !d.runs {
		return nil, errors.New("it is a table of flows: there are no captures in it")
	}
	return m, d.eachRun(ctx, which, func(r *readRun) (func() error, error) {
		list := make([]model.Item, len(r.which))
		frames := map[int]map[int32][]uint64{} // of a capture, by connection
		for i, c := range r.which {
			number := d.Connections[c].number - 1
			at, _ := r.capture(number, want.View)
			if at < 0 {
				continue
			}
			if frames[at] == nil {
				frames[at] = map[int32][]uint64{}
				for k := range r.truth.Captures[at].Frames {
					of := r.truth.Captures[at].Frames[k].Connection
					frames[at][of] = append(frames[at][of], uint64(k)+1)
				}
			}
			list[i] = model.Item{Capture: filepath.Join(r.dir, r.truth.Captures[at].File), Frames: frames[at][int32(number)]}
		}
		return func() error {
			for i, c := range r.which {
				if list[i].Capture == "" {
					m.skip(c, "no capture has a packet of it")
					continue
				}
				m.add(d, c, list[i])
			}
			return nil
		}, nil
	})
}
