package mix

import (
	"encoding/binary"
	"math/bits"
)

// frame writes the packet's frame and gives its length.
func (m *maker) frame(b []byte, e *event) int {
	c := &m.connections[e.connection]
	header := 8
	if !c.udp {
		header = 20
		if c.stamps {
			header = 32
		}
		if e.flags&syn != 0 {
			header += 8
		}
	}
	ip := 20
	if c.ip6 {
		ip = 40
	}
	length := 14 + ip + header + int(e.payload)
	clear(b[:length])
	copy(b, []byte{2, 0, 0, 0, 0, byte(1 + e.from), 2, 0, 0, 0, 0, byte(2 - e.from)})
	src, dst := &c.addresses[e.from], &c.addresses[1-e.from]
	protocol := byte(6)
	if c.udp {
		protocol = 17
	}
	l3, l4 := b[14:], b[14+ip:length]
	var sum uint32 // of the pseudo header
	if c.ip6 {
		binary.BigEndian.PutUint16(b[12:], 0x86dd)
		l3[0] = 0x60
		binary.BigEndian.PutUint16(l3[4:], uint16(len(l4)))
		l3[6], l3[7] = protocol, 64
		copy(l3[8:], src[:])
		copy(l3[24:], dst[:])
		sum = add(0, l3[8:40])
	} else {
		binary.BigEndian.PutUint16(b[12:], 0x0800)
		l3[0] = 0x45
		binary.BigEndian.PutUint16(l3[2:], uint16(ip+len(l4)))
		binary.BigEndian.PutUint16(l3[4:], uint16(e.sequence^e.sequence>>16^uint32(e.time>>10)))
		l3[6] = 0x40
		l3[8], l3[9] = 64, protocol
		copy(l3[12:], src[:4])
		copy(l3[16:], dst[:4])
		binary.BigEndian.PutUint16(l3[10:], fold(add(0, l3[:20])))
		sum = add(0, l3[12:20])
	}
	sum += uint32(protocol) + uint32(len(l4))
	binary.BigEndian.PutUint16(l4, c.ports[e.from])
	binary.BigEndian.PutUint16(l4[2:], c.ports[1-e.from])
	if c.udp {
		binary.BigEndian.PutUint16(l4[4:], uint16(len(l4)))
		binary.BigEndian.PutUint16(l4[6:], fold(add(sum, l4[:8])))
		return length
	}
	binary.BigEndian.PutUint32(l4[4:], e.sequence)
	binary.BigEndian.PutUint32(l4[8:], e.ack)
	l4[12] = byte(header / 4 << 4)
	l4[13] = e.flags
	binary.BigEndian.PutUint16(l4[14:], e.window)
	options := l4[20:header]
	if e.flags&syn != 0 {
		options = options[copy(options, []byte{2, 4, 0x05, 0xb4, 1, 3, 3, 7}):]
	}
	if c.stamps {
		copy(options, []byte{1, 1, 8, 10})
		binary.BigEndian.PutUint32(options[4:], uint32(e.time/1e6))
	}
	binary.BigEndian.PutUint16(l4[16:], fold(add(sum, l4[:header])))
	return length
}

// add adds the 16-bit words of b, of even length, to an Internet checksum (RFC 1071).
func add(sum uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	return sum
}

func fold(sum uint32) uint16 {
	for bits.Len32(sum) > 16 {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
