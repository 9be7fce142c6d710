package truth

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"detgen/packet"
)

// data makes a segment with payload from host 0 to host 1, the n-th of many.
func data(n int) []byte {
	return tcp(segmentOf{from: 0, to: 1, srcPort: 40000, dstPort: 80, seq: 1000 + 100*uint32(n), ack: 1, flags: packet.ACK,
		payload: strings.Repeat("x", 100), id: uint16(n)})
}

func TestFates(t *testing.T) {
	for _, c := range []struct {
		name  string
		hosts []string
		act   func(s *script)
		want  map[int][]string // by host
	}{
		{"delivered", []string{"a", "b"}, func(s *script) { s.pass(0, 1, 0, 50, data(1)) },
			map[int][]string{0: {"sent delivered"}, 1: {"received delivered"}}},
		{"lost", []string{"a", "b"}, func(s *script) { s.at(0, 0, data(1)) },
			map[int][]string{0: {"sent lost"}}},
		{"damaged", []string{"a", "b"}, func(s *script) { s.at(0, 0, data(1)); s.at(1, 50, flip(data(1), 500)) },
			map[int][]string{0: {"sent corrupted"}, 1: {"received corrupted"}}},
		{"duplicated", []string{"a", "b"}, func(s *script) { s.pass(0, 1, 0, 50, data(1)); s.at(1, 70, data(1)) },
			map[int][]string{0: {"sent delivered"}, 1: {"received delivered", "received duplicate"}}},
		{"a damaged copy before a good one", []string{"a", "b"}, func(s *script) {
			s.at(0, 0, data(1))
			s.at(1, 50, flip(data(1), 200))
			s.at(1, 60, data(1))
		}, map[int][]string{0: {"sent delivered"}, 1: {"received corrupted", "received duplicate"}}},
		{"nobody sent it", []string{"a", "b"}, func(s *script) { s.pass(0, 1, 0, 50, data(1)); s.at(1, 60, data(2)) },
			map[int][]string{0: {"sent delivered"}, 1: {"received delivered", "received unsent"}}},
		{"received before it was sent", []string{"a", "b"}, func(s *script) { s.at(1, 0, data(1)); s.at(0, 50, data(1)) },
			map[int][]string{0: {"sent lost"}, 1: {"received unsent"}}},
		{"broadcast", []string{"a", "b", "c"}, func(s *script) { s.pass(0, 1, 0, 50, arp(0, 1)); s.at(2, 55, arp(0, 1)) },
			map[int][]string{0: {"sent delivered"}, 1: {"received delivered"}, 2: {"received delivered"}}},
		{"broadcast that one host missed", []string{"a", "b", "c"}, func(s *script) { s.pass(0, 1, 0, 50, arp(0, 1)) },
			map[int][]string{0: {"sent partial"}, 1: {"received delivered"}, 2: nil}},
		{"damaged address, flooded to the wrong host too", []string{"a", "b", "c"}, func(s *script) {
			s.at(0, 0, data(1))
			s.at(1, 50, flip(data(1), 17))
			s.at(2, 50, flip(data(1), 17))
		}, map[int][]string{0: {"sent corrupted"}, 1: {"received corrupted"}, 2: {"received corrupted"}}},
		{"damaged source address", []string{"a", "b"}, func(s *script) { s.at(0, 0, data(1)); s.at(1, 50, flip(data(1), 50)) },
			map[int][]string{0: {"sent corrupted"}, 1: {"received corrupted"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, c.hosts...)
			c.act(s)
			truth := s.read()
			for host, want := range c.want {
				if got := fates(truth, host); !slices.Equal(got, want) {
					t.Errorf("host %d: %q, want %q", host, got, want)
				}
			}
		})
	}
}

// Every single flipped bit of a frame must be found among many frames of the same kind.
func TestEveryBitOfAFrameCanBeDamaged(t *testing.T) {
	s := newScript(t, "a", "b")
	n := len(data(0)) * 8
	for i := range n {
		s.at(0, float64(i), data(i))
		s.at(1, float64(i)+50, flip(data(i), i))
	}
	truth := s.read()
	for i := range n {
		f := &truth.Captures[1].Frames[i]
		if f.Peer != NewRef(0, i) {
			t.Errorf("bit %d: paired with %v", i, f.Peer)
		}
		if got := truth.Damage(NewRef(1, i)); !slices.Equal(got, []int32{int32(i)}) {
			t.Errorf("bit %d: damage %v", i, got)
		}
	}
}

func TestTwoBitsCanBeDamaged(t *testing.T) {
	s := newScript(t, "a", "b")
	random := rand.New(rand.NewPCG(1, 2))
	var want [][]int32
	for i := range 2000 {
		x, y := random.IntN(len(data(0))*8), random.IntN(len(data(0))*8)
		if x == y {
			y ^= 1
		}
		s.at(0, float64(i), data(i))
		s.at(1, float64(i)+50, flip(data(i), x, y))
		want = append(want, []int32{int32(min(x, y)), int32(max(x, y))})
	}
	truth := s.read()
	for i := range want {
		if f := &truth.Captures[1].Frames[i]; f.Peer != NewRef(0, i) || !slices.Equal(truth.Damage(NewRef(1, i)), want[i]) {
			t.Errorf("frame %d: paired with %v, damage %v; want %v", i, f.Peer, truth.Damage(NewRef(1, i)), want[i])
		}
	}
}

// Frames that are equal byte for byte are told apart by what the others say about delays.
func TestEqualFramesAreToldApartByTheirDelays(t *testing.T) {
	for _, c := range []struct {
		name string
		lost []int // of ten, sent every 100 us, with 30 us of delay
	}{
		{"none", nil}, {"the first", []int{0}}, {"the last", []int{9}}, {"some", []int{2, 3, 7}}, {"all but one", []int{0, 1, 2, 3, 5, 6, 7, 8, 9}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, "a", "b")
			same := udp(0, 1, 500, 500, 0, "beat")
			for i := range 40 {
				s.pass(0, 1, float64(10*i), 30, data(i))
			}
			for i := range 10 {
				s.at(0, float64(100*i), same)
				if !slices.Contains(c.lost, i) {
					s.at(1, float64(100*i)+30+float64(i%3), same)
				}
			}
			truth := s.read()
			n := 0
			for i := range truth.Captures[0].Frames {
				f := &truth.Captures[0].Frames[i]
				if f.Protocol != packet.ProtocolUDP {
					continue
				}
				want := Delivered
				if slices.Contains(c.lost, n) {
					want = Lost
				}
				if f.Fate != want {
					t.Errorf("beat %d: %v, want %v", n, f.Fate, want)
				}
				n++
			}
		})
	}
}

func TestOvertaken(t *testing.T) {
	s := newScript(t, "a", "b")
	for i, delay := range []float64{50, 500, 50, 50, 120, 50} { // sent every 10 us
		s.pass(0, 1, float64(10*i), delay, data(i))
	}
	s.at(1, 700, data(5)) // a copy of the last, which is overtaken by nobody
	truth := s.read()
	var got []int32
	for i := range truth.Captures[0].Frames {
		got = append(got, truth.Captures[0].Frames[i].Overtaken)
	}
	if want := []int32{0, 4, 0, 0, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("overtaken by %v, want %v", got, want)
	}
}

func TestDelay(t *testing.T) {
	s := newScript(t, "a", "b")
	s.pass(0, 1, 0, 12.345, data(1))
	s.at(0, 5, data(2))
	truth := s.read()
	for _, r := range []Ref{NewRef(0, 0), NewRef(1, 0)} {
		if d, ok := truth.Delay(r); d != 12345 || !ok {
			t.Errorf("delay %d, %v; want 12345", d, ok)
		}
	}
	if _, ok := truth.Delay(NewRef(0, 1)); ok {
		t.Error("a lost frame has a delay")
	}
}

// A huge number of equal frames is paired too, without trying all combinations.
func TestFloodOfEqualFrames(t *testing.T) {
	s := newScript(t, "a", "b")
	same := udp(0, 1, 500, 500, 0, "flood")
	for i := range 20000 {
		s.at(0, float64(i), same)
		if i%10 != 5 {
			s.at(1, float64(i)+0.4, same)
		}
	}
	s.pass(0, 1, 30000, 0.4, data(0))
	truth := s.read()
	if got := truth.Summary().Lost; got < 1990 || got > 2010 {
		t.Errorf("%d frames lost, want 2000", got)
	}
}
