package correct

import (
	"slices"
	"testing"

	"detgen/model/items"
	"detgen/packet"
)

// lossy is a request and an answer of four segments, the second of which is lost behind the tap: two duplicate
// acknowledgements, the segment again, then the rest. Times are in ms.
func lossy() *items.Trace {
	const tcp = packet.ProtocolTCP
	data := func(ms int64, fromClient bool, seq uint32, n int) items.Packet {
		return items.Packet{Time: ms * 1e6, FromClient: fromClient, Protocol: tcp, Flags: packet.ACK | packet.PSH, Seq: seq, Payload: n, Length: 54 + n, Seen: packet.SeenNone, Ack: 1}
	}
	ack := func(ms int64, n uint32, classes packet.Class) items.Packet {
		return items.Packet{Time: ms * 1e6, FromClient: true, Protocol: tcp, Flags: packet.ACK, Seq: 101, Ack: n, Length: 54, Classes: classes}
	}
	again := data(60, false, 1100, 1000)
	again.Seen, again.Classes = packet.SeenAll, packet.FastRetransmission
	t := &items.Trace{ID: "run/1", Packets: []items.Packet{
		data(0, true, 1, 100),              // 0
		data(20, false, 100, 1000),         // 1
		data(21, false, 1100, 1000),        // 2 lost later
		data(22, false, 2100, 1000),        // 3
		ack(40, 1100, 0),                   // 4
		ack(41, 1100, packet.DuplicateAck), // 5
		data(42, false, 3100, 1000),        // 6 new data in the episode
		ack(43, 1100, packet.DuplicateAck), // 7
		again,                              // 8
		ack(80, 4100, 0),                   // 9 covers all
		data(90, false, 4100, 500),         // 10
		ack(100, 4600, 0),                  // 11
	}}
	for i := range t.Packets {
		t.Packets[i].Number = uint64(i)
	}
	return t
}

func numbers(t *items.Trace) []uint64 {
	var list []uint64
	for _, p := range t.Packets {
		list = append(list, p.Number)
	}
	return list
}

func TestTransforms(t *testing.T) {
	for name, want := range map[string][]uint64{
		"T1": {0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11},
		"T2": {0, 1, 2, 3, 4, 6, 9, 10, 11},
		"T3": {0, 1, 2, 3, 4, 10, 11},
		"T4": {0, 1, 2, 3, 4, 6, 9, 10, 11},
		"T5": {0, 1, 2, 3, 4, 6, 9, 10, 11},
	} {
		transform, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		trace := lossy()
		got := transform.Apply(trace)
		if !slices.Equal(numbers(got), want) {
			t.Errorf("%s leaves packets %v, want %v", name, numbers(got), want)
		}
		if len(trace.Packets) != 12 || trace.Packets[8].Time != 60e6 {
			t.Errorf("%s changed the trace that it was given", name)
		}
		if name == "T5" {
			// 6 came 1 ms after 5, 9 came 20 ms after 8.
			if a, b := got.Packets[5].Time-got.Packets[4].Time, got.Packets[6].Time-got.Packets[5].Time; a != 1e6 || b != 20e6 {
				t.Errorf("T5 leaves gaps of %d and %d ns, want 1 and 20 ms", a, b)
			}
		}
		control := transform.Control(1)(trace)
		if len(control.Packets) != len(want) {
			t.Errorf("the control of %s has %d packets, want %d", name, len(control.Packets), len(want))
		}
		if again := transform.Control(1)(trace); !slices.Equal(numbers(control), numbers(again)) {
			t.Errorf("the control of %s is not the same again", name)
		}
	}
	if _, err := Named("T9"); err == nil {
		t.Error("T9 is taken")
	}
}

// TestReordered puts late segments in order, trims what is partly old and keeps probes.
func TestReordered(t *testing.T) {
	trace := lossy()
	trace.Packets[2], trace.Packets[3] = trace.Packets[3], trace.Packets[2]
	trace.Packets[2].Time, trace.Packets[3].Time = 21e6, 22e6
	trace.Packets[3].Classes = packet.OutOfOrder
	got, _ := Named("T4")
	if out := got.Apply(trace); !slices.Equal(numbers(out)[:4], []uint64{0, 1, 2, 3}) || out.Packets[2].Time != 21e6 {
		t.Errorf("T4 leaves %v", numbers(out))
	}
	part := lossy()
	part.Packets[10].Seq, part.Packets[10].Payload, part.Packets[10].Seen = 3600, 1000, packet.SeenPart
	part.Packets[11].Seen, part.Packets[11].Classes, part.Packets[11].Payload = packet.SeenAll, packet.KeepAlive, 1
	t1, _ := Named("T1")
	out := t1.Apply(part)
	last := out.Packets[len(out.Packets)-2]
	if last.Seq != 4100 || last.Payload != 500 {
		t.Errorf("of bytes 3600 to 4600 those from %d (%d) are left, want 4100 (500)", last.Seq, last.Payload)
	}
	if n := numbers(out); n[len(n)-1] != 11 {
		t.Error("a keep-alive is dropped")
	}
}

// TestEpisodes finds the stretch, and none where nothing is wrong.
func TestEpisodes(t *testing.T) {
	got := Episodes(lossy())
	if want := []Episode{{From: 5, To: 10, Repeated: 1}}; !slices.Equal(got, want) {
		t.Errorf("episodes %+v, want %+v", got, want)
	}
	t1, _ := Named("T2")
	if got := Episodes(t1.Apply(lossy())); len(got) != 0 {
		t.Errorf("episodes %+v of a trace without retransmissions", got)
	}
	cut := lossy()
	cut.Packets = cut.Packets[:9]
	if got := Episodes(cut); len(got) != 1 || got[0].To != 9 {
		t.Errorf("an episode that the trace ends in: %+v", got)
	}
}

// TestAugment adds retransmissions that the transforms take out again.
func TestAugment(t *testing.T) {
	t2, _ := Named("T2")
	clean := t2.Apply(lossy())
	more := Augment(7, 1)(clean)
	if want := len(clean.Packets) + 4*6; len(more.Packets) != want { // 6 segments with payload
		t.Errorf("%d packets, want %d", len(more.Packets), want)
	}
	if !slices.IsSortedFunc(more.Packets, func(a, b items.Packet) int { return int(a.Time - b.Time) }) {
		t.Error("times go backwards")
	}
	if back := t2.Apply(more); !slices.Equal(numbers(back), numbers(clean)) {
		t.Errorf("T2 gives back %v, want %v", numbers(back), numbers(clean))
	}
}
