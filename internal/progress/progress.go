// Package progress tells people what a command that takes its time is doing: one line at the bottom of a terminal, a plain
// line now and then where the output is a file, JSON events for programs, nothing when it is told to be quiet.
package progress

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
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

	lines *atomic.Int32 // that say something now; nil: they are not counted
}

// NewOutput gives an output whose lines are counted, so that Beat knows when none says anything.
func NewOutput(w io.Writer, mode Mode) Output { return Output{w, mode, new(atomic.Int32)} }

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

func (l *Line) beat(what string, ticker *time.Ticker, lines *atomic.Int32) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer ticker.Stop()
		for {
			select {
			case <-end:
				if lines == nil || lines.Load() == 0 {
					l.Clear()
				}
				return
			case <-ticker.C:
				if lines == nil || lines.Load() == 0 {
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
	lines    *atomic.Int32
	says     bool // it is one of them
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
	if l.first == 0 && done > 0 {
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
	if !l.says && l.lines != nil {
		l.says = true
		l.lines.Add(1)
	}
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
	if l.says {
		l.says = false
		l.lines.Add(-1)
	}
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
