package packet

import "encoding/binary"

// maxTunnels bounds the IP headers that are read one in another.
const maxTunnels = 8

// tunnel reads the IP header inside a datagram with the given protocol, if it is a tunnel; l
// then is the payload of the inner datagram. ok is false when there is no inner header that
// can be read; l is then where it was.
func (l *layer) tunnel(h *Headers, protocol uint8) (next uint8, ok bool) {
	before := *l
	*h = Headers{EtherType: h.EtherType, VLAN: h.VLAN, VLANs: h.VLANs, Padding: h.Padding}
	switch protocol {
	case ProtocolIPv4, ProtocolIPv6:
		h.EtherType = EtherTypeIPv4
		if protocol == ProtocolIPv6 {
			h.EtherType = EtherTypeIPv6
		}
	case ProtocolGRE:
		if !l.gre(h) {
			*l = before
			return 0, false
		}
	default:
		return 0, false
	}
	next, ok = l.ip(h)
	if ok = ok || h.Fragment == LaterFragment; !ok {
		*l = before
	}
	return next, ok
}

// gre reads a GRE header (RFC 2784, RFC 2890) and says whether IP follows.
func (l *layer) gre(h *Headers) bool {
	b := l.left()
	if len(b) < 4 {
		return false
	}
	flags, kind := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	const checksum, routing, key, sequence, acknowledged = 0x8000, 0x4000, 0x2000, 0x1000, 0x0080
	size := 4
	if flags&(checksum|routing) != 0 {
		size += 4
	}
	if flags&key != 0 {
		size += 4
	}
	if flags&sequence != 0 {
		size += 4
	}
	if version := flags & 7; version == 1 && flags&acknowledged != 0 {
		size += 4
	}
	if flags&routing != 0 || len(b) < size {
		return false
	}
	l.at += size
	const ppp = 0x880b
	switch kind {
	case ppp: // PPTP, RFC 2637
		l.ppp(h)
	case etherTypeEthernetIn:
		if b = l.left(); len(b) < 14 {
			return false
		}
		l.at += 14
		l.etherType(h, binary.BigEndian.Uint16(b[12:]))
	default:
		if kind > 1500 {
			l.etherType(h, kind)
		}
	}
	return h.EtherType == EtherTypeIPv4 || h.EtherType == EtherTypeIPv6
}
