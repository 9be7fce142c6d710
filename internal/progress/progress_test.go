package progress

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// TestPlain makes sure that where there is no terminal a line comes now and then, with the rate and the time that is left.
func TestPlain(t *testing.T) {
	var out strings.Builder
	l := New(&out)
	now := time.Unix(0, 0)
	l.now = func() time.Time { return now }
	l.begun, l.next = now, now.Add(every)
	for i := range 31 {
		l.Count("runs", i, 100)
		now = now.Add(time.Second)
	}
	l.Clear()
	want := "10 of 100 runs, 1 a second, 1m30s left\n20 of 100 runs, 1 a second, 1m20s left\n30 of 100 runs, 1 a second, 1m10s left\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestModes(t *testing.T) {
	for mode, want := range map[Mode]string{
		Quiet: "", Auto: "",
		JSON: `{"progress":"client: boots"}` + "\n" + `{"progress":"runs","done":3,"all":9,"seconds_left":2}` + "\n",
	} {
		var out strings.Builder
		l := New(NewOutput(&out, mode))
		l.Show("client: boots")
		l.Left("runs", 3, 9, 2*time.Second)
		l.Clear()
		if out.String() != want {
			t.Errorf("mode %d: got %q, want %q", mode, out.String(), want)
		}
	}
}

// TestTerminal makes sure that a terminal has one line, which goes away, and acts on no name in it.
func TestTerminal(t *testing.T) {
	var out strings.Builder
	l := New(&out)
	l.terminal = true
	l.Show("one")
	l.Show("two\x1b[2J")
	l.Clear()
	l.Clear()
	if want := "\r\x1b[Kone\r\x1b[Ktwo" + `\x1b[2J` + "\r\x1b[K"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// TestBeat makes sure that a command that says nothing is said to be at work, and one whose line says something is not.
func TestBeat(t *testing.T) {
	read, write := io.Pipe()
	o := NewOutput(write, JSON)
	tick := make(chan time.Time)
	l := New(Output{write, JSON, nil})
	begun := l.begun
	l.now = func() time.Time { return begun.Add(12 * time.Second) }
	stop := l.beat("probe set", &time.Ticker{C: tick}, o.lines)
	lines := bufio.NewScanner(read)
	said := make(chan string)
	go func() {
		for lines.Scan() {
			said <- lines.Text()
		}
	}()
	tick <- time.Time{}
	if got := <-said; got != `{"progress":"probe set: 12s so far"}` {
		t.Errorf("got %s", got)
	}
	other := New(o)
	go other.Show("runs")
	if got := <-said; got != `{"progress":"runs"}` {
		t.Errorf("got %s", got)
	}
	tick <- time.Time{} // nothing is said
	tick <- time.Time{} // the one before was looked at
	other.Clear()
	tick <- time.Time{}
	if got := <-said; got != `{"progress":"probe set: 12s so far"}` {
		t.Errorf("got %s", got)
	}
	stop()
	stop()
	write.Close()
}

// TestClear makes sure that what is printed takes all lines of an output away, and that they come back with what they say next.
func TestClear(t *testing.T) {
	var out strings.Builder
	o := NewOutput(&out, Auto)
	lines := []*Line{New(o), New(o)}
	for _, l := range lines {
		l.terminal = true
	}
	lines[0].Show("one")
	p := Printer{To: &out, Quiet: o.Clear}
	for range 2 {
		if _, err := p.Write([]byte("result\n")); err != nil || p.Err != nil {
			t.Fatal(err, p.Err)
		}
	}
	lines[1].Show("two")
	o.Clear()
	if want := "\r\x1b[Kone\r\x1b[Kresult\nresult\n\r\x1b[Ktwo\r\x1b[K"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// TestPrinterRemembers makes sure that the first thing that could not be written is known at the end.
func TestPrinterRemembers(t *testing.T) {
	p := Printer{To: failing{errors.New("full")}, Quiet: func() {}}
	p.Write([]byte("result"))
	p.To = failing{errors.New("other")}
	p.Write([]byte("more"))
	if p.Err == nil || p.Err.Error() != "write the output: full" {
		t.Errorf("got %v", p.Err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestCountAgain makes sure that what is counted after something else has a rate of its own.
func TestCountAgain(t *testing.T) {
	var out strings.Builder
	l := New(&out)
	now := time.Unix(0, 0)
	l.now = func() time.Time { return now }
	l.begun, l.next = now, now
	for i := range 4 {
		l.Count("tables", i, 4)
		now = now.Add(20 * time.Second)
	}
	out.Reset()
	for i := range 3 {
		l.Count("others", i, 10)
		now = now.Add(10 * time.Second)
	}
	if want := "0 of 10 others\n1 of 10 others\n2 of 10 others, 0.1 a second, 1m20s left\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
