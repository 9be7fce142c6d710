package progress

import (
	"bufio"
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
