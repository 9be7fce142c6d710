package packet

import "encoding/binary"

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

// tcpOptions is what the analysis needs of a segment's options.
type tcpOptions struct {
	scale      int8  // of the window; meaningful when scaled is true
	subtypes   uint8 // of Multipath TCP, one bit each
	scaled     bool  // there is a window scale
	multipath  bool
	incomplete bool // the header was cut, or is longer than its segment
}

// readOptions reads the options of the TCP header, of at least 20 bytes, that h says is in the frame. Most have
// nothing but timestamps, laid out as RFC 7323 (appendix A) recommends: that is seen at a glance.
func readOptions(data []byte, h *Headers) (o tcpOptions) {
	start, end := h.L4Offset+20, h.L4Offset+h.L4Length
	o.incomplete = end > len(data) || h.L4Length > h.Segment
	b := data[min(start, len(data)):min(end, len(data), h.L4Offset+max(20, h.Segment))]
	const timestampsAlone = tcpNop<<24 | tcpNop<<16 | tcpTimestamps<<8 | 10
	if len(b) == 12 && binary.BigEndian.Uint32(b) == timestampsAlone {
		return o
	}
	ended := false
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
			o.scaled, o.scale = true, int8(min(option[2], maxScale))
		case kind == tcpMultipath && len(option) >= 3:
			if subtype := option[2] >> 4; subtype < 8 {
				o.subtypes |= 1 << subtype
			}
			o.multipath = true
		}
	}
	return o
}

// options takes the window scale and the subtypes of Multipath TCP from a segment. Wireshark believes a window
// scale on any segment.
func (c *Conversation) options(h *TCP, from int) {
	o := &h.options
	s := &c.sides[from]
	if o.scaled {
		s.scale = o.scale
	}
	if o.multipath {
		c.multipath = true
		c.ops |= o.subtypes
	}
	if !o.incomplete && h.Flags&SYN != 0 {
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
