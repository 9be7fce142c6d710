package flow

import (
	"time"

	"detgen/packet"
)

// analysisClasses is the number of classes of the TCP analysis.
const analysisClasses = 15

// addDefault splits by connections:
//
//   - A SYN starts a new flow when it does not belong to the connection so far (another initial sequence
//     number), and when that was closed and its initial sequence number is not known.
//   - A flow ends when it was silent for longer than the idle timeout (a closed one: the linger timeout).
//   - After the idle timeout the next packet of a TCP connection that was not closed, and of which both sides were heard,
//     starts another flow of the same connection, with the same source, for dormantTime.
//   - Later than the flow timeout after the flow's start, the next packet starts another flow of the same
//     connection, with the same source.
//
// The source is the sender of the first packet, or the receiver when that is a SYN-ACK.
func (m *Meter) addDefault(it *item) uint64 {
	p := &it.packet
	index, ok := m.table.find(&p.key, it.hash)
	if !ok {
		m.makeRoom()
		f, index := m.open(p, it.hash)
		m.enter(f, index, it.hash, p.frame)
		m.beginDefault(f, index, p, it)
		return f.number
	}
	f := m.table.at(index)
	silent := max(0, p.time-f.end)
	idle := f.dormant
	if idle {
		f.dormant = false
		m.asleep--
	}
	if limit := m.silence(f); !idle && limit > 0 && silent > limit {
		m.finish(f, EndIdle)
		idle = true
	}
	if idle && (silent > dormantTime || !f.mayGoOn()) {
		f.again()
		m.beginDefault(f, index, p, it)
		return f.number
	}
	var a packet.Analysis
	analysed := it.analyse(m.conversations.at(index), &m.streams, &a)
	isSYN := p.flags&(packet.SYN|packet.ACK) == packet.SYN
	switch {
	case idle && !(f.analysed && a.First):
		m.goOn(f, p, silent)
	case idle:
		f.again()
		m.orient(f, p)
		f.begin(&m.settings, p, f.direction(p))
	case f.analysed && a.First || f.closing == closingReady && isSYN && !a.OwnSYN:
		m.finish(f, EndReused)
		f.again()
		m.orient(f, p)
		f.begin(&m.settings, p, f.direction(p))
	case m.flowTimeout > 0 && p.time-f.start > m.flowTimeout:
		m.finish(f, EndTimeout)
		m.goOn(f, p, silent)
	default:
		f.activity(&m.settings, p.time)
		f.add(&m.settings, p, f.direction(p))
	}
	f.progress(p, f.direction(p))
	if analysed {
		f.note(&a, f.direction(p))
	}
	return f.number
}

// dormantTime is how long a silent TCP connection is remembered after its flow has ended, ticks: two hours and four
// minutes, as RFC 5382 (REQ-5) asks of address translators, for the keep-alives of RFC 9293 (section 3.8.4).
const dormantTime = int64(124 * time.Minute)

// mayGoOn reports that the flow is of a TCP connection of which both sides were heard and that is not closed.
func (f *Flow) mayGoOn() bool {
	return f.analysed && f.closing != closingReady && (f.heard[Forward] || f.dir[Forward].packets > 0) && (f.heard[Backward] || f.dir[Backward].packets > 0)
}

// goOn starts another flow of the same connection after one that has ended, with the same source.
func (m *Meter) goOn(f *Flow, p *Packet, silent int64) {
	before := *f
	f.again()
	f.cumulative = before.cumulative + silent
	f.closing, f.fins, f.analysed = before.closing, before.fins, before.analysed
	f.begin(&m.settings, p, f.direction(p))
	for d := range f.heard {
		f.heard[d] = before.heard[d] || before.dir[d].packets > 0
	}
}

// silence is how long the flow may be silent, ticks; 0: for ever.
func (m *Meter) silence(f *Flow) int64 {
	if f.closing == closingReady && m.linger > 0 {
		return m.linger
	}
	return m.idle
}

// beginDefault starts a flow and the analysis of its connection.
func (m *Meter) beginDefault(f *Flow, index uint32, p *Packet, it *item) {
	*m.conversations.at(index) = packet.Conversation{}
	m.orient(f, p)
	f.begin(&m.settings, p, f.direction(p))
	f.progress(p, f.direction(p))
	var a packet.Analysis
	if it.analyse(m.conversations.at(index), &m.streams, &a) {
		f.note(&a, f.direction(p))
	}
}

// orient chooses the flow's source by its first packet.
func (m *Meter) orient(f *Flow, p *Packet) {
	const synAck = packet.SYN | packet.ACK
	f.sourceIsB = p.reversed != (p.flags&synAck == synAck)
}

// progress follows the end of a TCP connection, as CICFixed does.
func (f *Flow) progress(p *Packet, dir Direction) {
	switch {
	case p.flags == 0:
	case p.flags&packet.RST != 0:
		f.closing = closingReady
	case p.flags&packet.FIN != 0:
		if f.closing == closingNone {
			f.closing = closingFirst
		}
		f.fins[dir] = true
		if f.closing == closingFirst && f.fins[Forward] && f.fins[Backward] {
			f.closing = closingSecond
		}
	case p.flags&packet.ACK != 0 && f.closing == closingSecond:
		f.closing = closingReady
	}
}

// analyse gives the item to the TCP analysis of its connection, which fills a.
func (it *item) analyse(c *packet.Conversation, streams *packet.Streams, a *packet.Analysis) bool {
	p := &it.packet
	if !p.analysed {
		return false
	}
	from := 0
	if p.reversed {
		from = 1
	}
	c.Analyze(p.time, &p.tcp, from, streams, a)
	return true
}

// note takes in what the analysis says of a packet.
func (f *Flow) note(a *packet.Analysis, dir Direction) {
	f.analysed = true
	f.handshake, f.shut, f.rtt = a.Handshake, a.Closing, max(0, a.RTT)
	d := &f.dir[dir]
	if a.Classes != 0 {
		for i := range d.classes {
			d.classes[i] += uint32(a.Classes >> i & 1)
		}
	}
	if a.Seen >= packet.SeenPart {
		d.again++
	}
}
