package check

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"detgen/model"
	"detgen/seed"
)

// longest is how many of the longest items are looked at.
const longest = 20

// cut looks whether the ends of long items count, for models of steps.
func (c *checker) cut() error {
	if c.Model.Kind != model.Packets && c.Model.Kind != model.Sessions {
		return nil
	}
	if most := c.Model.MaxSteps; most > 0 {
		n := 0
		id := ""
		for i := range c.scores { // the items themselves are cut already
			if len(c.items[i].Steps) >= most {
				n++
				id = c.items[i].ID
			}
		}
		if n > 0 {
			share := float64(n) / float64(len(c.items))
			c.add(Note, "truncation", id, share, "%.1f %% of the items have %d steps or more: the model looks at no further ones", 100*share, most)
		}
		return nil
	}
	if c.has("deterministic") || c.has("constant") {
		return nil
	}
	list := slices.Clone(c.items)
	slices.SortStableFunc(list, func(a, b model.Item) int { return cmp.Compare(len(b.Steps), len(a.Steps)) })
	list = slices.DeleteFunc(list[:min(len(list), longest)], func(i model.Item) bool { return len(i.Steps) < 10 })
	if len(list) == 0 {
		return nil
	}
	shorter := slices.Clone(list)
	for i := range shorter {
		shorter[i].Steps = shorter[i].Steps[:len(shorter[i].Steps)*3/4]
	}
	scores, err := c.ask(shorter)
	if err != nil || scores == nil {
		return err
	}
	if item, most, _ := c.differs(list, scores); most == 0 {
		c.add(Fault, "truncation", item, float64(len(list[len(list)-1].Steps)), "the %d longest items (%d to %d steps) have the same scores without their last quarter: the model cuts them and does not say so (max_steps)",
			len(list), len(list[len(list)-1].Steps), len(list[0].Steps))
	}
	return nil
}

// columns looks which columns of flow rows have no number, never vary, or do not matter to the model.
func (c *checker) columns() error {
	if c.Model.Kind != model.Flows || len(c.items) < 2 {
		return nil
	}
	var empty, same, odd []string
	varying := []int{}
	for k, name := range c.Model.Columns {
		numbers, infinite, first, varies := 0, 0, math.NaN(), false
		for i := range c.items {
			x := c.items[i].Row[k]
			switch {
			case math.IsNaN(x):
				continue
			case math.IsInf(x, 0):
				infinite++
			}
			if numbers > 0 && x != first {
				varies = true
			}
			if numbers == 0 {
				first = x
			}
			numbers++
		}
		switch {
		case numbers == 0:
			empty = append(empty, name)
		case !varies:
			same = append(same, name)
		default:
			varying = append(varying, k)
		}
		if numbers < len(c.items) && numbers > 0 || infinite > 0 {
			odd = append(odd, name)
		}
	}
	if len(empty) > 0 {
		c.add(Fault, "columns", "", float64(len(empty)), "no item has a number in %s", strings.Join(empty, ", "))
	}
	if len(same) > 0 {
		c.add(Note, "columns", "", float64(len(same)), "all items have the same number in %s", strings.Join(same, ", "))
	}
	if len(odd) > 0 {
		c.add(Note, "columns", "", float64(len(odd)), "some items have no number, or an infinite one, in %s: what the model makes of it is its own affair", strings.Join(odd, ", "))
	}
	return c.ignored(varying)
}

// asked is how many items show whether a column matters.
const asked = 200

// ignored looks which columns do not matter: scores stay when the items exchange their numbers in it.
func (c *checker) ignored(columns []int) error {
	if c.has("deterministic") || c.has("constant") || c.has("order") || c.has("batch") {
		return nil
	}
	list := slices.Clone(c.items)
	random := seed.Stream(c.o.Seed, "model/check/columns")
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	list = list[:min(len(list), asked)]
	var names []string
	for _, k := range columns {
		changed := slices.Clone(list)
		other := random.Perm(len(list))
		for i := range changed {
			changed[i].Row = slices.Clone(list[i].Row)
			changed[i].Row[k] = list[other[i]].Row[k]
		}
		scores, err := c.ask(changed)
		if err != nil || scores == nil {
			return err
		}
		if _, most, _ := c.differs(changed, scores); most == 0 {
			names = append(names, c.Model.Columns[k])
		}
	}
	switch {
	case len(names) == len(columns) && len(columns) > 0:
		c.add(Fault, "columns", "", float64(len(names)), "no column matters to the model: scores stay the same whatever is in them")
	case len(names) > 0:
		c.add(Note, "columns", "", float64(len(names)), "these columns do not matter to the model here: %s", strings.Join(names, ", "))
	}
	return nil
}
