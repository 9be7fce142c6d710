package items

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"detgen/model"
)

// Sessions end after a pause, or when they are long (CBAM).
const (
	sessionPause  = 8 * time.Second
	sessionLength = 25
)

// sessions makes the sessions of each host in each run, from the table alone. An item's name is
// RUN/ADDRESS#NUMBER. Tables by others are one run.
func (d *Dataset) sessions(want model.Description, which []int) (*Made, error) {
	recipe, err := RecipeOf(want.Kind, want.Recipe)
	if err != nil {
		return nil, err
	}
	if err := recipe.fits(want); err != nil {
		return nil, err
	}
	names := []string{"client_bytes", "server_bytes"}
	if !d.runs {
		names = []string{"Total Length of Fwd Packet", "Total Length of Bwd Packet"}
	}
	at, missing := locate(d.Columns, names)
	if missing != "" {
		return nil, fmt.Errorf("sessions need bytes in both directions: there is no column %q", missing)
	}
	up, down := at[0], at[1]
	for _, i := range which {
		if e := &d.Connections[i].Ends; e.Client == "" || e.Server == "" || e.Start == 0 {
			return nil, fmt.Errorf("connection %s: sessions need both addresses and a start, ns since the Unix epoch or %q", d.Connections[i].ID, time.DateTime+".999999")
		}
	}
	type member struct {
		connection int
		client     bool
	}
	type host struct{ run, address string }
	hosts := map[host][]member{}
	var order []host
	for _, i := range which {
		c := &d.Connections[i]
		for _, end := range []struct {
			address string
			client  bool
		}{{c.Ends.Client, true}, {c.Ends.Server, false}} {
			h := host{c.Run, end.address}
			if hosts[h] == nil {
				order = append(order, h)
			}
			hosts[h] = append(hosts[h], member{i, end.client})
		}
	}
	m := &Made{}
	for _, h := range order {
		list := hosts[h]
		slices.SortStableFunc(list, func(a, b member) int {
			return cmp.Compare(d.Connections[a.connection].Ends.Start, d.Connections[b.connection].Ends.Start)
		})
		number, before := 0, int64(0)
		for k, one := range list {
			c := &d.Connections[one.connection]
			gap := c.Ends.Start - before
			if last := len(m.Items) - 1; k == 0 || gap >= int64(sessionPause) || len(m.Items[last].Steps) == sessionLength {
				number++
				m.Items = append(m.Items, model.Item{ID: fmt.Sprintf("%s/%s#%d", h.run, h.address, number), Ends: c.Ends})
				m.Members = append(m.Members, nil)
			}
			if k == 0 {
				gap = 0
			}
			before = c.Ends.Start
			a, err1 := strconv.ParseFloat(strings.TrimSpace(c.cells[up]), 64)
			b, err2 := strconv.ParseFloat(strings.TrimSpace(c.cells[down]), 64)
			if err := errors.Join(err1, err2); err != nil {
				return nil, fmt.Errorf("connection %s: client_bytes, server_bytes: %w", c.ID, err)
			}
			role := float32(0)
			if one.client {
				role = 1
			}
			last := len(m.Items) - 1
			m.Items[last].Steps = append(m.Items[last].Steps, []float32{float32(c.Ends.Protocol), float32(c.Ends.ServerPort), role, float32(a + b), float32(float64(gap) / 1e9)})
			m.Members[last] = append(m.Members[last], one.connection)
		}
	}
	return m, nil
}
