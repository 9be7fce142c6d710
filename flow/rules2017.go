package flow

import "detgen/packet"

// add2017 splits as CICFlowMeter's first public version does: a flow ends with its first FIN, and when a
// packet comes too late after its start. That packet starts the next flow, between the same source and
// destination, and counts as forward whichever way it went.
func (m *Meter) add2017(p *Packet, hash uint64) uint64 {
	// Flows are found by an ID that orders the addresses, but not the ports: between ports of one
	// address, each direction is a flow.
	if p.key.a == p.key.b {
		if p.reversed {
			p.key.aPort, p.key.bPort = p.key.bPort, p.key.aPort
			p.reversed = false
		}
		hash = p.key.hash()
	}
	index, ok := m.table.find(&p.key, hash)
	if !ok {
		f, _ := m.open(p, hash)
		f.idIsDst = signedLess(f.destinationAddress(), f.sourceAddress())
		f.begin(&m.settings, p, Forward)
		return f.number
	}
	f := m.table.at(index)
	switch {
	case p.time-f.start > m.flowTimeout:
		m.finish(f, EndTimeout)
		f.again()
		f.begin(&m.settings, p, Forward)
	case p.flags&packet.FIN != 0:
		f.add(&m.settings, p, f.direction(p))
		number := f.number
		m.finish(f, EndFIN)
		m.table.remove(index, uint32(hash))
		return number
	default:
		f.activity(&m.settings, p.time)
		f.add(&m.settings, p, f.direction(p))
	}
	return f.number
}

func (f *Flow) sourceAddress() address {
	if f.sourceIsB {
		return f.key.b
	}
	return f.key.a
}

func (f *Flow) destinationAddress() address {
	if f.sourceIsB {
		return f.key.a
	}
	return f.key.b
}

// signedLess compares IPv4 addresses byte by byte, as signed bytes.
func signedLess(a, b address) bool {
	for shift := 24; shift >= 0; shift -= 8 {
		x, y := int8(a.lo>>shift), int8(b.lo>>shift)
		if x != y {
			return x < y
		}
	}
	return false
}
