package link

import (
	"testing"
	"time"
)

// play sends frames into a managed queue at one rate and takes them out at another, for some time, and gives when each
// frame was lost, the waits of those that left, and how many were left in the queue.
func play(in, out, during time.Duration) (lost []time.Duration, waits []time.Duration, left int) {
	q := &codel{}
	var now, wire int64 // wire is when the frame on it has left
	for at := int64(0); at < int64(during); at += int64(in) {
		for wire <= at {
			now = wire
			f := q.next(now, func(*frame) { lost = append(lost, time.Duration(now)) })
			if f == nil {
				wire = at
				break
			}
			waits = append(waits, time.Duration(now-f.entered))
			wire += int64(out)
		}
		q.add(&frame{data: make([]byte, 1514)}, at)
	}
	return lost, waits, len(q.frames)
}

func TestCoDelLosesFramesThatWaitTooLong(t *testing.T) {
	// As fast as it leaves: nothing waits, nothing is lost.
	if lost, _, _ := play(time.Millisecond, time.Millisecond, 10*time.Second); len(lost) > 0 {
		t.Errorf("%d frames lost without a queue", len(lost))
	}
	// Twice as fast: the wait is too long after 10 ms, and has been for an interval after 110 ms.
	lost, _, _ := play(time.Millisecond, 2*time.Millisecond, time.Second)
	if len(lost) < 3 {
		t.Fatalf("%d frames lost", len(lost))
	}
	if lost[0] < 105*time.Millisecond || lost[0] > 120*time.Millisecond {
		t.Errorf("the first frame is lost after %v", lost[0])
	}
	// Then every interval / sqrt(count) (RFC 8289, section 5.5); a frame leaves each 2 ms.
	for i, want := range []time.Duration{100 * time.Millisecond, 70710 * time.Microsecond, 57735 * time.Microsecond} {
		if got := lost[i+1] - lost[i]; got < want-3*time.Millisecond || got > want+3*time.Millisecond {
			t.Errorf("loss %d comes %v after the one before it, want %v", i+2, got, want)
		}
	}
	// A queue of one frame never loses, however slow it is.
	if lost, _, _ := play(50*time.Millisecond, 40*time.Millisecond, 10*time.Second); len(lost) > 0 {
		t.Errorf("%d frames lost from a queue of one", len(lost))
	}
}

func TestCoDelStopsWhenTheWaitIsShort(t *testing.T) {
	q := &codel{}
	lost := 0
	lose := func(*frame) { lost++ }
	for i := range 300 { // at once: the last ones wait for 300 ms
		q.add(&frame{data: make([]byte, 1514)}, int64(i))
	}
	now := int64(0)
	for q.next(now, lose) != nil {
		now += 1e6
	}
	if lost == 0 || q.dropping || q.bytes != 0 {
		t.Fatalf("%d lost, dropping %v, %d bytes left", lost, q.dropping, q.bytes)
	}
	before := lost
	for range 300 {
		now += 1e6
		q.add(&frame{data: make([]byte, 1514)}, now)
		if q.next(now, lose) == nil {
			t.Fatal("a frame that did not wait does not leave")
		}
	}
	if lost != before {
		t.Errorf("%d frames lost that did not wait", lost-before)
	}
}

// Where dropping begins again soon after it ended, it goes on at the pace that it had; later it begins slowly (RFC 8289,
// section 5.5).
func TestCoDelBeginsAgain(t *testing.T) {
	for since, want := range map[time.Duration]uint32{time.Second: 7, 2 * time.Second: 1} {
		now := int64(10 * time.Second)
		q := &codel{count: 10, lastCount: 3, firstAbove: 1, dropNext: now - int64(since)}
		for range 5 {
			q.add(&frame{data: make([]byte, 1514)}, 0)
		}
		lost := 0
		if q.next(now, func(*frame) { lost++ }); lost != 1 || !q.dropping || q.count != want || q.dropNext != q.law(now) {
			t.Errorf("%v after the last time: %d lost, count %d, want 1 and %d", since, lost, q.count, want)
		}
	}
}
