package flow

import (
	"encoding/binary"
	"net/netip"

	"detgen/packet"
)

// address is an IP address as a number, an IPv4 address in the low 32 bits.
type address struct{ hi, lo uint64 }

func address4(b []byte) address { return address{lo: uint64(binary.BigEndian.Uint32(b))} }

func address16(b []byte) address {
	return address{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

func (a address) less(b address) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

// addr gives the address in the form of the standard library.
func (a address) addr(version uint8) netip.Addr {
	if version == 6 {
		var b [16]byte
		binary.BigEndian.PutUint64(b[:], a.hi)
		binary.BigEndian.PutUint64(b[8:], a.lo)
		return netip.AddrFrom16(b)
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(a.lo))
	return netip.AddrFrom4(b)
}

// Packet is what a meter needs to know of a packet. It holds no pointers.
type Packet struct {
	frame uint64 // number in its capture, from 1
	time  int64  // ticks of the mode since the Unix epoch

	key      key
	capture  uint32 // packet.Frame.Capture
	reversed bool   // sent by the key's second endpoint
	same     bool   // both endpoints are the same
	analysed bool   // the TCP analysis takes it in (Default)

	flags    packet.TCPFlags
	icmpType int16 // -1 when it is no ICMP packet
	icmpCode int16
	window   int32      // -1 when it has no TCP header
	payload  int32      // bytes after the transport header
	header   int32      // bytes of the transport header
	ip       int32      // bytes of the IP datagram
	tcp      packet.TCP // the CIC modes have its sequence number and acknowledgement alone
}

// key names the two endpoints of a flow in an order that is the same in both directions, and
// its protocol.
type key struct {
	a, b         address
	aPort, bPort uint16
	protocol     uint8
	version      uint8  // of IP
	vlan         uint16 // innermost VLAN (Default)
	group        uint8  // divides the flows of a protocol without ports: see icmpGroup
}

// setEndpoints makes the key from the source and destination of the packet, putting the lower one
// first.
func (p *Packet) setEndpoints(src, dst address, srcPort, dstPort uint16) {
	p.same = false
	switch {
	case src.less(dst):
		p.reversed = false
	case dst.less(src):
		p.reversed = true
	default:
		p.reversed = dstPort < srcPort
		p.same = srcPort == dstPort
	}
	if p.reversed {
		src, dst, srcPort, dstPort = dst, src, dstPort, srcPort
	}
	p.key.a, p.key.b, p.key.aPort, p.key.bPort = src, dst, srcPort, dstPort
}

// is compares two keys, without the call that == makes of it.
func (k *key) is(o *key) bool {
	return k.a == o.a && k.b == o.b && k.aPort == o.aPort && k.bPort == o.bPort && k.protocol == o.protocol && k.version == o.version && k.vlan == o.vlan && k.group == o.group
}

// hash mixes the key. It is not secret: a hostile capture can make a table slow, not big.
func (k *key) hash() uint64 {
	ports := uint64(k.aPort)<<48 | uint64(k.bPort)<<32 | uint64(k.protocol)<<16 | uint64(k.version)<<8 | uint64(k.group)
	h := fold(k.a.lo^0x9e3779b97f4a7c15, k.b.lo^ports^0xbf58476d1ce4e5b9)
	if k.version == 6 {
		h ^= fold(k.a.hi^0x94d049bb133111eb, k.b.hi^0xd6e8feb86659fd93)
	}
	return fold(h^ports, 0xa0761d6478bd642f)
}
