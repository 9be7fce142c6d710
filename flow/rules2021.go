package flow

import "detgen/packet"

// add2021 splits as upstream's last version does. A forward FIN is noted and a second one ignored; the first
// backward FIN always ends the flow, as the test for FINs of both sides adds the backward ones twice. A RST
// ends it too. The rest is as in 2017.
func (m *Meter) add2021(p *Packet, hash uint64) uint64 {
	index, ok := m.table.find(&p.key, hash)
	if !ok {
		f, _ := m.open(p, hash)
		f.begin(&m.settings, p, Forward)
		return f.number
	}
	f := m.table.at(index)
	dir := f.direction(p)
	switch {
	case p.time-f.start > m.flowTimeout:
		m.finish(f, EndTimeout)
		f.again()
		f.begin(&m.settings, p, Forward)
	case p.flags&packet.FIN != 0 && dir == Forward:
		if f.fins[Forward] {
			return 0
		}
		f.fins[Forward] = true
		f.activity(&m.settings, p.time)
		f.add(&m.settings, p, dir)
	case p.flags&(packet.FIN|packet.RST) != 0:
		if p.time-f.end > m.second {
			f.activity(&m.settings, p.time)
		}
		f.add(&m.settings, p, dir)
		number := f.number
		reason := EndRST
		if p.flags&packet.FIN != 0 {
			reason = EndFIN
		}
		m.finish(f, reason)
		m.table.remove(index, uint32(hash))
		return number
	default:
		f.activity(&m.settings, p.time)
		f.add(&m.settings, p, dir)
	}
	return f.number
}
