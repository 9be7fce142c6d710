package dataset

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"detgen/dataset/plan"
	"detgen/record"
	"detgen/seed"
)

// member is a run of the dataset, as the tables need it.
type member struct {
	run    *plan.Run
	id     string
	record *record.Record
	split  string
	leftBy string // why it is left out of the tables: "" for none
}

// noSplit is the split of all runs of a plan without splits.
const noSplit = "all"

// assign gives each member its split. A run is in one split as a whole, so that no connection of it leaks. With shares,
// each stratum is cut in the order of a hash of the seed and the run's name, so each split has its share to the run.
func assign(p *plan.Plan, members []*member) error {
	s := p.Splits
	if s == nil {
		for _, m := range members {
			m.split = noSplit
		}
		return nil
	}
	if s.By != "" {
		return assignByFactor(s, members)
	}
	strata := map[string][]*member{}
	for _, m := range members {
		key := ""
		switch s.Stratify {
		case "entry":
			key = m.run.Entry.Name
		case "class":
			key = m.record.Run.Activities[0].Labels.Class
		}
		strata[key] = append(strata[key], m)
	}
	for _, stratum := range strata {
		slices.SortFunc(stratum, func(a, b *member) int {
			x, y := seed.Derive(p.Seed, "split/"+a.run.Name()), seed.Derive(p.Seed, "split/"+b.run.Name())
			return cmp.Or(cmp.Compare(x, y), cmp.Compare(a.run.Name(), b.run.Name()))
		})
		begin, sum := 0, 0.0
		for _, name := range slices.Sorted(maps.Keys(s.Shares)) {
			sum += s.Shares[name]
			end := int(math.Round(sum * float64(len(stratum))))
			for _, m := range stratum[begin:end] {
				m.split = name
			}
			begin = end
		}
	}
	return nil
}

func assignByFactor(s *plan.Splits, members []*member) error {
	of := map[string]string{}
	others := ""
	for name, values := range s.Values {
		for _, v := range values {
			if v.Text == "*" {
				others = name
			}
			of[v.Text] = name
		}
	}
	for _, m := range members {
		value, ok := factor(&m.record.Run, s.By)
		if !ok {
			return fmt.Errorf("splits.by: run %s has no factor %q", m.run.Name(), s.By)
		}
		if m.split = cmp.Or(of[value], others); m.split == "" {
			return fmt.Errorf("splits.values: run %s has %s=%s, which is in no split: add it, or \"*\" for all others", m.run.Name(), s.By, value)
		}
	}
	return nil
}

// factor gives the value of a factor of a run, by its key.
func factor(r *record.Run, key string) (string, bool) {
	for _, v := range r.Values {
		if v.Name == key {
			return v.Value, true
		}
	}
	return "", false
}
