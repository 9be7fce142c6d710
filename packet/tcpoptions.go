package packet

// TCP option kinds (IANA "TCP Parameters").
const (
	tcpEnd         = 0
	tcpNop         = 1
	tcpWindowScale = 3
	tcpTimestamps  = 8
	tcpMultipath   = 30
)

// maxScale is the largest shift of a window (RFC 7323 section 2.3).
const maxScale = 14

// options takes the window scale and the subtypes of Multipath TCP from a segment's options. Wireshark believes a
// window scale on any segment.
func (c *Conversation) options(f *Frame, h *Headers, from int) {
	start, end := h.L4Offset+20, h.L4Offset+h.L4Length
	whole := end <= len(f.Data) && h.L4Length <= h.Segment
	b := f.Data[min(start, len(f.Data)):min(end, len(f.Data), h.L4Offset+max(20, h.Segment))]
	s := &c.sides[from]
	subtypes, ended := uint8(0), false
	for len(b) > 0 {
		kind := b[0]
		if ended && kind != tcpEnd {
			break
		}
		if kind == tcpEnd || kind == tcpNop {
			ended = kind == tcpEnd
			b = b[1:]
			continue
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			break
		}
		option := b[:b[1]]
		b = b[len(option):]
		switch {
		case kind == tcpWindowScale && len(option) == 3:
			s.scale = int8(min(option[2], maxScale))
		case kind == tcpMultipath && len(option) >= 3:
			if subtype := option[2] >> 4; subtype < 8 {
				subtypes |= 1 << subtype
			}
			c.multipath = true
		}
	}
	c.ops |= subtypes
	if whole && h.Flags&SYN != 0 {
		c.checkScale(s, &c.sides[1-from], h.Flags&ACK != 0)
	}
}

// checkScale finds out that windows are not scaled: both SYNs have to offer it.
func (c *Conversation) checkScale(s, r *side, answer bool) {
	switch {
	case s.scale == unknownScale:
		s.scale, r.scale = noScale, noScale
	case answer && r.scale == noScale:
		s.scale = noScale
	}
}
