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
	case ProtocolMPLS:
		if l.etherType(h, etherTypeMPLS); !h.isIP() {
			*l = before
			return 0, false
		}
	case ProtocolUDP:
		if !l.udpTunnel(h) {
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

// gre reads a GRE header (RFC 2784, RFC 2890) and reports whether IP follows.
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
	const ppp, erspan, erspan3 = 0x880b, 0x88be, 0x22eb // of ERSPAN see draft-foschiano-erspan
	switch kind {
	case ppp: // PPTP, RFC 2637
		l.ppp(h)
	case erspan:
		if flags&sequence == 0 { // type I has no header of its own
			return l.bridged(h, 0)
		}
		return l.bridged(h, 8)
	case erspan3:
		size := 12
		if b = l.left(); len(b) >= 12 && b[11]&1 != 0 { // a platform specific subheader
			size += 8
		}
		return l.bridged(h, size)
	case etherTypeEthernetIn:
		return l.bridged(h, 0)
	default:
		if kind > 1500 {
			l.etherType(h, kind)
		}
	}
	return h.isIP()
}

// isIP reports that IP follows the link header.
func (h *Headers) isIP() bool { return h.EtherType == EtherTypeIPv4 || h.EtherType == EtherTypeIPv6 }

// bridged passes over a header of a size and the Ethernet header after it, and reports whether IP follows.
func (l *layer) bridged(h *Headers, size int) bool {
	b := l.left()
	if len(b) < size+14 {
		return false
	}
	l.at += size + 14
	l.etherType(h, binary.BigEndian.Uint16(b[size+12:]))
	return h.isIP()
}

// UDP ports of tunnels (IANA).
const (
	portGTPU   = 2152 // 3GPP TS 29.281
	portVXLAN  = 4789 // RFC 7348
	portGENEVE = 6081 // RFC 8926
)

// udpTunnel reads a UDP header and that of a tunnel behind it, by the destination port (GTP-U: either), and reports whether IP
// follows.
func (l *layer) udpTunnel(h *Headers) bool {
	b := l.left()
	if len(b) < 16 {
		return false
	}
	source, destination := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	b = b[8:]
	switch {
	case destination == portVXLAN:
		const valid = 0x08
		l.at += 8
		return b[0]&valid != 0 && l.bridged(h, 8)
	case destination == portGENEVE:
		if b[0]>>6 != 0 {
			return false
		}
		size := 8 + int(b[0]&0x3f)*4
		l.at += 8
		kind := binary.BigEndian.Uint16(b[2:])
		if kind == etherTypeEthernetIn {
			return l.bridged(h, size)
		}
		if l.at += size; kind > 1500 {
			l.etherType(h, kind)
		}
		return h.isIP()
	case destination == portGTPU || source == portGTPU:
		return l.gtp(h, b)
	}
	return false
}

// gtp reads a GTP-U header with user data (version 1, message 255) after UDP.
func (l *layer) gtp(h *Headers, b []byte) bool {
	const optional, extension, userData = 0x07, 0x04, 255
	if b[0]>>4 != 3 || b[1] != userData {
		return false
	}
	size := 8
	if b[0]&optional != 0 {
		size += 4
		if len(b) < size {
			return false
		}
		next := b[11]
		for b[0]&extension != 0 && next != 0 {
			if len(b) <= size || b[size] == 0 || len(b) < size+int(b[size])*4 {
				return false
			}
			size += int(b[size]) * 4
			next = b[size-1]
		}
	}
	if len(b) <= size {
		return false
	}
	l.at += 8 + size
	h.EtherType = etherTypeOfVersion(b[size])
	return h.isIP()
}
