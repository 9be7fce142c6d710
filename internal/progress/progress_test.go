package progress

import (
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
		l := New(Output{&out, mode})
		l.Show("client: boots")
		l.Left("runs", 3, 9, 2*time.Second)
		l.Clear()
		if out.String() != want {
			t.Errorf("mode %d: got %q, want %q", mode, out.String(), want)
		}
	}
}

// TestTerminal makes sure that a terminal has one line, which goes away.
func TestTerminal(t *testing.T) {
	var out strings.Builder
	l := New(&out)
	l.terminal = true
	l.Show("one")
	l.Show("two")
	l.Clear()
	l.Clear()
	if want := "\r\x1b[Kone\r\x1b[Ktwo\r\x1b[K"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
