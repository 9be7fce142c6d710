package packet

import "encoding/binary"

// EtherTypes of what may stand between Ethernet and IP.
const (
	etherTypeVLAN       = 0x8100 // IEEE 802.1Q
	etherTypeQinQ       = 0x88a8 // IEEE 802.1ad
	etherTypeQinQOld    = 0x9100
	etherTypeQinQ9200   = 0x9200
	etherTypeMPLS       = 0x8847 // RFC 3032
	etherTypeMPLSMulti  = 0x8848
	etherTypePPPoE      = 0x8864 // RFC 2516, session stage
	etherTypeFabricPath = 0x8903 // Cisco FabricPath: a tag, then another Ethernet header
	etherTypeEthernetIn = 0x6558 // transparent Ethernet bridging, in GRE
)

// maxShims bounds the headers between the link and IP.
const maxShims = 32

// link reads the link header of every type but plain Ethernet; h.EtherType then tells what follows,
// 0 when that is unknown.
func (l *layer) link(h *Headers, link LinkType) {
	b := l.data
	need := func(n int) bool {
		if len(b) < n {
			h.Truncated = true
			return false
		}
		l.at = n
		return true
	}
	switch link {
	case LinkEthernet:
		need(14)
	case LinkRaw, LinkDLTRaw, LinkDLTRaw14, LinkIPv4, LinkIPv6:
		if need(1) {
			l.at = 0
			h.EtherType = etherTypeOfVersion(b[0])
		}
	case LinkLinuxSLL:
		if need(16) {
			l.cooked(h, binary.BigEndian.Uint16(b[14:]))
		}
	case LinkSLL2:
		if need(20) {
			l.cooked(h, binary.BigEndian.Uint16(b))
		}
	case LinkNull:
		if need(4) {
			l.family(h, binary.LittleEndian.Uint32(b))
		}
	case LinkLoop:
		if need(4) {
			l.family(h, binary.BigEndian.Uint32(b))
		}
	case LinkCiscoHDLC:
		if need(4) {
			l.etherType(h, binary.BigEndian.Uint16(b[2:]))
		}
	case LinkRadiotap:
		if need(8) && need(int(binary.LittleEndian.Uint16(b[2:]))) {
			l.wlan(h, radiotapFCS(b))
		}
	case LinkWLAN:
		l.wlan(h, false)
	case LinkNFLOG:
		l.nflog(h)
	case LinkPPP, LinkPPPHDLC:
		const ciscoUnicast, ciscoMulticast = 0x0f, 0x8f
		switch {
		case len(b) >= 4 && (b[0] == ciscoUnicast || b[0] == ciscoMulticast):
			l.link(h, LinkCiscoHDLC)
		case need(1):
			l.at = 0
			l.ppp(h)
		}
	}
}

// cooked takes the protocol of a Linux cooked header: an EtherType, or, up to 1536, one of Linux's own numbers.
func (l *layer) cooked(h *Headers, protocol uint16) {
	const ethernet, llc, own = 3, 4, 1536
	switch {
	case protocol > own:
		l.etherType(h, protocol)
	case protocol == llc:
		if l.llc(h) {
			l.etherType(h, h.EtherType)
		}
	case protocol == ethernet:
		if b := l.left(); len(b) >= 14 {
			l.at += 14
			l.etherType(h, binary.BigEndian.Uint16(b[12:]))
		}
	}
}

// etherTypeOfVersion is the type of what starts with an IP version.
func etherTypeOfVersion(first byte) uint16 {
	switch first >> 4 {
	case 4:
		return EtherTypeIPv4
	case 6:
		return EtherTypeIPv6
	}
	return 0
}

// family reads a BSD address family. Its byte order is that of the machine that captured, so
// a value that is too big is of the other order.
func (l *layer) family(h *Headers, family uint32) {
	if family > 0xffff {
		family = family>>24 | family>>8&0xff00 | family<<8&0xff0000 | family<<24
	}
	switch family {
	case 2:
		h.EtherType = EtherTypeIPv4
	case 10, 23, 24, 28, 30: // Linux, Winsock, NetBSD and OpenBSD, FreeBSD, macOS
		h.EtherType = EtherTypeIPv6
	case EtherTypeIPv4, EtherTypeIPv6:
		h.EtherType = uint16(family)
	}
}

// etherType passes over VLAN tags, MPLS labels, PPPoE and LLC/SNAP and sets h.EtherType to
// the type after them.
func (l *layer) etherType(h *Headers, kind uint16) {
	for range maxShims {
		h.EtherType = kind
		b := l.left()
		switch {
		case kind <= 1500:
			l.end = min(l.end, l.at+int(kind))
			if !l.llc(h) {
				return
			}
			kind = h.EtherType
			continue
		case kind == etherTypeVLAN || kind == etherTypeQinQ || kind == etherTypeQinQOld || kind == etherTypeQinQ9200:
			if len(b) < 4 {
				h.Truncated = true
				return
			}
			h.VLAN = binary.BigEndian.Uint16(b) & 0xfff
			h.VLANs++
			kind = binary.BigEndian.Uint16(b[2:])
			l.at += 4
			continue
		case kind == etherTypeNSH:
			if kind = l.nsh(h, b); kind == 0 {
				return
			}
			continue
		case kind == etherTypeMACsec:
			if kind = l.macsec(h, b); kind == 0 {
				return
			}
			continue
		case tagLength(kind, b) > 0:
			size := tagLength(kind, b)
			if len(b) < size {
				h.Truncated = true
				return
			}
			kind = binary.BigEndian.Uint16(b[size-2:])
			l.at += size
			continue
		case kind == etherTypeFabricPath:
			if len(b) < 16 {
				h.Truncated = true
				return
			}
			kind = binary.BigEndian.Uint16(b[14:])
			l.at += 16
			continue
		case kind == etherTypeMPLS || kind == etherTypeMPLSMulti:
			if !l.mpls(h) {
				return
			}
			kind = binary.BigEndian.Uint16(l.left()[12:])
			l.at += 14
			continue
		case kind == etherTypePPPoE:
			if len(b) < 6 {
				h.Truncated = true
				return
			}
			l.end = min(l.end, l.at+6+int(binary.BigEndian.Uint16(b[4:])))
			l.at += 6
			l.ppp(h)
		}
		return
	}
	h.unread = true
}

// mpls passes over a stack of labels. What follows has no type. IP is told by its version, and Ethernet by a control
// word of zeros (RFC 4448) or, without one, by an EtherType that is known; it reports true when it left l at Ethernet.
func (l *layer) mpls(h *Headers) (ethernet bool) {
	for {
		b := l.left()
		if len(b) < 5 {
			h.Truncated = true
			return false
		}
		l.at += 4
		if last := b[2]&1 != 0; last {
			if kind := etherTypeOfVersion(b[4]); kind != 0 {
				if b = b[4:]; !plausible(kind, b) && l.pseudowire(b) {
					return true
				}
				h.EtherType = kind
				return false
			}
			if l.pseudowire(b[4:]) {
				return true
			}
			h.unread = true
			return false
		}
	}
}

// ppp reads a PPP header (RFC 1661, RFC 1662).
func (l *layer) ppp(h *Headers) {
	b := l.left()
	if len(b) >= 2 && b[0] == 0xff && b[1] == 0x03 {
		b = b[2:]
		l.at += 2
	}
	if len(b) < 2 {
		h.Truncated = true
		return
	}
	protocol := uint16(b[0]) // compressed when odd
	l.at++
	if protocol&1 == 0 {
		protocol = binary.BigEndian.Uint16(b)
		l.at++
	}
	switch protocol {
	case 0x21:
		h.EtherType = EtherTypeIPv4
	case 0x57:
		h.EtherType = EtherTypeIPv6
	case 0x281, 0x283:
		l.etherType(h, etherTypeMPLS)
	}
}

// llc reads IEEE 802.2 LLC and SNAP and reports whether h.EtherType is what follows.
func (l *layer) llc(h *Headers) bool {
	b := l.left()
	if len(b) < 3 {
		h.Truncated = l.at+3 > len(l.data)
		return false
	}
	switch {
	case b[0] == 0xaa && b[1] == 0xaa && len(b) >= 8:
		if b[3] != 0 || b[4] != 0 || b[5] != 0 && b[5] != 0xf8 {
			return false
		}
		kind := binary.BigEndian.Uint16(b[6:])
		if kind <= 1500 {
			return false
		}
		h.EtherType = kind
		l.at += 8
	case b[0] == 0x06 && b[1] == 0x06: // the SAP of IP
		h.EtherType = EtherTypeIPv4
		l.at += 3
	default:
		return false
	}
	return true
}
