package link

import (
	"fmt"
	"hash/crc32"
	"log/slog"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"detgen/record"
)

// bench is a soft switch without devices and without a thread: the test is the clock and
// gives it frames; what reaches a host is in the log.
type bench struct {
	*softSwitch
	t   testing.TB
	now int64
}

// newBench makes hosts h1, h2, ... on one network. The links are those of h1.
func newBench(t testing.TB, seed uint64, hosts int, up, down record.Link) *bench {
	t.Helper()
	sink, err := unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(sink) })
	var ports []Port
	for i := 1; i <= hosts; i++ {
		p := Port{Host: fmt.Sprintf("h%d", i), Interface: "eth0", Network: "lan", MAC: station(i).String(), MTU: 1500}
		if i == 1 {
			p.Up, p.Down = up, down
		}
		ports = append(ports, p)
	}
	s, err := newSoftSwitch(seed, ports, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.ports {
		p.tap = sink
	}
	return &bench{softSwitch: s, t: t, now: 1}
}

// station gives the MAC of host number i.
func station(i int) mac { return mac(0x020000000000 + uint64(i)) }

// testFrame gives a frame of a length from one station to another, with zeros inside.
func testFrame(from, to mac, length int) []byte {
	return append(append(append(to.bytes(), from.bytes()...), 0x88, 0xb5), make([]byte, length-14)...)
}

// send gives a frame to the switch at the current time.
func (b *bench) send(host int, data []byte) {
	f := b.pool.get()
	f.data = f.data[:copy(f.data, data)]
	b.enter(b.ports[host-1].up, f, b.now)
}

// until lets frames leave until a time, each when it is due.
func (b *bench) until(t int64) {
	for b.next <= t {
		b.now = max(b.now, b.next)
		b.releaseDue(b.now)
	}
	b.now = t
}

// finish lets all frames leave.
func (b *bench) finish() {
	for b.next != never {
		b.until(b.next)
	}
}

// on gives the events of one line in the log.
func (b *bench) on(host int, up bool) []record.LinkEvent {
	l := b.ports[host-1].down
	if up {
		l = b.ports[host-1].up
	}
	return slices.DeleteFunc(b.events.all(), func(e record.LinkEvent) bool { return e.Line != l.index })
}

// arrived gives the up line's numbers of the frames that reached a host, in the order of
// their arrival.
func (b *bench) arrived(host int) []int {
	events := slices.DeleteFunc(b.on(host, false), func(e record.LinkEvent) bool { return e.Fate != record.Passed })
	slices.SortStableFunc(events, func(a, b record.LinkEvent) int { return int(a.Out - b.Out) })
	var numbers []int
	for _, e := range events {
		numbers = append(numbers, int(e.Origin))
	}
	return numbers
}

func ms(n float64) record.Duration { return record.Duration(n * float64(time.Millisecond)) }

func TestLineDelaysAddUp(t *testing.T) {
	b := newBench(t, 1, 2, record.Link{Delay: ms(20)}, record.Link{Delay: ms(30)})
	start := b.now
	b.send(1, testFrame(station(1), station(2), 100))
	b.send(2, testFrame(station(2), station(1), 100))
	b.finish()
	if out := b.on(2, false)[0].Due - start; out != int64(ms(20)) {
		t.Errorf("from h1 after %v, want 20ms", time.Duration(out))
	}
	if out := b.on(1, false)[0].Due - start; out != int64(ms(30)) {
		t.Errorf("to h1 after %v, want 30ms", time.Duration(out))
	}
}

// Lateness of the driver on one line is made up for on the next.
func TestLineLatenessDoesNotAddUp(t *testing.T) {
	b := newBench(t, 1, 2, record.Link{Delay: ms(20)}, record.Link{})
	b.ports[1].down.model.latency, b.ports[1].down.plain = int64(ms(30)), false
	start := b.now
	b.send(1, testFrame(station(1), station(2), 100))
	b.now += int64(ms(21))
	b.releaseDue(b.now)
	b.finish()
	if out := b.on(2, false)[0].Due - start; out != int64(ms(50)) {
		t.Errorf("arrived after %v, want 50ms", time.Duration(out))
	}
}

func TestLineRate(t *testing.T) {
	const rate, length = 8_000_000, 1000 // 1 ms a frame
	b := newBench(t, 1, 2, record.Link{Rate: rate, Limit: frames}, record.Link{})
	start := b.now
	for range 1000 {
		b.send(1, testFrame(station(1), station(2), length))
	}
	b.finish()
	within(t, "time for 1000 frames of 1 ms", float64(b.now-start), float64(time.Second), 0.0001)
}

// A frame that finds the line idle waits only for its own time on the wire.
func TestLineRateIdle(t *testing.T) {
	b := newBench(t, 1, 2, record.Link{Rate: 8_000_000, Delay: ms(5)}, record.Link{})
	for range 10 {
		start := b.now
		b.send(1, testFrame(station(1), station(2), 1000))
		b.finish()
		if got := b.now - start; got != int64(ms(6)) {
			t.Fatalf("took %v, want 6ms", time.Duration(got))
		}
	}
}

// With a rate, the wait for the frames before counts as delay.
func TestLineRateWaitCountsAsDelay(t *testing.T) {
	b := newBench(t, 1, 2, record.Link{Rate: 8_000_000, Delay: ms(5)}, record.Link{})
	start := b.now
	for range 10 {
		b.send(1, testFrame(station(1), station(2), 1000))
	}
	b.finish()
	var got []int64
	for _, e := range b.on(1, true) {
		got = append(got, (e.Due-start)/int64(time.Millisecond))
	}
	if want := []int64{6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; !slices.Equal(got, want) {
		t.Errorf("left after %v ms, want %v", got, want)
	}
}

func TestLineLimit(t *testing.T) {
	b := newBench(t, 1, 2, record.Link{Delay: ms(5), Limit: 10}, record.Link{})
	for range 25 {
		b.send(1, testFrame(station(1), station(2), 100))
	}
	b.finish()
	for i, e := range b.on(1, true) {
		want := record.Passed
		if i >= 10 {
			want = record.LostQueue
		}
		if e.Fate != want || int(e.Queue) != min(i, 10) {
			t.Errorf("frame %d: %v with %d in the queue", i+1, e.Fate, e.Queue)
		}
	}
	if got := b.lines[0].counts.QueueDrops; got != 15 {
		t.Errorf("%d queue drops counted, want 15", got)
	}
	b.send(1, testFrame(station(1), station(2), 100))
	b.finish()
	if n := len(b.arrived(2)); n != 11 {
		t.Errorf("%d frames arrived, want 11", n)
	}
}

func TestLineDefaultLimitIsNetEms(t *testing.T) {
	b := newBench(t, 1, 2, record.Link{Delay: ms(5)}, record.Link{})
	for range 1500 {
		b.send(1, testFrame(station(1), station(2), 100))
	}
	b.finish()
	if n := len(b.arrived(2)); n != 1000 {
		t.Errorf("%d frames arrived, want 1000", n)
	}
}

// overtaken gives how many frames arrived after one that was sent later.
func overtaken(order []int) int {
	n, highest := 0, 0
	for _, k := range order {
		if k < highest {
			n++
		}
		highest = max(highest, k)
	}
	return n
}

func TestLineJitterReorders(t *testing.T) {
	for name, c := range map[string]struct {
		link record.Link
		want bool
	}{
		"jitter":           {record.Link{Delay: ms(10), Jitter: ms(5)}, true},
		"no jitter":        {record.Link{Delay: ms(10)}, false},
		"jitter with rate": {record.Link{Delay: ms(10), Jitter: ms(5), Rate: 1e9}, false},
	} {
		b := newBench(t, 1, 2, c.link, record.Link{})
		for range 200 {
			b.send(1, testFrame(station(1), station(2), 100))
			b.until(b.now + int64(time.Millisecond))
		}
		b.finish()
		order := b.arrived(2)
		if n := overtaken(order); len(order) != 200 || n > 0 != c.want {
			t.Errorf("%s: %d frames arrived, %d overtaken", name, len(order), n)
		}
	}
}

func TestLineReorderLeavesAtOnce(t *testing.T) {
	b := newBench(t, 1, 2, record.Link{Delay: ms(10), Reorder: 1, ReorderGap: 4}, record.Link{})
	for range 8 {
		b.send(1, testFrame(station(1), station(2), 100))
	}
	b.finish()
	if got, want := b.arrived(2), []int{4, 8, 1, 2, 3, 5, 6, 7}; !slices.Equal(got, want) {
		t.Errorf("arrived as %v, want %v", got, want)
	}
	if r := b.lines[0].counts.Reordered; r != 2 {
		t.Errorf("%d reordered counted, want 2", r)
	}
}

func TestLineDuplicates(t *testing.T) {
	b := newBench(t, 1, 2, record.Link{Duplicate: 1}, record.Link{})
	for range 3 {
		b.send(1, testFrame(station(1), station(2), 100))
	}
	b.finish()
	if got, want := b.arrived(2), []int{1, 1, 2, 2, 3, 3}; !slices.Equal(got, want) {
		t.Errorf("arrived as %v, want %v", got, want)
	}
	e := b.on(1, true)
	if len(e) != 6 || e[0].Marks != record.Duplicated || e[1].Marks != record.Copy || e[1].Frame != 1 {
		t.Errorf("logged %+v", e)
	}
}

// The log tells which bit of the frame was flipped.
func TestLineCorruptsOneBit(t *testing.T) {
	b := newBench(t, 1, 2, record.Link{Corrupt: 1}, record.Link{})
	for range 100 {
		data := testFrame(station(1), station(2), 100)
		b.send(1, data)
		up := b.on(1, true)
		e := up[len(up)-1]
		if e.Marks&record.Corrupted == 0 {
			t.Fatalf("not marked: %+v", e)
		}
		if sum := castagnoliOf(data); sum != e.Sum {
			t.Fatalf("sum of the frame before the link is %#x, logged %#x", sum, e.Sum)
		}
		data[e.Bit/8] ^= 1 << (e.Bit % 8)
		all := b.events.all()
		if last := all[len(all)-1]; e.Fate == record.Passed && last.Line != e.Line && last.Sum != castagnoliOf(data) {
			t.Fatalf("the frame behind the link is not the one before it with bit %d flipped", e.Bit)
		}
	}
	if c := b.lines[0].counts.Corrupted; c != 100 {
		t.Errorf("%d corrupted counted, want 100", c)
	}
}

func TestLineScheduleFollowsTheActivity(t *testing.T) {
	b := newBench(t, 1, 2, record.Link{Schedule: []record.LinkChange{
		{At: ms(100), Link: record.Link{Loss: 1}},
		{At: ms(200), Link: record.Link{Delay: ms(5)}},
	}}, record.Link{})
	send := func() record.LinkEvent {
		b.send(1, testFrame(station(1), station(2), 100))
		e := b.on(1, true)
		return e[len(e)-1]
	}
	b.until(int64(ms(500)))
	if e := send(); e.Fate != record.Passed {
		t.Fatalf("before the activity: %v", e.Fate)
	}
	b.started = b.now
	for _, c := range []struct {
		at   float64
		fate record.LineFate
	}{{99, record.Passed}, {100, record.LostRandom}, {199, record.LostRandom}, {200, record.Queued}} {
		b.until(b.started + int64(ms(c.at)))
		if e := send(); e.Fate != c.fate {
			t.Errorf("after %v ms: %v, want %v", c.at, e.Fate, c.fate)
		}
	}
	if got := b.lines[0].link.Delay; got != ms(5) {
		t.Errorf("settings read back have delay %v, want 5ms", got)
	}
}

func TestQueueGivesFramesByTimeThenArrival(t *testing.T) {
	var q timeQueue
	r := newStreams(1, "q").delay
	var want []*frame
	for i := range 1000 {
		f := &frame{due: int64(draw(r) % 50), order: uint64(i)}
		q.push(f)
		want = append(want, f)
	}
	for _, f := range want[:100] {
		f.due = int64(draw(r) % 50)
		q.moved(f)
	}
	slices.SortFunc(want, func(a, b *frame) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	for i, w := range want {
		if f := q.pop(); f != w {
			t.Fatalf("frame %d out: due %d, order %d; want %d, %d", i, f.due, f.order, w.due, w.order)
		}
	}
	if len(q) != 0 {
		t.Errorf("%d frames left", len(q))
	}
}

// Every frame that enters a line has one event, and the counters are those of the events.
func TestLineCountsWhatItLogs(t *testing.T) {
	b := newBench(t, 7, 2, record.Link{Delay: ms(3), Jitter: ms(1), Loss: 0.1, Corrupt: 0.1, Duplicate: 0.1, Reorder: 0.1, Limit: 14}, record.Link{})
	for range 5000 {
		b.send(1, testFrame(station(1), station(2), 200))
		b.until(b.now + int64(200*time.Microsecond))
	}
	b.finish()
	var got record.LinkResult
	for _, e := range b.on(1, true) {
		if e.Marks&record.Copy == 0 {
			got.Frames++
		} else {
			got.Duplicated++
		}
		if e.Marks&record.Corrupted != 0 {
			got.Corrupted++
		}
		if e.Marks&record.Overtook != 0 {
			got.Reordered++
		}
		switch e.Fate {
		case record.LostRandom:
			got.Lost++
		case record.LostQueue:
			got.QueueDrops++
		case record.Queued:
			t.Errorf("still queued: %+v", e)
		}
	}
	want := b.lines[0].counts
	want.ReadBack, want.Host, want.Interface, want.Direction = got.ReadBack, "", "", ""
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("events say %+v, counters %+v", got, want)
	}
	if got.Lost == 0 || got.QueueDrops == 0 || got.Corrupted == 0 || got.Reordered == 0 || got.Duplicated == 0 {
		t.Errorf("some impairment did not happen: %+v", got)
	}
}

func castagnoliOf(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// Late as it may be, the driver lets frames leave in the order in which they were due, and the
// log's times tell that order.
func TestLateFramesKeepTheirOrder(t *testing.T) {
	b := newBench(t, 1, 3, record.Link{Delay: ms(10)}, record.Link{})
	for range 5 {
		b.send(1, testFrame(station(1), station(3), 100))
		b.now += int64(time.Millisecond)
	}
	b.ports[1].up.model.latency, b.ports[1].up.plain = int64(ms(8)), false
	for range 5 {
		b.send(2, testFrame(station(2), station(3), 100))
		b.now += int64(time.Millisecond)
	}
	b.now += int64(time.Second)
	b.releaseDue(b.now)
	events := b.on(3, false)
	if len(events) != 10 || events[9].Frame != 10 {
		t.Fatalf("%d frames arrived", len(events))
	}
	for i, e := range events[1:] {
		if e.Due < events[i].Due || e.Out <= events[i].Out {
			t.Errorf("frame %d was due %d and left %d, the one before %d and %d", i+2, e.Due, e.Out, events[i].Due, events[i].Out)
		}
	}
}

// The line of one of two twins does what its own settings say, as if it were alone.
func TestLineOfATwinFollowsItsOwnSettings(t *testing.T) {
	settings := [2]record.Link{{Delay: ms(1)}, {Delay: ms(1), Loss: 0.3, Corrupt: 0.2, Duplicate: 0.2}}
	verdicts := func(p Port) (list []verdict) {
		t.Helper()
		l, err := newLine(5, p, p.directions()[0])
		if err != nil {
			t.Fatal(err)
		}
		for n := range uint64(300) {
			for i, d := range l.deciders {
				if v := d.decide(make([]byte, 100), n+1, 0); i == l.own {
					list = append(list, v)
				}
			}
		}
		return list
	}
	for i, side := range []string{record.TwinA, record.TwinB} {
		alone := verdicts(Port{Host: "client", Interface: "eth0", Up: settings[i]})
		twin := verdicts(Port{Host: "client", Interface: "eth0", Twin: &record.TwinLinks{Up: settings}, Side: side})
		if !slices.Equal(alone, twin) {
			t.Errorf("twin %s decides otherwise than its settings alone", side)
		}
	}
}
