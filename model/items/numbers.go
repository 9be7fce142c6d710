package items

import (
	"math"

	"detgen/packet"
)

// numbers makes a step of the recipe numbers1.
func numbers(p, before *Packet, row []float32) {
	row[0] = -1
	if p.FromClient {
		row[0] = 1
	}
	row[1] = float32(p.Payload) / 1460
	row[2] = float32(math.Log1p(float64(max(p.Time-before.Time, 0))/1000) / 20)
	row[3] = float32(p.Window) / 65535
	for i, f := range []packet.TCPFlags{packet.FIN, packet.SYN, packet.RST, packet.PSH, packet.ACK, packet.URG} {
		if p.Flags&f != 0 {
			row[4+i] = 1
		}
	}
}

// masked are the bytes of an Ethernet frame with IPv4 and TCP without options that tell who speaks, or that differ from
// packet to packet without meaning.
var masked = [][2]int{
	{0, 12},  // MAC addresses
	{18, 20}, // IP identification
	{24, 34}, // header checksum, addresses
	{34, 46}, // ports, sequence and acknowledgement number
	{50, 52}, // TCP checksum
}

// maskedBytes makes a step of the recipe bytes54-masked.
func maskedBytes(p, _ *Packet, row []float32) {
	for i, b := range p.Header {
		row[i] = float32(b)
	}
	for _, m := range masked {
		clear(row[m[0]:m[1]])
	}
}
