// Package progress tells people what a command that takes its time is doing: one line at the bottom of a terminal, a plain
// line now and then where the output is a file, JSON events for programs, nothing when it is told to be quiet.
package progress

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"detgen/internal/plain"

	"golang.org/x/term"
)

// Mode is how progress is shown.
type Mode int

// The modes.
const (
	Auto  Mode = iota // by what the output is
	Quiet             // not at all
	JSON              // an object a line
)

// Output is an output that says how progress is shown on it. Everything else is written as plain text.
type Output struct {
	To   io.Writer
	Mode Mode

	lines *lines // that say something now; nil: they are not known
}

// NewOutput gives an output that knows its lines: Beat sees when none says anything, and Clear takes them away.
func NewOutput(w io.Writer, mode Mode) Output { return Output{w, mode, &lines{say: map[*Line]bool{}}} }

// Clear takes all lines of the output away, so that something else can be printed.
func (o Output) Clear() {
	for _, l := range o.lines.list() {
		l.Clear()
	}
}

// lines are those of an output that say something now.
type lines struct {
	mu  sync.Mutex
	say map[*Line]bool
}

// note keeps whether a line says something.
func (s *lines) note(l *Line, says bool) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if says {
		s.say[l] = true
	} else {
		delete(s.say, l)
	}
}

// list gives the lines that say something.
func (s *lines) list() []*Line {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.say))
}

// Beat says what is going on, and for how long, while no line says more: once a second on a terminal, else every ten. It begins
// after a second. The function that it gives ends it; it may be called again.
func (o Output) Beat(what string) (stop func()) {
	l := New(Output{o.To, o.Mode, nil})
	if l.mode == Quiet {
		return func() {}
	}
	gap := every
	if l.terminal && l.mode != JSON {
		gap = time.Second
	}
	return l.beat(what, time.NewTicker(gap), o.lines)
}

func (l *Line) beat(what string, ticker *time.Ticker, others *lines) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer ticker.Stop()
		for {
			select {
			case <-end:
				if len(others.list()) == 0 {
					l.Clear()
				}
				return
			case <-ticker.C:
				if len(others.list()) == 0 {
					l.Show(fmt.Sprintf("%s: %s so far", what, l.now().Sub(l.begun).Round(time.Second)))
				}
			}
		}
	}()
	return sync.OnceFunc(func() { close(end); <-ended })
}

func (o Output) Write(b []byte) (int, error) { return plain.Writer(o.To).Write(b) }

// every is the time between two plain lines.
const every = 10 * time.Second

// Line is the progress of one command. It may be used by several goroutines.
type Line struct {
	mu       sync.Mutex
	out      io.Writer
	mode     Mode
	terminal bool
	text     string    // on the terminal now
	next     time.Time // when a plain line may be written
	now      func() time.Time
	begun    time.Time
	first    int // items that were done when counting began
	lines    *lines
}

// New gives the line of an output.
func New(out io.Writer) *Line {
	l := &Line{out: out, now: time.Now}
	if o, ok := out.(Output); ok {
		l.out, l.mode, l.lines = o.To, o.Mode, o.lines
	}
	if f, ok := l.out.(*os.File); ok {
		l.terminal = term.IsTerminal(int(f.Fd()))
	}
	l.begun = l.now()
	l.next = l.begun.Add(every)
	return l
}

// Event is a line of the mode JSON.
type Event struct {
	What    string  `json:"progress"`
	Done    int     `json:"done,omitempty"`
	All     int     `json:"all,omitempty"`
	Seconds float64 `json:"seconds_left,omitempty"`
}

// Show says what is going on.
func (l *Line) Show(text string) { l.put(text, Event{What: text}) }

// Count says how many of how many are done. The rate and the time that is left are those since the first call.
func (l *Line) Count(what string, done, all int) {
	l.mu.Lock()
	switch {
	case done == 0:
		l.first = 0 // counting begins, perhaps again
	case l.first == 0:
		l.first, l.begun = done, l.now()
	}
	var left time.Duration
	if made, passed := done-l.first, l.now().Sub(l.begun); made > 0 {
		left = passed / time.Duration(made) * time.Duration(all-done)
	}
	l.mu.Unlock()
	l.Left(what, done, all, left)
}

// Left is Count by a pace that is known.
func (l *Line) Left(what string, done, all int, left time.Duration) {
	text := fmt.Sprintf("%d of %d %s", done, all, what)
	if left > 0 {
		text += fmt.Sprintf(", %.2g a second, %s left", float64(all-done)/left.Seconds(), Round(left))
	}
	l.put(text, Event{What: what, Done: done, All: all, Seconds: left.Seconds()})
}

func (l *Line) put(text string, event Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines.note(l, true)
	text = plain.Text(text)
	switch {
	case l.mode == Quiet:
	case l.mode == JSON:
		if b, err := json.Marshal(event); err == nil {
			fmt.Fprintf(plain.JSON(l.out), "%s\n", b)
		}
	case l.terminal:
		l.text = text
		fmt.Fprintf(l.out, "\r\x1b[K%s", text)
	case !l.now().Before(l.next):
		l.next = l.now().Add(every)
		fmt.Fprintln(l.out, text)
	}
}

// Clear takes the line away, so that something else can be printed.
func (l *Line) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines.note(l, false)
	if l.text != "" {
		fmt.Fprint(l.out, "\r\x1b[K")
		l.text = ""
	}
}

// Round rounds a time to what a reader wants to know of it.
func Round(d time.Duration) time.Duration {
	if d > time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(100 * time.Millisecond)
}
