package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a file, as an editor counts. File alone may be set (a whole file), and
// for settings from the command line it is the flag ("-s").
type Position struct {
	File   string
	Line   int // from 1; 0: unknown
	Column int
	order  int // of the file among those that a scenario is made of: what it extends comes first
}

// String is "file:line", "file" or "".
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

func (p Position) before(q Position) int {
	return cmp.Or(cmp.Compare(p.order, q.order), cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}

// Problem is one thing that is wrong in what an author or a user wrote. Its text is one line:
// place, field, value, what is wrong and what would be right.
type Problem struct {
	At      Position
	Field   string // "hosts.server.default"; "" when the whole file is meant
	Value   string // as written; "" when something is missing
	Message string // what is wrong and what would be right
}

// Error is the problem in one line.
func (p *Problem) Error() string {
	var b strings.Builder
	if at := p.At.String(); at != "" {
		b.WriteString(at + ": ")
	}
	if p.Field != "" {
		b.WriteString(p.Field)
		if p.Value != "" {
			fmt.Fprintf(&b, ": %q", p.Value)
		}
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// problems collects what is wrong, so that an author sees all of it at once.
type problems struct {
	list   []*Problem
	places map[string]Position // of fields that do not know their own, by file and field
}

// placed notes where a field of a file stands.
func (ps *problems) placed(at Position, field string) {
	if ps.places == nil {
		ps.places = map[string]Position{}
	}
	ps.places[at.File+" "+field] = at
}

// add notes a problem. Where the field's own place is known better than at, that is shown.
func (ps *problems) add(at Position, field, value, format string, args ...any) {
	if own, ok := ps.places[at.File+" "+field]; ok {
		at = own
	}
	ps.list = append(ps.list, &Problem{At: at, Field: field, Value: value, Message: fmt.Sprintf(format, args...)})
}

// wrap adds err under the given place; a *Problem within err keeps its own place.
func (ps *problems) wrap(at Position, field, value string, err error) {
	var p *Problem
	if errors.As(err, &p) {
		ps.list = append(ps.list, p)
		return
	}
	ps.add(at, field, value, "%v", err)
}

// err gives nil, or all problems in the order of their places, one a line.
func (ps *problems) err() error {
	if len(ps.list) == 0 {
		return nil
	}
	slices.SortStableFunc(ps.list, func(a, b *Problem) int { return a.At.before(b.At) })
	errs := make([]error, len(ps.list))
	for i, p := range ps.list {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// nearest says which of the known names the author may have meant: `did you mean "get"?`, or
// all of them when none is near.
func nearest(name string, known []string) string {
	if len(known) == 0 {
		return "there are none"
	}
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	for _, k := range known {
		d := editDistance(strings.ToLower(name), strings.ToLower(k))
		if d <= 1+len(name)/3 || (len(name) > 2 && (strings.HasPrefix(k, name) || strings.HasPrefix(name, k))) {
			near = append(near, candidate{k, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	if len(near) > 0 {
		var quoted []string
		for _, c := range near {
			if c.distance == near[0].distance && len(quoted) < 3 {
				quoted = append(quoted, fmt.Sprintf("%q", c.name))
			}
		}
		return "did you mean " + strings.Join(quoted, " or ") + "?"
	}
	return "known: " + strings.Join(known, ", ")
}

// editDistance is the number of insertions, deletions and replacements of bytes that make b
// from a (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := diagonal
			if a[i-1] != b[j-1] {
				replace++
			}
			diagonal = row[j]
			row[j] = min(row[j]+1, row[j-1]+1, replace)
		}
	}
	return row[len(b)]
}
