package truth

import (
	"encoding/binary"
	"math/bits"
)

// fingerprint stands for the bytes of a frame: three hashes of 64 bits, each of its own share of the
// words of 8 bytes. What tells frames of one kind apart is in all three, so a frame that was
// damaged in one or two places has at least one part in common with the frame that was sent, and
// with hardly any other.
type fingerprint [3]uint64

// headerParts says which part the first words of a frame are in. For IPv4 in Ethernet the third
// word holds the identification, the fourth the header's checksum, the sixth TCP's sequence and
// acknowledgement numbers or UDP's checksum, the seventh TCP's checksum, the eighth its time stamp.
var headerParts = [8]int{0, 1, 0, 1, 2, 2, 0, 1}

// fingerprintOf gives the fingerprint of a frame.
func fingerprintOf(data []byte) fingerprint {
	// Odd constants; each word is folded in by the halves of a 128-bit product.
	const k0, k1, k2, end = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93, 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	p := fingerprint{k0, k1, k2}
	length := uint64(len(data))
	word := 0
	for ; word < len(headerParts) && len(data) >= 8; word++ {
		part := headerParts[word]
		p[part] = fold(p[part]^binary.LittleEndian.Uint64(data), k0)
		data = data[8:]
	}
	for len(data) >= 24 {
		p[0] = fold(p[0]^binary.LittleEndian.Uint64(data), k0)
		p[1] = fold(p[1]^binary.LittleEndian.Uint64(data[8:]), k1)
		p[2] = fold(p[2]^binary.LittleEndian.Uint64(data[16:]), k2)
		data = data[24:]
	}
	for ; len(data) > 0; word++ {
		var last [8]byte
		data = data[copy(last[:], data):]
		part := word % 3
		if word < len(headerParts) {
			part = headerParts[word]
		}
		p[part] = fold(p[part]^binary.LittleEndian.Uint64(last[:]), end)
	}
	// The same words elsewhere are another part.
	for i := range p {
		p[i] = fold(p[i]^length, k0+2*uint64(i)+2)
	}
	return p
}

// whole stands for the whole frame.
func (p *fingerprint) whole() uint64 {
	return p[0] ^ bits.RotateLeft64(p[1], 21) ^ bits.RotateLeft64(p[2], 42)
}

func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

// flipped lists the bits (8 x octet + bit of the octet) in which two frames of one length
// differ; ok is false when there are more than limit.
func flipped(a, b []byte, limit int) (list []int32, ok bool) {
	if len(a) != len(b) {
		return nil, false
	}
	for i := 0; i < len(a); {
		if len(a)-i >= 8 && binary.LittleEndian.Uint64(a[i:]) == binary.LittleEndian.Uint64(b[i:]) {
			i += 8
			continue
		}
		for x := a[i] ^ b[i]; x != 0; x &= x - 1 {
			if len(list) == limit {
				return nil, false
			}
			list = append(list, int32(8*i+bits.TrailingZeros8(x)))
		}
		i++
	}
	return list, true
}
