package page

import (
	"fmt"
	"io"
	"strings"

	"detgen/scenario/format"
)

// Listing is what "detgen list" shows: the catalogue, a scenario, or one of its tasks.
type Listing struct {
	all  []*format.About // of the catalogue; nil when one is shown
	one  *format.About
	task bool // one is a task
}

// Find gives the listing of the whole catalogue for "", of a scenario, or of SCENARIO/TASK.
func Find(c *format.Catalogue, what string) (*Listing, error) {
	if what == "" {
		l := &Listing{}
		for _, name := range c.Names() {
			s, err := c.Scenario(name)
			if err != nil {
				return nil, err
			}
			l.all = append(l.all, s.About())
		}
		return l, nil
	}
	name, task, oneTask := strings.Cut(what, "/")
	s, err := c.Scenario(name)
	if err != nil {
		return nil, err
	}
	if !oneTask {
		return &Listing{one: s.About()}, nil
	}
	about, err := s.AboutTask(task)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return &Listing{one: about, task: true}, nil
}

// Value is what is listed, for JSON: a list of all scenarios, or one.
func (l *Listing) Value() any {
	if l.one != nil {
		return l.one
	}
	return l.all
}

// WriteText prints it for a person.
func (l *Listing) WriteText(w io.Writer) error {
	if l.one != nil {
		return Text(w, l.one, l.task)
	}
	return List(w, l.all)
}
