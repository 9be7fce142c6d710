package flow

import "detgen/packet"

// addFixed splits as the corrected fork does. A connection counts as closed after FINs of both sides and an
// acknowledgement, or a RST, but only a SYN after that starts another flow, so that late packets
// still join. The flow after a timeout belongs to the same connection and keeps its source.
func (m *Meter) addFixed(p *Packet, hash uint64) uint64 {
	index, ok := m.table.find(&p.key, hash)
	const synAck = packet.SYN | packet.ACK
	if !ok {
		f, index := m.open(p, hash)
		if p.flags&synAck == synAck {
			f.sourceIsB = !f.sourceIsB
		}
		m.beginFixed(f, index, p)
		return f.number
	}
	f := m.table.at(index)
	again := f.closing == closingReady && p.flags&packet.SYN != 0
	switch {
	case again || p.time-f.start > m.flowTimeout:
		protocol := f.key.protocol
		silent := p.time - f.end
		reason := EndTimeout
		if again {
			reason = EndReused
		}
		m.finish(f, reason)
		cumulative := f.cumulative + silent
		source := f.sourceIsB
		f.again()
		switch {
		case again, protocol == packet.ProtocolUDP && silent > m.flowTimeout,
			protocol != packet.ProtocolTCP && protocol != packet.ProtocolUDP:
			source = p.reversed
			if p.flags&synAck == synAck {
				source = !source
			}
			*m.seen.at(index) = nil
		default:
			f.cumulative = cumulative
		}
		f.turn(source)
		m.beginFixed(f, index, p)
	case p.flags&packet.FIN != 0:
		m.addTo(f, index, p)
		switch {
		case f.closing == closingNone:
			f.closing = closingFirst
		case f.closing == closingFirst && f.dir[Forward].count(packet.FIN) > 0 && f.dir[Backward].count(packet.FIN) > 0:
			f.closing = closingSecond
		}
	case p.flags&packet.RST != 0:
		m.addTo(f, index, p)
		f.closing = closingReady
	case p.flags&packet.ACK != 0:
		m.addTo(f, index, p)
		if f.closing == closingSecond {
			f.closing = closingReady
		}
	case f.key.protocol == packet.ProtocolICMP && f.icmpCode != p.icmpCode && f.icmpType != p.icmpType:
		m.finish(f, EndICMP)
		f.again()
		f.turn(p.reversed)
		m.beginFixed(f, index, p)
	default:
		m.addTo(f, index, p)
	}
	return f.number
}

func (m *Meter) beginFixed(f *Flow, index uint32, p *Packet) {
	dir := f.direction(p)
	f.begin(&m.settings, p, dir)
	m.repeated(f, index, p, dir)
}

func (m *Meter) addTo(f *Flow, index uint32, p *Packet) {
	dir := f.direction(p)
	f.activity(&m.settings, p.time)
	m.repeated(f, index, p, dir)
	f.add(&m.settings, p, dir)
}

// repeated counts a TCP segment that is the same as one before it: address of the sender, sequence number,
// acknowledgement, length and window. Repeated acknowledgements count too.
func (m *Meter) repeated(f *Flow, index uint32, p *Packet, dir Direction) {
	if p.key.protocol != packet.ProtocolTCP || m.mode != CICFixed {
		return
	}
	set := m.seen.at(index)
	if *set == nil {
		*set = &segments{}
	}
	reversed := p.reversed && p.key.a != p.key.b
	if (*set).add(segment{p.tcp.Seq, p.tcp.Ack, p.payload, p.window, reversed}) {
		f.dir[dir].repeated++
	}
}
