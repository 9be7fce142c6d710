package flow

// begin makes f a new flow of the key that starts with p.
func (f *Flow) begin(s *settings, p *Packet, dir Direction) {
	f.number, f.start = p.frame, p.time
	f.end = p.time
	f.activeStart, f.activeEnd = p.time, p.time
	f.firstDir = dir
	f.firstFlags, f.firstPayload = uint8(p.flags), p.payload
	f.icmpType, f.icmpCode = p.icmpType, p.icmpCode
	for i := range f.dir {
		f.dir[i].window, f.dir[i].windowLast = -1, -1
	}
	if s.doubleFirst {
		f.payload.add(p.payload, 1)
	}
	f.take(s, p, dir)
}

// add takes in a packet after the first.
func (f *Flow) add(s *settings, p *Packet, dir Direction) {
	gap := p.time - f.end
	if gap > s.second {
		f.longGaps++
	}
	f.gap.add(gap, f.dir[Forward].packets+f.dir[Backward].packets)
	f.end = p.time
	f.take(s, p, dir)
}

// take takes in what the first and the other packets have in common.
func (f *Flow) take(s *settings, p *Packet, dir Direction) {
	f.last = p.frame
	d := &f.dir[dir]
	d.packets++
	if d.packets == 1 {
		d.first = p.time
		d.window = p.window
		d.minHeader = p.header
		d.ipMin, d.ipMax = p.ip, p.ip
	} else {
		d.gap.add(p.time-d.last, d.packets-1)
		d.minHeader = min(d.minHeader, p.header)
		d.ipMin, d.ipMax = min(d.ipMin, p.ip), max(d.ipMax, p.ip)
	}
	d.last = p.time
	d.bytes += uint64(p.payload)
	d.headers += uint64(p.header)
	d.ip += uint64(p.ip)
	d.ipSquares += uint64(p.ip) * uint64(p.ip)
	if p.payload > 0 {
		d.dataPackets++
	}
	d.payload.add(p.payload, d.packets)
	d.windowLast = p.window
	d.flag(p.flags)
	switch s.mode {
	case Default: // the statistics of both directions are made of those of each
		d.bulk.add(p.time, p.payload, f.dir[1-dir].bulk.last, s.second)
		return
	case CIC2017: // its bulks are always of one packet
	case CIC2021: // takes every packet for one of the second direction, without looking at the first
		f.dir[Backward].bulk.add(p.time, p.payload, 0, s.second)
	case CICFixed:
		d.bulk.add(p.time, p.payload, f.dir[1-dir].bulk.last, s.second)
		if d.windowSeen == 0 {
			d.windowSeen = max(0, p.window)
		}
	}
	n := f.dir[Forward].packets + f.dir[Backward].packets
	if s.doubleFirst {
		n++
	}
	f.payload.add(p.payload, n)
}

// activity notes whether the flow was idle up to a time. What goes on when the flow ends is neither noted as
// active nor as idle.
func (f *Flow) activity(s *settings, t int64) {
	silent := t - f.activeEnd
	if silent > s.activity {
		if active := f.activeEnd - f.activeStart; active > 0 {
			f.activeN++
			f.active.add(active, uint64(f.activeN))
		}
		f.idleN++
		f.idle.add(silent, uint64(f.idleN))
		f.activeStart = t
	}
	f.activeEnd = t
}
