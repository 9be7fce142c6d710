package link

import (
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"time"

	"detgen/record"
)

// line is one direction of a port: what decides about its frames, and the queue in which they
// wait. All times are ns by the driver's clock.
type line struct {
	*decider // the one that counts
	deciders []*decider
	own      int // which that is

	index   uint16 // in the log
	port    *softPort
	up      bool
	plain   bool // frames pass untouched and at once, for the whole run
	queue   timeQueue
	managed *codel // holds the frames before queue, which has the one on the wire; nil: queue has all
	lastDue int64  // of the frames in the queue, the latest by rate and delay
	arrival uint64
	held    []*frame // in the queue, wait for the next frame to leave before them
	counts  record.LinkResult
}

// decider decides about the frames of a line by one record.Link. The lines of twin runs have one
// for each of the two, and ask both about each frame, so that both runs do the same work.
type decider struct {
	model   *model
	chosen  *interventions
	link    record.Link // in force
	changes schedule
}

// verdict is what is to happen to a frame.
type verdict struct {
	original, second decision
	copied           bool                 // second is about a copy
	chosen           *record.Intervention // nil for none
}

// decide makes the changes that are due at a time after the main activity's start and decides
// about the n-th frame of the line.
func (d *decider) decide(frame []byte, n uint64, since int64) (v verdict) {
	d.followSchedule(since)
	v.original, v.second, v.copied = d.model.next(len(frame))
	v.chosen = d.chosen.choose(frame, n)
	return v
}

// maxLines is what a log's line numbers can tell apart.
const maxLines = math.MaxUint16

// swapPatience is how long a frame that is to be swapped waits for the next one.
const swapPatience = int64(time.Second)

func newLine(seed uint64, p Port, d direction) (*line, error) {
	name := fmt.Sprintf("link/%s/%s/%s", p.Host, p.Interface, d.name)
	n := &line{
		up: d.name == record.Up, own: d.own, plain: true,
		counts: record.LinkResult{Host: p.Host, Interface: p.Interface, Direction: d.name},
	}
	for _, l := range d.both {
		settings, changes, err := compileAll(l)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
		n.deciders = append(n.deciders, &decider{
			model:   newModel(settings, newStreams(seed, name)),
			chosen:  newInterventions(l.Interventions),
			link:    l,
			changes: schedule{all: changes, period: time.Duration(l.Period)},
		})
		n.plain = n.plain && settings.perfect() && len(changes) == 0 && len(l.Interventions) == 0
	}
	n.decider = n.deciders[d.own]
	if n.link.Managed() {
		n.managed = &codel{}
	}
	return n, nil
}

// castagnoli is the polynomial that processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// enter takes a frame into a line at a time. It leaves by s.leave, now or later.
func (s *softSwitch) enter(l *line, f *frame, now int64) {
	l.counts.Frames++
	if l.up {
		f.origin, f.originLine = uint32(l.counts.Frames), l.index
	}
	f.event = s.newEvent(l, f, now)
	if l.plain {
		f.due = now
		f.event.Due = now
		s.leave(l, f, now)
		return
	}
	var verdicts [2]verdict
	for i, d := range l.deciders {
		verdicts[i] = d.decide(f.data, l.counts.Frames, now-s.started)
	}
	v := verdicts[l.own]
	original, chosen := v.original, v.chosen
	if chosen != nil {
		l.counts.Intervened++
		f.event.Marks |= record.Intervened
	}
	f.event.Delay = original.delay
	switch {
	case is(chosen, record.DropFrame):
		s.lose(f, record.LostDropped)
		return
	case original.lost:
		l.counts.Lost++
		s.lose(f, l.model.lossFate())
		return
	case l.waiting() >= int(l.model.limit):
		l.counts.QueueDrops++
		s.lose(f, record.LostQueue)
		return
	}
	if v.copied {
		l.counts.Duplicated++
		s.enterCopy(l, s.copyOf(l, f, now), v.second, now)
	}
	if original.corrupt {
		l.corrupt(f, 8*original.octet+int(original.bit))
	}
	if is(chosen, record.CorruptFrame) {
		l.corrupt(f, ethernetAddresses*8+below(draw(l.model.streams.intervention), 8*(len(f.data)-ethernetAddresses)))
	}
	s.place(l, f, original, chosen, now)
}

// ethernetAddresses is the length of the two addresses that a frame starts with.
const ethernetAddresses = 12

// newEvent starts the log's entry about a frame on a line.
func (s *softSwitch) newEvent(l *line, f *frame, now int64) *record.LinkEvent {
	e := s.events.add()
	e.Line, e.OriginLine = l.index, f.originLine
	e.Frame, e.Origin = uint32(l.counts.Frames), f.origin
	e.In = now
	e.Length = uint32(len(f.data))
	e.Sum = crc32.Checksum(f.data, castagnoli)
	e.Queue = uint32(l.waiting())
	return e
}

// waiting is how many frames the line holds.
func (l *line) waiting() int {
	if l.managed != nil {
		return len(l.queue) + len(l.managed.frames)
	}
	return len(l.queue)
}

// transmit puts the next frame of a managed queue on the wire at a time, if there is one.
func (s *softSwitch) transmit(l *line, at int64) {
	f := l.managed.next(at, func(f *frame) {
		l.counts.QueueDrops++
		f.event.Due = at
		s.lose(f, record.LostManaged)
	})
	if l.managed.busy = f != nil; f != nil {
		s.put(l, f, at+l.model.wireTime(f.wireLength()))
	}
}

// lose ends a frame.
func (s *softSwitch) lose(f *frame, fate record.LineFate) {
	f.event.Fate = fate
	s.pool.put(f)
}

// copyOf makes the copy of a frame that duplication asks for.
func (s *softSwitch) copyOf(l *line, f *frame, now int64) *frame {
	f.event.Marks |= record.Duplicated
	c := s.pool.clone(f)
	c.event = s.newEvent(l, c, now)
	c.event.Marks = record.Copy
	return c
}

// enterCopy is enter for a copy, which the model has decided about with its original.
func (s *softSwitch) enterCopy(l *line, f *frame, d decision, now int64) {
	f.event.Delay = d.delay
	if d.lost {
		l.counts.Lost++
		s.lose(f, l.model.lossFate())
		return
	}
	if d.corrupt {
		l.corrupt(f, 8*d.octet+int(d.bit))
	}
	s.place(l, f, d, nil, now)
}

func (m *model) lossFate() record.LineFate {
	if m.model == randomLoss {
		return record.LostRandom
	}
	return record.LostModel
}

// corrupt flips one bit of a frame. A frame's bits can be flipped twice, by chance and by an
// intervention; the log keeps the second, and none when they are the same.
func (l *line) corrupt(f *frame, bit int) {
	l.counts.Corrupted++
	f.data[bit/8] ^= 1 << (bit % 8)
	f.event.Bit = uint32(bit)
	f.event.Marks |= record.Corrupted
}

// place gives a frame that is not lost its time to leave (the end of netem_enqueue), and
// interventions their say in it.
func (s *softSwitch) place(l *line, f *frame, d decision, chosen *record.Intervention, now int64) {
	if l.managed != nil {
		l.managed.add(f, now)
		if !l.managed.busy {
			s.transmit(l, now)
		}
		s.release(l, now)
		return
	}
	due := now
	if d.ahead {
		l.counts.Reordered++
		f.event.Marks |= record.Overtook
	} else {
		due = l.due(d.delay, f.wireLength(), now)
	}
	var twin *frame
	switch {
	case is(chosen, record.DelayFrame):
		due += int64(chosen.Delay)
	case is(chosen, record.DuplicateFrame):
		l.counts.Duplicated++
		twin = s.copyOf(l, f, now)
		twin.event.Marks |= record.Intervened
		twin.event.Delay = d.delay
	}
	if is(chosen, record.SwapFrame) {
		patience := int64(chosen.Delay)
		if patience == 0 {
			patience = swapPatience
		}
		s.put(l, f, now+max(patience, due-now))
		l.held = append(l.held, f)
		s.release(l, now)
		return
	}
	s.put(l, f, due)
	if twin != nil {
		s.put(l, twin, due)
	}
	for _, waiting := range l.held {
		s.putBehind(l, waiting, due)
	}
	l.held = l.held[:0]
	s.release(l, now)
}

// due gives the time at which a frame leaves by delay and rate. With a rate, a frame's time on
// the wire starts when the last one's ends, and the wait for that counts as part of its delay.
func (l *line) due(delay int64, length int, now int64) int64 {
	at := now
	if l.model.rate > 0 {
		if len(l.queue) > 0 {
			delay = max(0, delay-(l.lastDue-now))
			at = l.lastDue
		}
		delay += l.model.wireTime(length)
	}
	at += delay
	if len(l.queue) == 0 {
		l.lastDue = at
	}
	l.lastDue = max(l.lastDue, at)
	return max(at, now)
}

// put lets a frame wait until it is due.
func (s *softSwitch) put(l *line, f *frame, due int64) {
	s.appoint(l, f, due)
	l.queue.push(f)
}

// putBehind lets a frame that waits leave directly behind the one that was put last.
func (s *softSwitch) putBehind(l *line, f *frame, due int64) {
	s.appoint(l, f, due)
	l.queue.moved(f)
}

// appoint says when a frame leaves: behind all that leave at the same time so far.
func (s *softSwitch) appoint(l *line, f *frame, due int64) {
	l.arrival++
	f.due, f.order = due, l.arrival
	f.event.Due = due
	s.next = min(s.next, due)
}

// release lets the frames of a line leave that are due.
func (s *softSwitch) release(l *line, now int64) {
	for len(l.queue) > 0 && l.queue.first().due <= now {
		s.leave(l, l.take(), now)
	}
}

// take takes the frame that is due first out of the queue.
func (l *line) take() *frame {
	f := l.queue.pop()
	if i := slices.Index(l.held, f); i >= 0 {
		l.held = slices.Delete(l.held, i, i+1)
	}
	return f
}

// leave takes a frame from its line to what comes next. A frame that waited is treated as if
// it left when it was due: what the driver is late by does not add up from line to line. The
// log has the real time, made different for each frame so that it tells their order.
func (s *softSwitch) leave(l *line, f *frame, now int64) {
	s.lastOut = max(s.lastOut+1, now)
	f.event.Out = s.lastOut
	f.event.Fate = record.Passed
	due := f.due
	if l.up {
		s.forward(l.port, f, due)
	} else {
		s.deliver(l.port, f)
	}
	if l.managed != nil {
		s.transmit(l, due)
	}
}

// followSchedule makes the changes that are due at a time after the main activity's start.
func (d *decider) followSchedule(since int64) {
	if since < 0 {
		return
	}
	d.changes.skip(time.Duration(since))
	for {
		c, at, ok := d.changes.due()
		if !ok || int64(at) > since {
			return
		}
		d.model.change(c.settings)
		d.link = c.link
		d.changes.next++
	}
}
