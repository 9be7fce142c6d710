// Package problem gives what is wrong in what people write, with its place: file, line, field,
// value, and what would be right. A List collects all of it before anything starts.
package problem

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
	Order  int // of the file among those that a scenario is made of: what it extends comes first
}

// String is "file:line", "file" or "".
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Compare orders places: by file, those of extended scenarios first, then by line and column.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Order, q.Order), cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
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

// List collects what is wrong, so that an author sees all of it at once.
type List struct {
	Places Places // of fields that do not know their own
	list   []*Problem
}

// Places are where fields stand, by file and field.
type Places map[string]Position

// Place notes where a field of a file stands.
func (l *List) Place(at Position, field string) {
	if l.Places == nil {
		l.Places = Places{}
	}
	l.Places[at.File+" "+field] = at
}

// Empty is true when nothing is wrong so far.
func (l *List) Empty() bool { return len(l.list) == 0 }

// Add notes a problem. Where the field's own place is known better than at, that is shown.
func (l *List) Add(at Position, field, value, format string, args ...any) {
	if own, ok := l.Places[at.File+" "+field]; ok {
		at = own
	}
	l.list = append(l.list, &Problem{At: at, Field: field, Value: value, Message: fmt.Sprintf(format, args...)})
}

// Wrap adds err under the given place; a *Problem within err keeps its own place.
func (l *List) Wrap(at Position, field, value string, err error) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			l.Wrap(at, field, value, one)
		}
		return
	}
	var p *Problem
	if errors.As(err, &p) {
		l.list = append(l.list, p)
		return
	}
	l.Add(at, field, value, "%v", err)
}

// Err is nil, or all problems in the order of their places, one a line.
func (l *List) Err() error {
	if len(l.list) == 0 {
		return nil
	}
	slices.SortStableFunc(l.list, func(a, b *Problem) int { return a.At.Compare(b.At) })
	errs := make([]error, len(l.list))
	for i, p := range l.list {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// longestName is the longest text that is compared with known names, bytes.
const longestName = 200

// Nearest names which of the known names the author may have meant: `did you mean "get"?`, or
// all of them when none is near.
func Nearest(name string, known []string) string {
	if len(known) == 0 {
		return "there are none"
	}
	if len(name) > longestName {
		return "known: " + strings.Join(known, ", ")
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

// Join makes the dotted name of a field within another; outer may be "".
func Join(outer, name string) string {
	if outer == "" {
		return name
	}
	return outer + "." + name
}
