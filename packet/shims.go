package packet

import "encoding/binary"

// EtherTypes of tags between Ethernet and IP that few networks have.
const (
	etherTypeVNTag  = 0x8926 // Cisco VN-Tag (proposed as IEEE 802.1Qbh)
	etherTypeETag   = 0x893f // IEEE 802.1BR
	etherTypePBB    = 0x88e7 // IEEE 802.1ah: an I-TAG, then another Ethernet header
	etherTypeCMD    = 0x8909 // Cisco metadata
	etherTypeNSH    = 0x894f // RFC 8300
	etherTypeMACsec = 0x88e5 // IEEE 802.1AE
)

// tagLength gives the length of a tag with the EtherType after it, 0 when kind is none of a fixed length.
func tagLength(kind uint16, b []byte) int {
	switch kind {
	case etherTypeVNTag:
		return 6
	case etherTypeETag:
		return 8
	case etherTypePBB:
		return 18
	case etherTypeCMD: // version, length in words of 4 bytes, options
		if len(b) < 2 {
			return 8
		}
		return max(1, int(b[1]))*4 + 4
	}
	return 0
}

// nsh passes over a network service header and gives the EtherType of what follows, 0 when that is none.
func (l *layer) nsh(h *Headers, b []byte) uint16 {
	size := 8
	if len(b) >= 8 {
		size = max(8, int(b[1]&0x3f)*4)
	}
	if len(b) < size {
		h.Truncated = true
		return 0
	}
	const ipv4, ipv6, ethernet, mpls = 1, 2, 3, 5
	next := b[3]
	l.at += size
	switch next {
	case ipv4:
		return EtherTypeIPv4
	case ipv6:
		return EtherTypeIPv6
	case mpls:
		return etherTypeMPLS
	case ethernet:
		if b = l.left(); len(b) >= 14 {
			l.at += 14
			return binary.BigEndian.Uint16(b[12:])
		}
		h.Truncated = true
		return 0
	}
	h.unread = true
	return 0
}

// macsec passes over a SecTAG of a frame that is not encrypted, and cuts off the integrity check value. It gives
// the EtherType after it, 0 when the frame is encrypted or cut.
func (l *layer) macsec(h *Headers, b []byte) uint16 {
	const explicitSCI, encrypted, changed, icv = 0x20, 0x08, 0x04, 16
	if len(b) < 6 {
		h.Truncated = true
		return 0
	}
	size := 6
	if b[0]&explicitSCI != 0 {
		size += 8
	}
	if b[0]&(encrypted|changed) != 0 {
		h.unread = true
		return 0
	}
	if len(b) < size+2 {
		h.Truncated = true
		return 0
	}
	if l.end-icv >= l.at+size+2 {
		l.end -= icv
	}
	l.at += size + 2
	return binary.BigEndian.Uint16(b[size:])
}

// plausible reports that what starts with the version of IP can be a header of it: an Ethernet address can start
// with a 4 or 6 too.
func plausible(kind uint16, b []byte) bool {
	if kind == EtherTypeIPv6 {
		return true
	}
	return b[0]&0xf >= 5 || !ethernetAt(b)
}

// ethernetAt reports that an Ethernet header whose EtherType is known can start here.
func ethernetAt(b []byte) bool {
	if len(b) < 14 {
		return false
	}
	switch binary.BigEndian.Uint16(b[12:]) {
	case EtherTypeIPv4, EtherTypeIPv6, EtherTypeARP, etherTypeVLAN, etherTypeQinQ, etherTypeMPLS:
		return true
	}
	return false
}

// pseudowire moves to the Ethernet header in a pseudowire, if there is one.
func (l *layer) pseudowire(b []byte) bool {
	if len(b) >= 18 && b[0]>>4 == 0 && ethernetAt(b[4:]) {
		l.at += 4
		return true
	}
	return ethernetAt(b)
}
