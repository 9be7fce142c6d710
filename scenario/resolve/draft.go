package resolve

import (
	"strings"
	"time"

	"detgen/internal/problem"
	"detgen/record"
	"detgen/scenario/format"
)

// draft is the run in the making: what all stages of all activities need.
type draft struct {
	catalogue *format.Catalogue
	seed      uint64
	digests   Digests
	problems  *problem.List
	values    []record.Value // noted so far
	noted     map[string]int // where each of them is
	family    string         // of addresses: one of spec.Families
	budget    budget
}

// failed is true when there is no point in going on.
func (d *draft) failed() bool { return !d.problems.Empty() }

// note keeps a value for the run's list, or for that of one of an activity's times.
func (c *choice) note(v record.Value) {
	if c.time != nil {
		v.Name = strings.TrimPrefix(v.Name, c.time.name+".")
		c.time.values = append(c.time.values, v)
		return
	}
	c.draft.note(v)
}

// note keeps a value for the run's list; a value of the same name is replaced.
func (d *draft) note(v record.Value) {
	if i, ok := d.noted[v.Name]; ok {
		d.values[i] = v
		return
	}
	if d.noted == nil {
		d.noted = map[string]int{}
	}
	d.noted[v.Name] = len(d.values)
	d.values = append(d.values, v)
}

// report adds an error, if there is one, at the place of a text.
func (d *draft) report(err error, t format.Text, field string) {
	if err != nil {
		d.problems.Wrap(t.At, field, t.Text, err)
	}
}

// activity is an activity in the making: the main one, or one of the background.
type activity struct {
	*scope
	parameters parameters
	general    []applied     // settings for all hosts
	timeout    time.Duration // 0: the task's
	starts     []record.Duration
	names      []string        // of the activities, one a start
	kept       map[string]bool // parameters that are the same each time, once it is known; see again
	user       string          // who does it; "" for nobody
}
