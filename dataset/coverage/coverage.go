// Package coverage tells which share of a network's flows the catalogue can make (the paper's appendix): each flow has a
// service, and each service has scenarios or none.
package coverage

import (
	"cmp"
	"slices"

	"detgen/dataset/flowset"
	"detgen/dataset/service"
)

// Share is a service's part of the flows.
type Share struct {
	Service   string   `json:"service"` // "" for flows of no known service
	Flows     int      `json:"flows"`
	Packets   float64  `json:"packets"`   // 0 when the table does not have them
	Dissected int      `json:"dissected"` // flows whose service is known from the payload or from Zeek, not from the port
	Scenarios []string `json:"scenarios"` // that make it
}

// Report is the coverage of a set.
type Report struct {
	Name    string  `json:"name"`
	Flows   int     `json:"flows"`
	Covered int     `json:"covered"`  // flows of services that a scenario makes
	Shares  []Share `json:"services"` // most flows first
}

// Of computes the coverage of a set. Where benign is set, flows with the label of an attack are left out, as in the
// paper.
func Of(set *flowset.Set, benign bool) *Report {
	r := &Report{Name: set.Name}
	shares := map[*service.Service]*Share{}
	up, down := set.Column("Total Fwd Packets"), set.Column("Total Backward Packets")
	for i := range set.Len() {
		if benign && set.Label != nil && !flowset.Benign(set.Label[i]) {
			continue
		}
		found, dissected := set.ServiceOf(i)
		s := shares[found]
		if s == nil {
			s = &Share{}
			if found != nil {
				s.Service, s.Scenarios = found.Name, found.Scenarios
			}
			shares[found] = s
		}
		s.Flows++
		if dissected {
			s.Dissected++
		}
		if up != nil && down != nil {
			s.Packets += up[i] + down[i]
		}
		r.Flows++
		if len(s.Scenarios) > 0 {
			r.Covered++
		}
	}
	for _, s := range shares {
		r.Shares = append(r.Shares, *s)
	}
	slices.SortFunc(r.Shares, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Flows, a.Flows), cmp.Compare(a.Service, b.Service))
	})
	return r
}
