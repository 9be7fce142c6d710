package link

import (
	"encoding/binary"

	"detgen/record"
)

// interventions finds the frames of one line that interventions are meant for.
type interventions struct {
	list        []*record.Intervention
	connections map[connectionKey]*connection
	count       int // connections seen
	tcp         bool
}

// connectionKey identifies one direction of a TCP connection.
type connectionKey struct {
	source, destination         [16]byte
	sourcePort, destinationPort uint16
}

// connection is what a line has seen of one direction of a connection.
type connection struct {
	number  int // from 1
	base    uint32
	highest int64 // offset behind the last byte seen; bytes count from 0
	data    uint64
	seen    map[record.SegmentKind]*kindCount
	targets []target // one for each intervention
}

// kindCount counts the segments of one kind; one with the sequence number of the last is a
// copy of it.
type kindCount struct {
	n   uint64
	seq uint32
}

// target is the segment that an intervention found.
type target struct {
	found      bool
	start, end int64 // of its bytes
	copies     int   // seen so far
}

// newInterventions gives nil for an empty list.
func newInterventions(list []record.Intervention) *interventions {
	if len(list) == 0 {
		return nil
	}
	w := &interventions{connections: map[connectionKey]*connection{}}
	for i := range list {
		w.list = append(w.list, &list[i])
		w.tcp = w.tcp || list[i].Select.Kind != record.ByFrame
	}
	return w
}

// is says whether an intervention is there and does a.
func is(i *record.Intervention, a record.Action) bool { return i != nil && i.Action == a }

// choose gives the intervention meant for frame number n of the line, nil for none; the first
// of the list when there are several. It must see every frame.
func (w *interventions) choose(frame []byte, n uint64) *record.Intervention {
	if w == nil {
		return nil
	}
	var chosen *record.Intervention
	choose := func(i *record.Intervention) {
		if chosen == nil {
			chosen = i
		}
	}
	for _, i := range w.list {
		if i.Select.Kind == record.ByFrame && i.Select.N == n {
			choose(i)
		}
	}
	if !w.tcp {
		return chosen
	}
	segment, ok := parseSegment(frame)
	if !ok {
		return chosen
	}
	c := w.connection(segment)
	start := c.offset(segment.seq)
	end := start + int64(segment.payload)
	isNew := segment.payload > 0 && end > c.highest
	if isNew {
		c.data++
		c.highest = end
	}
	kind, number := c.countKind(segment)
	for k, i := range w.list {
		if i.Select.Kind == record.ByFrame || i.Select.Connection != record.AnyConnection && i.Select.Connection != c.number {
			continue
		}
		t := &c.targets[k]
		hit := false
		switch i.Select.Kind {
		case record.ByData:
			if isNew && c.data == i.Select.N {
				t.found, t.start, t.end = true, start, end
			}
			hit = t.found && segment.payload > 0 && start < t.end && end > t.start
		case record.ByOffset:
			at := int64(i.Select.N)
			hit = start <= at && at < end
		default:
			hit = kind == i.Select.Kind && number == i.Select.N
		}
		if !hit {
			continue
		}
		t.copies++
		if i.Select.Copies == record.AllCopies || t.copies <= i.Select.Copies {
			choose(i)
		}
	}
	return chosen
}

// connection finds the connection of a segment; a SYN with another sequence number than the
// last starts a new one.
func (w *interventions) connection(s segment) *connection {
	c := w.connections[s.key]
	if c != nil && !(s.syn && s.seq+1 != c.base) {
		return c
	}
	w.count++
	c = &connection{
		number:  w.count,
		base:    s.seq,
		seen:    map[record.SegmentKind]*kindCount{},
		targets: make([]target, len(w.list)),
	}
	if s.syn {
		c.base++
	}
	w.connections[s.key] = c
	return c
}

// offset gives the place of a sequence number in the stream, near the highest seen.
func (c *connection) offset(seq uint32) int64 {
	return c.highest + int64(int32(seq-c.base-uint32(c.highest)))
}

// countKind counts a segment that is not data and gives its kind and number.
func (c *connection) countKind(s segment) (record.SegmentKind, uint64) {
	var kind record.SegmentKind
	switch {
	case s.rst:
		kind = record.ByRST
	case s.syn && s.ack:
		kind = record.BySYNACK
	case s.syn:
		kind = record.BySYN
	case s.fin:
		kind = record.ByFIN
	case s.payload == 0:
		kind = record.ByACK
	default:
		return record.ByData, 0
	}
	k := c.seen[kind]
	if k == nil {
		k = &kindCount{}
		c.seen[kind] = k
	}
	isCopy := k.n > 0 && k.seq == s.seq && kind != record.ByACK && kind != record.ByRST
	if !isCopy {
		k.n++
		k.seq = s.seq
	}
	return kind, k.n
}

// segment is what interventions look at in a TCP segment.
type segment struct {
	key                connectionKey
	seq                uint32
	payload            int
	syn, ack, fin, rst bool
}

// parseSegment reads a frame, and says whether it holds a TCP header. Fragments but the first
// do not; of IPv6 extension headers none is followed.
func parseSegment(frame []byte) (s segment, ok bool) {
	const vlan, ipv4, ipv6, tcp = 0x8100, 0x0800, 0x86dd, 6
	if len(frame) < 14 {
		return s, false
	}
	kind, packet := binary.BigEndian.Uint16(frame[12:]), frame[14:]
	if kind == vlan && len(packet) >= 4 {
		kind, packet = binary.BigEndian.Uint16(packet[2:]), packet[4:]
	}
	var header []byte
	switch {
	case kind == ipv4 && len(packet) >= 20:
		length, start := int(binary.BigEndian.Uint16(packet[2:])), int(packet[0]&15)*4
		laterFragment := binary.BigEndian.Uint16(packet[6:])&0x1fff != 0
		if packet[9] != tcp || laterFragment || start < 20 || length < start || length > len(packet) {
			return s, false
		}
		copy(s.key.source[:], packet[12:16])
		copy(s.key.destination[:], packet[16:20])
		header = packet[start:length]
	case kind == ipv6 && len(packet) >= 40:
		length := int(binary.BigEndian.Uint16(packet[4:]))
		if packet[6] != tcp || 40+length > len(packet) {
			return s, false
		}
		copy(s.key.source[:], packet[8:24])
		copy(s.key.destination[:], packet[24:40])
		header = packet[40 : 40+length]
	}
	if len(header) < 20 {
		return s, false
	}
	size := int(header[12]>>4) * 4
	if size < 20 || size > len(header) {
		return s, false
	}
	s.key.sourcePort = binary.BigEndian.Uint16(header)
	s.key.destinationPort = binary.BigEndian.Uint16(header[2:])
	s.seq = binary.BigEndian.Uint32(header[4:])
	s.payload = len(header) - size
	flags := header[13]
	s.fin, s.syn, s.rst, s.ack = flags&1 != 0, flags&2 != 0, flags&4 != 0, flags&16 != 0
	return s, true
}
