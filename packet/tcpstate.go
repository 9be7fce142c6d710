package packet

// progress follows the handshake and the end of the connection. end is the sequence number after
// the segment.
func (c *Conversation) progress(h *TCP, from int, end uint32) {
	s, r := &c.sides[from], &c.sides[1-from]
	switch h.Flags & (SYN | ACK) {
	case SYN:
		// In a simultaneous open (RFC 9293 figure 7) the first SYN decides.
		if c.handshake == HandshakeMissing {
			c.client = uint8(from)
			c.handshake = HandshakeSYN
		}
	case SYN | ACK:
		if c.handshake == HandshakeMissing {
			c.client = uint8(1 - from)
		}
		if c.handshake < HandshakeSYNACK && h.Ack == r.base+1 {
			c.handshake = HandshakeSYNACK
		}
	case ACK:
		if c.handshake == HandshakeSYNACK && from == int(c.client) && before(r.base, h.Ack) {
			c.handshake = HandshakeComplete
		}
	}
	if h.Flags&FIN != 0 {
		s.finSent, s.fin = true, end
	}
	if h.Flags&ACK != 0 && r.finSent && !before(h.Ack, r.fin) {
		r.finAcked = true
	}
	switch {
	case h.Flags&RST != 0:
		c.closing = ClosingReset
	case c.closing == ClosingReset || !s.finSent && !r.finSent:
	case s.finAcked && r.finAcked:
		c.closing = ClosingDone
	case s.finSent && r.finSent:
		c.closing = ClosingBoth
	default:
		c.closing = ClosingHalf
	}
}
