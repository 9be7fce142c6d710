package flowset

import (
	"context"
	"fmt"
	"net/netip"

	"detgen/internal/problem"
)

// ReadAll reads tables of flows and captures as one set. count is told how far it is. What is wrong is a problem.Request.
func ReadAll(ctx context.Context, paths []string, count func(what string, done, all int)) (*Set, error) {
	sets := make([]*Set, len(paths))
	for i, path := range paths {
		count("tables read", i, len(paths))
		var err error
		if sets[i], err = Read(ctx, path); err != nil {
			return nil, problem.InRequest(err)
		}
	}
	set, err := Join(sets)
	return set, problem.InRequest(err)
}

// Join puts sets together as one: their rows one after the other, with the columns that all have, identity included.
func Join(sets []*Set) (*Set, error) {
	if len(sets) == 1 {
		return sets[0], nil
	}
	all := &Set{Name: fmt.Sprintf("%s and %d more", sets[0].Name, len(sets)-1)}
	for _, s := range sets {
		all.rows += s.rows
	}
	if all.rows > MaxRows {
		return nil, fmt.Errorf("%s: %d flows together, more than %d", all.Name, all.rows, MaxRows)
	}
	for _, c := range sets[0].Columns {
		values := joined(sets, all.rows, func(s *Set) []float64 { return s.Column(c.Name) })
		if values != nil {
			all.Columns = append(all.Columns, Column{c.Name, values})
		}
	}
	if len(all.Columns) < 2 {
		return nil, fmt.Errorf("%s have %d columns in common: name files of one kind", all.Name, len(all.Columns))
	}
	all.Label = joined(sets, all.rows, func(s *Set) []string { return s.Label })
	all.Split = joined(sets, all.rows, func(s *Set) []string { return s.Split })
	all.Run = joined(sets, all.rows, func(s *Set) []string { return s.Run })
	all.Service = joined(sets, all.rows, func(s *Set) []string { return s.Service })
	all.Server = joined(sets, all.rows, func(s *Set) []string { return s.Server })
	all.Client = joined(sets, all.rows, func(s *Set) []string { return s.Client })
	all.SourcePort = joined(sets, all.rows, func(s *Set) []uint16 { return s.SourcePort })
	all.DestinationPort = joined(sets, all.rows, func(s *Set) []uint16 { return s.DestinationPort })
	all.Protocol = joined(sets, all.rows, func(s *Set) []uint8 { return s.Protocol })
	all.Start = joined(sets, all.rows, func(s *Set) []int64 { return s.Start })
	all.Source = joined(sets, all.rows, func(s *Set) []netip.Addr { return s.Source })
	all.Destination = joined(sets, all.rows, func(s *Set) []netip.Addr { return s.Destination })
	return all, nil
}

// joined puts a column of all sets together; nil when one of them does not have it.
func joined[L ~[]E, E any](sets []*Set, rows int, of func(*Set) L) L {
	list := make(L, 0, rows)
	for _, s := range sets {
		column := of(s)
		if column == nil {
			return nil
		}
		list = append(list, column...)
	}
	return list
}
