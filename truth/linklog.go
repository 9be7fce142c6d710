package truth

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"detgen/internal/beneath"
	"detgen/record"
)

// readLog reads the log of the run's links.
func (t *Truth) readLog() (*record.LinkLog, error) {
	file, err := beneath.Open(t.dir, record.LinkLogFile)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return record.ReadLinkLog(file, t.mostEvents())
}

// unseen is how many frames the links may have had before the captures were open and after they were closed, for each line.
const unseen = 1 << 14

// mostEvents bounds the events that the links' log can have: a frame has one on its sender's line, and one on the line of
// each host that it is for, and as many for a copy on either.
func (t *Truth) mostEvents() int {
	frames := 0
	for _, c := range t.Captures {
		frames += len(c.Frames)
	}
	lines := 2 * len(t.net.stations)
	return 4*(lines+1)*frames + lines*unseen
}

// joinedLog is a log joined to the captures.
type joinedLog struct {
	*record.LinkLog
	capture []int     // of each line: index of its host's capture; -1: none
	frames  [][]int32 // of each up line, by its frame number: index of the frame in the capture; -1: not captured
	events  [][]int32 // by capture and index of a received frame: its event on the down line; -1: none
	up      [][]int32 // of each up line, by frame number: index of the frame's event
	taps    []bool    // by capture: it is a tap, and its events are on up lines
}

// joinLog finds the captured frames in a log: sent ones by their checksum, received ones by the checksum that they must have after their link and their order.
func (t *Truth) joinLog(l *record.LinkLog) (*joinedLog, error) {
	g := &joinedLog{LinkLog: l}
	for _, c := range t.Captures {
		g.events = append(g.events, filled(len(c.Frames)))
		g.taps = append(g.taps, c.IsTap())
	}
	var segments []string // of each line
	for _, line := range l.Lines {
		s, ok := t.net.find(line.Host, line.Interface)
		if !ok {
			return nil, fmt.Errorf("log of the links: the run has no interface %s of host %q", line.Interface, line.Host)
		}
		g.capture = append(g.capture, t.net.stations[s].capture)
		segments = append(segments, t.net.stations[s].segment)
	}
	g.frames = make([][]int32, len(l.Lines))
	g.up = make([][]int32, len(l.Lines))
	down := make([][]int32, len(l.Lines)) // delivered frames
	into := map[string][]int32{}          // of each network: what came into its switch
	for i := range l.Events {
		e := &l.Events[i]
		if l.Lines[e.Line].Direction == record.Up && e.Out != 0 {
			into[segments[e.Line]] = append(into[segments[e.Line]], int32(i))
		}
		switch {
		case l.Lines[e.Line].Direction == record.Down:
			if e.Fate == record.Passed {
				down[e.Line] = append(down[e.Line], int32(i))
			}
		case e.Marks&record.Copy == 0:
			for len(g.up[e.Line]) <= int(e.Frame) {
				g.up[e.Line] = append(g.up[e.Line], -1)
			}
			g.up[e.Line][e.Frame] = int32(i)
		}
	}
	for line, capture := range g.capture {
		if capture >= 0 && l.Lines[line].Direction == record.Up {
			g.findSent(line, t.Captures[capture])
		}
	}
	for line, capture := range g.capture {
		if capture >= 0 && l.Lines[line].Direction == record.Down {
			g.findReceived(down[line], capture, t.Captures[capture])
		}
	}
	for i, c := range t.Captures {
		if c.IsTap() {
			g.findReceived(into[c.Network], i, c)
		}
	}
	return g, nil
}

// filled gives a list of n indexes that are not there.
func filled(n int) []int32 {
	list := make([]int32, n)
	for i := range list {
		list[i] = -1
	}
	return list
}

// findSent numbers the sent frames of a capture. Frames that processors send at once can stand in the log in another
// order than in the capture, so each is found by its checksum, equal ones by their order. One that the log does not have
// was dropped before the link, by the host's own device, or was not sent at all.
func (g *joinedLog) findSent(line int, c *Capture) {
	g.frames[line] = filled(len(g.up[line]))
	numbers := map[uint32][]int{} // by checksum
	for number, i := range g.up[line] {
		if i >= 0 {
			sum := g.Events[i].Sum
			numbers[sum] = append(numbers[sum], number)
		}
	}
	for j := range c.Frames {
		if !c.Frames[j].Sent {
			continue
		}
		if n := numbers[c.sums[j]]; len(n) > 0 {
			g.frames[line][n[0]] = int32(j)
			numbers[c.sums[j]] = n[1:]
		} else {
			c.strange = append(c.strange, j)
		}
	}
}

// findReceived finds the events of the received frames of a capture. A frame from the host's own
// MAC that the log has not as sent, but as received, was damaged there.
func (g *joinedLog) findReceived(delivered []int32, capture int, c *Capture) {
	slices.SortStableFunc(delivered, func(a, b int32) int {
		return cmp.Or(cmp.Compare(g.Events[a].Out, g.Events[b].Out), cmp.Compare(g.Events[a].Due, g.Events[b].Due))
	})
	type sight struct{ sum, length uint32 }
	lengths := map[uint32]bool{}
	for i := range c.Frames {
		lengths[uint32(c.Frames[i].Length)] = true
	}
	queues := map[sight][]int32{}
	for _, i := range delivered {
		e := &g.Events[i]
		if !lengths[e.Length] {
			continue // none of these; a long one would take its time in flipSum
		}
		sum := e.Sum
		if e.Marks&record.Corrupted != 0 {
			sum ^= flipSum(e.Bit, e.Length)
		}
		s := sight{sum, e.Length}
		queues[s] = append(queues[s], i)
	}
	find := func(j int) {
		s := sight{c.sums[j], uint32(c.Frames[j].Length)}
		if q := queues[s]; len(q) > 0 {
			g.events[capture][j] = q[0]
			queues[s] = q[1:]
			c.Frames[j].Sent = false
		}
	}
	for j := range c.Frames {
		if !c.Frames[j].Sent {
			find(j)
		}
	}
	for _, j := range c.strange {
		find(j)
	}
}

// flipSum is what flipping a bit of a frame of a length changes in its CRC-32C, which is
// linear: the register after the octet with the bit, moved on by the octets behind it.
func flipSum(bit, length uint32) uint32 {
	register := castagnoli[1<<(bit%8)]
	for range length - 1 - bit/8 {
		register = register>>8 ^ castagnoli[register&0xff]
	}
	return register
}

// origin is the sent frame that an event is about; the zero Ref when it was not captured.
func (g *joinedLog) origin(e *record.LinkEvent) Ref {
	line := e.OriginLine
	if g.capture[line] < 0 || int(e.Origin) >= len(g.frames[line]) || g.frames[line][e.Origin] < 0 {
		return Ref{}
	}
	return NewRef(g.capture[line], int(g.frames[line][e.Origin]))
}

// received gives the received frames that the log has, each with the index of its event.
func (g *joinedLog) received() iter.Seq2[Ref, int32] {
	return func(yield func(Ref, int32) bool) {
		for i, events := range g.events {
			for j, e := range events {
				if e >= 0 && !yield(NewRef(i, j), e) {
					return
				}
			}
		}
	}
}

// correct replaces the pairs that the log knows otherwise, and says how many those were.
func (t *Truth) correct(p *pairs, g *joinedLog) (changed int, err error) {
	wanted := map[int][]int{}
	var again []Ref
	for r, i := range g.received() {
		sent := g.origin(&g.Events[i])
		if !sent.Some() || *p.of(r) == sent {
			continue
		}
		changed++
		*p.of(r) = sent
		delete(p.damage, r)
		if t.Captures[r.Capture()].prints[r.Index()] != t.Captures[sent.Capture()].prints[sent.Index()] {
			again = append(again, r)
			wanted[r.Capture()] = append(wanted[r.Capture()], r.Index())
			wanted[sent.Capture()] = append(wanted[sent.Capture()], sent.Index())
		}
	}
	data, err := t.bytes(wanted)
	if err != nil {
		return 0, err
	}
	for _, r := range again {
		bits, _ := flipped(data[*p.of(r)], data[r], len(data[r])*8)
		p.damage[r] = bits
	}
	return changed, nil
}

// causeSeparator stands between the causes of a frame.
const causeSeparator = "; "

// lineName names a line as the keys of factors do: "client.up", or "router.eth1.up" for a host
// with several interfaces.
func (t *Truth) lineName(l *record.LinkLine) string {
	return t.interfaceName(l.Host, l.Interface) + "." + string(l.Direction)
}

// interfaceName is the name of an interface within that of a line.
func (t *Truth) interfaceName(host, iface string) string {
	for i := range t.Record.Run.Hosts {
		if h := &t.Record.Run.Hosts[i]; h.Name == host && len(h.Interfaces) > 1 {
			return host + "." + iface
		}
	}
	return host
}

// explain notes the causes and queue positions that the log knows.
func (t *Truth) explain(g *joinedLog) {
	names := map[string]uint16{"": 0}
	add := func(to *uint16, phrase string) {
		text := t.Causes[*to]
		switch {
		case text == "":
			text = phrase
		case slices.Contains(strings.Split(text, causeSeparator), phrase):
			return
		default:
			text += causeSeparator + phrase
		}
		i, ok := names[text]
		if !ok {
			i = uint16(len(t.Causes))
			names[text] = i
			t.Causes = append(t.Causes, text)
		}
		*to = i
	}
	t.explainSent(g, add)
	t.explainReceived(g, add)
}

// explainSent notes what made frames be lost or damaged.
func (t *Truth) explainSent(g *joinedLog, add func(to *uint16, phrase string)) {
	for _, c := range t.Captures {
		for _, j := range c.strange {
			// The link never got it: the queue of the host's own device was full.
			if f := &c.Frames[j]; f.Sent {
				add(&f.Cause, t.interfaceName(c.Host, c.Interface)+".device dropped")
			}
		}
	}
	for i := range g.Events {
		e := &g.Events[i]
		ref := g.origin(e)
		if !ref.Some() {
			continue
		}
		f := t.Frame(ref)
		line := &g.Lines[e.Line]
		if line.Direction == record.Up && e.Marks&record.Copy == 0 {
			f.UpQueue = int32(e.Queue)
		}
		if line.Direction == record.Down && f.DownQueue < 0 {
			f.DownQueue = int32(e.Queue)
		}
		if f.Fate == Delivered {
			continue
		}
		if e.Fate != record.Passed {
			add(&f.Cause, t.lineName(line)+" "+e.Fate.String())
		}
		if e.Marks&record.Corrupted != 0 && f.Fate == Corrupted {
			add(&f.Cause, t.lineName(line)+" corrupted")
		}
	}
}

// explainReceived notes what was done to frames that arrived.
func (t *Truth) explainReceived(g *joinedLog, add func(to *uint16, phrase string)) {
	for r, i := range g.received() {
		f, e := t.Frame(r), &g.Events[i]
		if g.taps[r.Capture()] {
			t.explainTapped(g, r, e, add)
			continue
		}
		f.DownQueue = int32(e.Queue)
		down := &g.Lines[e.Line]
		n := g.up[e.OriginLine]
		if int(e.Origin) >= len(n) || n[e.Origin] < 0 {
			continue
		}
		u, up := &g.Events[n[e.Origin]], &g.Lines[e.OriginLine]
		f.UpQueue = int32(u.Queue)
		if f.Fate == Corrupted {
			if e.Sum != u.Sum {
				add(&f.Cause, t.lineName(up)+" corrupted")
			}
			if e.Marks&record.Corrupted != 0 {
				add(&f.Cause, t.lineName(down)+" corrupted")
			}
		}
		if f.Copy > 1 {
			if u.Marks&record.Duplicated != 0 {
				add(&f.Cause, t.lineName(up)+" duplicated")
			}
			if e.Marks&(record.Duplicated|record.Copy) != 0 {
				add(&f.Cause, t.lineName(down)+" duplicated")
			}
		}
		if e.Marks&record.Intervened != 0 {
			add(&f.Cause, t.lineName(down)+" intervened")
		}
		if u.Marks&record.Intervened != 0 {
			add(&f.Cause, t.lineName(up)+" intervened")
		}
		if f.Peer.Some() {
			if s := t.Frame(f.Peer); s.Peer == r {
				s.DownQueue = f.DownQueue
			}
		}
	}
}

// explainTapped notes what was done, until the switch, to a frame that a tap saw.
func (t *Truth) explainTapped(g *joinedLog, r Ref, e *record.LinkEvent, add func(to *uint16, phrase string)) {
	f, up := t.Frame(r), t.lineName(&g.Lines[e.Line])
	f.UpQueue = int32(e.Queue)
	if f.Fate == Corrupted {
		add(&f.Cause, up+" corrupted")
	}
	if f.Copy > 1 {
		add(&f.Cause, up+" duplicated")
	}
	if e.Marks&record.Intervened != 0 {
		add(&f.Cause, up+" intervened")
	}
}
