package packet

const (
	fastWindow     = 20e6 // ns: a fast retransmission comes this soon after the last acknowledgement
	reorderDefault = 3e6  // ns: a segment out of order comes this soon when the round-trip time is not known
)

// segment classifies a segment of known length. The order of the tests is Wireshark's, and matters.
func (c *Conversation) segment(time int64, h *TCP, from int, a *Analysis) {
	s, r := &c.sides[from], &c.sides[1-from]
	length := h.Payload
	control := h.Flags & (SYN | FIN | RST)
	c.base(h, s, r)

	found := a.Classes | c.ackClasses(h, length, s, r, a)
	if h.Ack != s.ack {
		s.dupAcks = 0
	}
	found |= c.ackBeyond(h, r)
	if (length > 0 || control&(SYN|FIN) != 0) && found&KeepAlive == 0 {
		found |= c.repeatClass(time, h, length, s, r)
	}

	next := h.Seq + length
	if control&(SYN|FIN) != 0 {
		next++
	}
	if found&ZeroWindowProbe == 0 {
		if before(s.next, next) || s.next == 0 {
			s.next, s.nextTime = next, time
		}
		if h.Seq == s.contiguous || s.contiguous == 0 {
			s.contiguous = s.next
		}
	}
	s.window = uint32(h.Window)
	s.ack, s.ackTime = h.Ack, time
	if c.multipath {
		s.operations = c.ops
	}
	s.last = found
	a.Classes = found
	a.Seen = s.seen.add(h.Seq, h.Flags, length)
	c.progress(h, from, next)
}

// ackClasses finds the classes that have to do with windows and repeated acknowledgements.
func (c *Conversation) ackClasses(h *TCP, length uint32, s, r *side, a *Analysis) Class {
	if length == 1 && h.Seq == s.next && r.window == 0 {
		return ZeroWindowProbe
	}
	var found Class
	window := uint32(h.Window)
	plain := h.Flags&(SYN|FIN|RST) == 0
	if window == 0 && plain {
		found |= ZeroWindow
	}
	if s.next != 0 && before(s.next, h.Seq) && h.Flags&RST == 0 {
		found |= LostSegment
	}
	if !plain {
		return found
	}
	if length <= 1 && h.Seq == s.next-1 {
		found |= KeepAlive
	}
	if length > 0 && r.scale != unknownScale && h.Seq+length == r.ack+r.window<<r.shift() {
		found |= WindowFull
	}
	if length > 0 || h.Seq != s.next || h.Ack != s.ack {
		return found
	}
	switch {
	case window != 0 && window != s.window:
		found |= WindowUpdate
	case window != s.window:
	case window == 0:
		if r.last&ZeroWindowProbe != 0 {
			found |= ZeroWindowProbeAck
		}
	case r.last&KeepAlive != 0:
		found |= KeepAliveAck
	case c.multipath && c.ops != s.operations:
		// Multipath TCP repeats acknowledgements to tell news (RFC 8684 section 4).
	default:
		if s.dupAcks++; s.dupAcks == 0 { // it was neutralised
			s.dupAcks = 1
		}
		a.DupAck = s.dupAcks
		found |= DuplicateAck
	}
	return found
}

// shift is how far the last window of the side has to be shifted.
func (s *side) shift() uint8 {
	if s.scaleLater || s.scale < 0 {
		return 0
	}
	return uint8(s.scale)
}

// ackBeyond tells acknowledgements of what was not captured, each gap once.
func (c *Conversation) ackBeyond(h *TCP, r *side) Class {
	if r.contiguous == 0 || !before(r.contiguous, h.Ack) || h.Flags&ACK == 0 {
		return 0
	}
	if before(r.contiguous, r.next) {
		r.contiguous = r.next
		return AckLostSegment
	}
	first := r.dupAcks == 0
	const neutral = 1<<32 - 1 // counts as many, and as none before the next duplicate
	r.dupAcks = neutral
	if first {
		return AckLostSegment
	}
	return 0
}

// repeatClass tells apart the segments that do not advance.
func (c *Conversation) repeatClass(time int64, h *TCP, length uint32, s, r *side) Class {
	behind := s.next != 0 && before(h.Seq, s.next)
	if length > 1 && h.Seq == s.next-1 {
		behind = false // may follow a probe of that byte
	}
	if length > 0 && r.ack != 0 && int32(h.Seq+length-r.ack) <= 0 {
		return SpuriousRetransmission
	}
	if !behind {
		return 0
	}
	// Times are compared as unsigned numbers: a clock that goes backwards gives long ones.
	if r.dupAcks >= 2 && r.ack == h.Seq && uint64(time-r.ackTime) < fastWindow {
		return FastRetransmission
	}
	soon := uint64(reorderDefault)
	if c.rtt != 0 {
		soon = uint64(c.rtt)
	}
	end := h.Seq + length
	if h.Flags&(SYN|FIN) != 0 {
		end++
	}
	if uint64(time-s.nextTime) < soon && end != s.next {
		return OutOfOrder
	}
	return Retransmission
}

// base learns the first sequence number of each side.
func (c *Conversation) base(h *TCP, s, r *side) {
	if !s.based {
		s.based = true
		s.base = h.Seq - 1
		if h.Flags&SYN != 0 {
			s.base = h.Seq
		}
	}
	if !r.based && h.Flags&ACK != 0 {
		r.based = true
		r.base = h.Ack - 1
	}
}
