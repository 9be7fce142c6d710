package flow

// begin makes f a new flow of the key that starts with p.
func (f *Flow) begin(s *settings, p *Packet, dir Direction) {
	f.number, f.capture, f.start = p.frame, p.capture, p.time
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
	t := p.time
	if s.mode == Default { // a clock that goes back leaves no negative times
		f.start = min(f.start, t)
		t = max(t, f.end)
	}
	gap := t - f.end
	if gap > s.second {
		f.longGaps++
	}
	f.gap.add(gap, f.dir[Forward].packets+f.dir[Backward].packets)
	f.end = t
	f.take(s, p, dir)
}

// take takes in what the first and the other packets have in common.
func (f *Flow) take(s *settings, p *Packet, dir Direction) {
	f.last = p.frame
	d := &f.dir[dir]
	t := p.time
	if s.mode == Default && d.packets > 0 {
		d.first = min(d.first, t)
		t = max(t, d.last)
	}
	d.packets++
	if d.packets == 1 {
		d.first = t
		d.window = p.window
		d.minHeader = p.header
		d.ipMin, d.ipMax = p.ip, p.ip
	} else {
		d.gap.add(t-d.last, d.packets-1)
		d.minHeader = min(d.minHeader, p.header)
		d.ipMin, d.ipMax = min(d.ipMin, p.ip), max(d.ipMax, p.ip)
	}
	d.last = t
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
		d.bulk.follow(t, p.payload, &f.dir[1-dir].bulk, s.second)
		return
	case CIC2017: // its bulks are always of one packet
	case CIC2021: // takes every packet for one of the second direction, without looking at the first
		f.dir[Backward].bulk.add(p.time, p.payload, 0, s.second)
	case CICFixed, CNS2022:
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
	if s.mode == Default {
		t = max(t, f.activeEnd)
	}
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
