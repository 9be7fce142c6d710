package link

import (
	"testing"
	"time"
)

func TestASchedulePlaysAnewEachPeriod(t *testing.T) {
	second := func(s int) time.Duration { return time.Duration(s) * time.Second }
	s := schedule{all: []change{{at: 0}, {at: second(3)}}, period: second(10)}
	for _, want := range []time.Duration{0, 3, 10, 13, 20} {
		_, at, ok := s.due()
		if !ok || at != want*time.Second {
			t.Fatalf("next at %v (%v), want %v s", at, ok, int(want))
		}
		s.next++
	}
	// After a long time without a frame, only the present period counts.
	s.skip(second(1_000_004))
	var last time.Duration
	for _, at, _ := s.due(); at <= second(1_000_004); _, at, _ = s.due() {
		last = at
		s.next++
	}
	if last != second(1_000_003) {
		t.Errorf("the change in force is that of %v", last)
	}
	once := schedule{all: []change{{at: second(1)}}}
	once.next++
	if _, _, ok := once.due(); ok {
		t.Error("a schedule without a period begins anew")
	}
}
