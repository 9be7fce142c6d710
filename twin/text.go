package twin

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// WriteText tells in a few lines what a twin showed. where is how the reader knows the two runs.
func (r *Report) WriteText(out io.Writer, where string) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s  seed %d  %s\n", r.A.Task, r.A.Seed, where)
	for _, d := range r.Differ {
		fmt.Fprintf(&text, "  %s: a %s, b %s\n", d.Name, OrNotSet(d.A), OrNotSet(d.B))
	}
	for _, c := range r.Captures {
		fmt.Fprintf(&text, "  %-10s %d and %d frames; %d from the start are the same in bytes and time, %d in bytes; %d have a counterpart, %d only in a, %d only in b\n",
			c.Host, c.FramesA, c.FramesB, c.Equal, c.SameBytes, c.Paired, c.OnlyA, c.OnlyB)
	}
	if r.First == nil {
		fmt.Fprintln(&text, "  the captures do not part")
	} else {
		r.writeFirst(&text)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func (r *Report) writeFirst(text *strings.Builder) {
	f := r.First
	var where []string
	for _, n := range []struct {
		name   string
		number uint64
	}{{"a", f.NumberA}, {"b", f.NumberB}} {
		if n.number > 0 {
			where = append(where, fmt.Sprintf("frame %d of %s", n.number, n.name))
		}
	}
	fmt.Fprintf(text, "  first part at %s, %s after the task's start: %s (%s)\n    %s\n", f.Host, f.After(), f.What, strings.Join(where, ", "), f.Reason)
	if c := r.Cause; c != nil {
		fmt.Fprintf(text, "    cause: frame %d of %s in %s: %s: %s\n", c.Number, c.Host, c.Run, c.What, c.Did)
	}
}

// OrNotSet gives the value of a factor as text shows it.
func OrNotSet(value string) string { return cmp.Or(value, "not set") }
