package packet

import (
	"math/rand/v2"
	"testing"
)

// TestSequenceAgainstSet compares with a plain set of numbers, across the wrap at 2^32.
func TestSequenceAgainstSet(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		origin := random.Uint32()
		if random.IntN(2) == 0 {
			origin = uint32(random.IntN(200)) - 100
		}
		var q sequence
		set := map[uint32]bool{}
		for step := range 60 {
			at, length := origin+uint32(random.IntN(300)), uint32(random.IntN(40))
			flags := TCPFlags(0)
			if random.IntN(10) == 0 {
				flags = []TCPFlags{SYN, FIN, SYN | FIN, RST}[random.IntN(4)]
			}
			n := length
			for _, flag := range []TCPFlags{SYN, FIN} {
				if flags&flag != 0 {
					n++
				}
			}
			if flags == RST {
				n = 0
			}
			there := uint32(0)
			for i := range n {
				if set[at+i] {
					there++
				}
				set[at+i] = true
			}
			want := SeenPart
			switch {
			case n == 0:
				want = SeenEmpty
			case there == 0:
				want = SeenNone
			case there == n:
				want = SeenAll
			}
			if got := q.add(at, flags, length); got != want {
				t.Fatalf("step %d: %d numbers at %d after the origin %d: %q, want %q", step, n, at-origin, origin, got, want)
			}
			for i := range q.lower {
				next := q.low
				if i+1 < len(q.lower) {
					next = q.lower[i+1].low
				}
				if q.lower[i].low >= q.lower[i].high || q.lower[i].high >= next {
					t.Fatalf("step %d: ranges %v and %d to %d are not apart", step, q.lower, q.low, q.high)
				}
			}
		}
	}
}

// TestSequenceIsBounded leaves more gaps than are remembered.
func TestSequenceIsBounded(t *testing.T) {
	var q sequence
	const gaps = 10_000
	for i := range uint32(gaps) {
		if got := q.add(i*10, 0, 5); got != SeenNone {
			t.Fatalf("segment %d: %q", i, got)
		}
	}
	if len(q.lower) >= maxRanges {
		t.Errorf("%d ranges are remembered", len(q.lower))
	}
	if got := q.add((gaps-3)*10+5, 0, 5); got != SeenNone {
		t.Errorf("a late gap: %q", got)
	}
	if got := q.add(5, 0, 5); got != SeenAll {
		t.Errorf("a gap that was given up: %q", got)
	}
}

// TestSequenceBeyond4GiB goes on for longer than the numbers last.
func TestSequenceBeyond4GiB(t *testing.T) {
	var q sequence
	const length = 1 << 20
	for i := range uint32(3 << 12) {
		if got := q.add(i*length, ACK, length); got != SeenNone {
			t.Fatalf("after %d MiB: %q", i, got)
		}
	}
	if got := q.add(^uint32(length-1), ACK, length); got != SeenAll {
		t.Errorf("the last one again: %q", got)
	}
}
