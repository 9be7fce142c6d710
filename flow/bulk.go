package flow

// bulk finds bulk transfers in one direction: four or more packets with payload, none more than a
// second after the one before, and none of the other direction between.
type bulk struct {
	start    int64  // of the candidate; the CIC modes take a time of 0 for none, as CICFlowMeter does
	last     int64  // its last packet
	run      uint64 // packets of the candidate; 0: none
	runBytes uint64

	count    uint64 // of bulks
	packets  uint64 // in bulks
	bytes    uint64
	duration int64 // ticks
}

const bulkPackets = 4 // that make a bulk

// add takes in a packet with its payload. other is the time of the other direction's last packet with
// payload, second the number of ticks in one.
func (b *bulk) add(t int64, payload int32, other, second int64) {
	if other > b.start || b.start == 0 {
		b.start, b.run = 0, 0
	}
	if payload > 0 {
		b.extend(t, payload, second)
	}
}

// follow takes in a packet of payload after all packets of the other direction, whose candidate it ends.
func (b *bulk) follow(t int64, payload int32, other *bulk, second int64) {
	if payload > 0 {
		other.run = 0
		b.extend(t, payload, second)
	}
}

// extend takes in a packet with payload.
func (b *bulk) extend(t int64, payload int32, second int64) {
	size := uint64(payload)
	if b.run == 0 || t-b.last > second {
		b.start, b.last = t, t
		b.run, b.runBytes = 1, size
		return
	}
	b.run++
	b.runBytes += size
	switch {
	case b.run == bulkPackets:
		b.count++
		b.packets += b.run
		b.bytes += b.runBytes
		b.duration += t - b.start
	case b.run > bulkPackets:
		b.packets++
		b.bytes += size
		b.duration += t - b.last
	}
	b.last = t
}
