package flow

import "encoding/binary"

// CICFlowMeter leaves the decoding to a capture library (jNetPcap 1.4), which walks from header to
// header in a way of its own. What the walk finds decides which packets exist for CICFlowMeter and
// how long they are, so it is done here in the same way, oddities included:
//
//   - every frame starts with Ethernet, whatever the file says;
//   - bytes after the IP datagram are cut off only when Ethernet itself stands before IP: behind
//     a VLAN tag they count as payload;
//   - lengths are of what was captured, not of what was on the wire;
//   - a datagram quoted by an ICMP error 3 or 12, or carried in IPv4 (protocol 4), L2TP or PPP, is
//     walked into, so that its TCP or UDP header is found as if it were the packet's own.

// layer is a kind of header.
type layer uint8

const (
	layerEnd     layer = iota // the walk is over
	layerPayload              // nothing that matters here
	layerEthernet
	layerVLAN
	layerLLC
	layerSNAP
	layerPPP
	layerL2TP
	layerIPv4
	layerIPv6
	layerICMP
	layerTCP
	layerUDP
	layerSCTP
)

// headerAt is a header that the walk found; length is 0 when it found none.
type headerAt struct{ at, length, payload int }

// of gives the header's bytes, none when they are not all there: a length that contradicts another can keep a
// header from being cut.
func (h headerAt) of(data []byte) []byte {
	if h.at+h.length > len(data) {
		return nil
	}
	return data[h.at : h.at+h.length]
}

// walk is one walk over a frame. Of each kind of header the first one counts.
type walk struct {
	data         []byte
	end          int // where the data ends; moves towards the start as trailers are cut off
	wire         int // the same for the length on the wire
	countPadding bool

	at      int // the current header
	length  int // its length, 0 when it is none
	payload int // bytes after it, 0 when it does not say
	trailer int // bytes after those
	next    layer

	ipv4, tcp, udp, icmp, sctp headerAt
}

// run walks from the start of the frame, which is taken for a header of the given kind.
func (w *walk) run(first layer, data []byte, wire int) {
	w.data, w.end, w.wire = data, len(data), wire
	w.at = 0
	w.ipv4, w.tcp, w.udp, w.icmp, w.sctp = headerAt{}, headerAt{}, headerAt{}, headerAt{}, headerAt{}
	before := layerEnd
	for kind := first; kind > layerPayload; {
		w.length, w.payload, w.trailer, w.next = 0, 0, 0, layerPayload
		w.header(kind, before)
		if w.length == 0 {
			return // payload from here on
		}
		w.found(kind)
		before = kind
		kind = w.next
		w.at += w.length
		if w.at >= w.end {
			return
		}
	}
}

// has reports whether n bytes of the current header are there.
func (w *walk) has(n int) bool { return w.at+n <= w.end }

// header reads the current header: it sets length and next, and sometimes payload, trailer and end.
func (w *walk) header(kind, before layer) {
	b := w.data[w.at:w.end]
	switch kind {
	case layerEthernet:
		w.ethernet(b)
	case layerVLAN:
		w.vlan(b)
	case layerLLC:
		if len(b) >= 4 {
			w.length = 4
			if b[2]&1 != 0 {
				w.length = 3
			}
			if b[0] == 0xaa {
				w.next = layerSNAP
			}
		}
	case layerSNAP:
		if len(b) >= 4 {
			w.length = 5
			if len(b) >= 5 && b[0]|b[1]|b[2] == 0 {
				w.next = etherLayer(binary.BigEndian.Uint16(b[3:]))
			}
		}
	case layerPPP:
		if len(b) >= 4 {
			w.length = 4
			switch binary.BigEndian.Uint16(b[2:]) {
			case 0x0021:
				w.next = layerIPv4
			case 0x0057:
				w.next = layerIPv6
			}
		}
	case layerL2TP:
		w.l2tp(b)
	case layerIPv4:
		w.ip4(b, before)
	case layerIPv6:
		w.ip6(b)
	case layerICMP:
		if len(b) >= 4 {
			w.length = 8
			if b[0] == 3 || b[0] == 12 { // unreachable, parameter problem: but not time exceeded
				w.next = layerIPv4
			}
		}
	case layerTCP:
		if len(b) >= 20 {
			w.length = int(b[12]>>4) * 4
		}
	case layerUDP:
		if len(b) >= 8 {
			w.length = 8
			if l2tpPort(binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint16(b)) {
				w.next = layerL2TP
			}
		}
	case layerSCTP:
		w.length = 12
	}
}

// found notes the current header, cut to what is there.
func (w *walk) found(kind layer) {
	w.wire -= w.trailer
	w.end = min(w.end, w.wire)
	if w.payload == 0 {
		w.payload = max(0, w.end-w.at-w.length)
	}
	w.cut()
	var h *headerAt
	switch kind {
	case layerIPv4:
		h = &w.ipv4
	case layerTCP:
		h = &w.tcp
	case layerUDP:
		h = &w.udp
	case layerICMP:
		h = &w.icmp
	case layerSCTP:
		h = &w.sctp
	default:
		return
	}
	if h.length == 0 {
		*h = headerAt{w.at, w.length, w.payload}
	}
}

// cut shortens the payload and then the header to the end of the data.
func (w *walk) cut() {
	body := w.at + w.length
	if body+w.payload <= w.end {
		return
	}
	w.payload = max(0, w.end-body)
	if body > w.end {
		w.length = max(0, w.end-w.at)
	}
}

// ethernet reads an Ethernet header, or one of IEEE 802.3 with a length instead of a type. The length
// is taken for one that includes this header, so that the frame seems 14 bytes shorter.
func (w *walk) ethernet(b []byte) {
	if len(b) < 14 {
		return
	}
	w.length = 14
	kind := binary.BigEndian.Uint16(b[12:])
	if kind >= 0x600 {
		w.next = etherLayer(kind)
		return
	}
	w.next = layerLLC
	w.payload = int(kind) - 14
	w.trailer = w.end - int(kind)
}

// vlan reads a VLAN tag (IEEE 802.1Q).
func (w *walk) vlan(b []byte) {
	if len(b) < 4 {
		return
	}
	w.length = 4
	if len(b) < 14 {
		return
	}
	kind := binary.BigEndian.Uint16(b[2:])
	if kind >= 0x600 {
		w.next = etherLayer(kind)
		return
	}
	w.next = layerLLC
	w.payload = int(kind) - 4 - w.at
}

// etherLayer gives the layer of an EtherType.
func etherLayer(kind uint16) layer {
	switch kind {
	case 0x0800:
		return layerIPv4
	case 0x86dd:
		return layerIPv6
	case 0x8100, 0x88a8, 0x9100:
		return layerVLAN
	}
	return layerPayload
}

// l2tp reads the header of version 2 of the Layer 2 Tunneling Protocol (RFC 2661) as one of 6 bytes
// and optional fields.
func (w *walk) l2tp(b []byte) {
	if len(b) < 2 {
		return
	}
	const control, length, sequence, offset = 0x80, 0x40, 0x08, 0x02
	w.length = 6
	if b[0]&length != 0 {
		w.length += 2
	}
	if b[0]&sequence != 0 {
		w.length += 4
	}
	if b[0]&offset != 0 {
		w.length += 4
	}
	if b[0]&control == 0 {
		w.next = layerPPP
	}
}

// l2tpPort reports whether UDP ports mean L2TP. Ports of RTP, RTCP and SIP as destination go first.
func l2tpPort(dst, src uint16) bool {
	switch dst {
	case 1701:
		return true
	case 5004, 5005, 5060:
		return false
	}
	return src == 1701
}

// ip4 reads an IPv4 header.
func (w *walk) ip4(b []byte, before layer) {
	if len(b) < 20 {
		return
	}
	total := int(binary.BigEndian.Uint16(b[2:]))
	w.length = int(b[0]&0xf) * 4
	w.payload = total - w.length
	if before == layerEthernet && total <= w.end && !w.countPadding {
		if trailer := w.end - w.at - total; trailer > 0 {
			w.end -= trailer
		}
	}
	const moreFragments, offset = 0x2000, 0x1fff
	fragment := binary.BigEndian.Uint16(b[6:])
	if fragment&moreFragments != 0 {
		w.payload = w.end - w.length - w.at
	}
	if fragment&offset != 0 {
		return
	}
	switch b[9] {
	case 1:
		w.next = layerICMP
	case 4:
		w.next = layerIPv4
	case 6:
		w.next = layerTCP
	case 17:
		w.next = layerUDP
	case 115:
		w.next = layerL2TP
	case 132:
		w.next = layerSCTP
	}
}

// ip6 reads an IPv6 header with its extensions.
func (w *walk) ip6(b []byte) {
	if len(b) < 40 {
		return
	}
	w.length = 40
	w.payload = int(binary.BigEndian.Uint16(b[4:]))
	for next := b[6]; ; {
		switch next {
		case 1:
			w.next = layerICMP
			return
		case 4:
			w.next = layerIPv4
			return
		case 6:
			w.next = layerTCP
			return
		case 17:
			w.next = layerUDP
			return
		case 132:
			w.next = layerSCTP
			return
		case 0, 43, 44, 50, 51, 60, 135: // extension headers, and ESP taken for one
		default:
			return
		}
		if !w.has(w.length + 2) {
			return
		}
		size := int(b[w.length+1])*8 + 8
		if !w.has(w.at + size) { // sic: counted from twice the place
			return
		}
		next = b[w.length]
		w.length += size
		w.payload -= size
	}
}
