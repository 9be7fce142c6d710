package twin

import (
	"testing"
	"time"
)

// capturesOf makes a capture of frames a millisecond apart, each "FLOW PART".
func capturesOf(parts ...string) capture {
	c := capture{host: "client", iface: "eth0"}
	for i, p := range parts {
		c.frames = append(c.frames, frame{number: uint64(i + 1), time: int64(i) * 1e6, data: []byte(p), flow: "out", part: p, ack: p == "ack"})
	}
	return c
}

func TestWhereTwinsPart(t *testing.T) {
	later := capturesOf("syn", "data 0", "data 1")
	later.frames[2].time += 5
	other := capturesOf("syn", "data 0")
	other.frames[1].data = []byte("data X")
	for _, c := range []struct {
		name             string
		a, b             capture
		exact            bool
		numberA, numberB uint64
		reason           string // "" for no difference
	}{
		{"same", capturesOf("syn", "data 0"), capturesOf("syn", "data 0"), true, 0, 0, ""},
		{"later", capturesOf("syn", "data 0", "data 1"), later, true, 3, 3, "it comes 5ns later in the second run"},
		{"earlier", later, capturesOf("syn", "data 0", "data 1"), true, 3, 3, "it comes 5ns earlier in the second run"},
		{"other bytes", capturesOf("syn", "data 0"), other, true, 2, 2, "byte 5 differs"},
		{"ends", capturesOf("syn", "data 0"), capturesOf("syn"), true, 2, 0, "it is missing in the other run"},
		{"time is no structure", capturesOf("syn", "data 0", "data 1"), later, false, 0, 0, ""},
		{"acknowledgements are no structure", capturesOf("syn", "ack", "data 0"), capturesOf("syn", "data 0", "ack", "ack"), false, 0, 0, ""},
		{"lost", capturesOf("syn", "data 0", "data 1", "data 2"), capturesOf("syn", "data 0", "data 2", "data 1"), false, 3, 3, "the second run has another part of the conversation here: data 2"},
		{"again", capturesOf("syn", "data 0"), capturesOf("syn", "data 0", "data 0"), false, 0, 3, "it is missing in the first run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := (&comparison{a: c.a, b: c.b, exact: c.exact}).divergence()
			if c.reason == "" {
				if d != nil {
					t.Errorf("they part: %+v", d)
				}
				return
			}
			if d == nil || d.NumberA != c.numberA || d.NumberB != c.numberB || d.Reason != c.reason {
				t.Errorf("got %+v, want frames %d and %d: %s", d, c.numberA, c.numberB, c.reason)
			}
		})
	}
}

// Of several differences that which both runs reach first counts: what comes after a long wait in the
// second run is a consequence, however early it came in the first.
func TestTheFirstDifferenceIsThatReachedFirst(t *testing.T) {
	wait := &Divergence{NumberB: 2, AfterB: time.Second}
	consequence := &Divergence{NumberA: 5, AfterA: 200 * time.Millisecond, NumberB: 9, AfterB: 6 * time.Second}
	if !wait.before(consequence) || consequence.before(wait) || !wait.before(nil) || (*Divergence)(nil).before(wait) {
		t.Error("wrong order")
	}
}
