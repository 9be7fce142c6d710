package flow

// bulk finds bulk transfers in one direction: four or more packets with payload, none more than a
// second after the one before, and none of the other direction between.
type bulk struct {
	start    int64 // of the candidate; 0: none (a time of 0 is taken for none too, as CICFlowMeter does)
	last     int64 // its last packet
	run      uint64
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
	if other > b.start {
		b.start = 0
	}
	if payload <= 0 {
		return
	}
	size := uint64(payload)
	if b.start == 0 || t-b.last > second {
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
