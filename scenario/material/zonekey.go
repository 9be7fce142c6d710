package material

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
)

// ZoneKey is the one key that signs a DNS zone: algorithm 13, ECDSA P-256 with SHA-256 (RFC
// 6605), flags 257 (zone key and secure entry point; RFC 4034, section 2.1.1).
type ZoneKey struct {
	zone   string // with its last dot
	scalar []byte
	data   []byte // of the DNSKEY record on the wire (RFC 4034, section 2.1)
}

// NewZoneKey makes the key of a zone: "." or a name like "example.test".
func NewZoneKey(zone string, source *rand.ChaCha8) (*ZoneKey, error) {
	key, err := newECDSA(source)
	if err != nil {
		return nil, err
	}
	return newZoneKey(zone, key)
}

func newZoneKey(zone string, key *ecdsa.PrivateKey) (*ZoneKey, error) {
	zone = strings.TrimSuffix(zone, ".") + "."
	for label := range strings.SplitSeq(strings.TrimSuffix(zone, "."), ".") {
		if label == "" && zone != "." || len(label) > 63 {
			return nil, fmt.Errorf("%q is not the name of a zone, like example.test", zone)
		}
	}
	scalar, err := key.Bytes()
	if err != nil {
		return nil, err
	}
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	return &ZoneKey{zone: zone, scalar: scalar, data: append([]byte{257 >> 8, 257 & 0xff, 3, 13}, point[1:]...)}, nil
}

// Tag is the key's tag (RFC 4034, appendix B).
func (k *ZoneKey) Tag() uint16 {
	var sum uint32
	for i, b := range k.data {
		sum += uint32(b) << (8 * ((i + 1) % 2))
	}
	return uint16(sum + sum>>16)
}

// File is the name that BIND's programs expect of the key's files, without .key and .private.
func (k *ZoneKey) File() string { return fmt.Sprintf("K%s+013+%05d", k.zone, k.Tag()) }

// Public is the DNSKEY record, a line of a zone's file.
func (k *ZoneKey) Public() string {
	return fmt.Sprintf("%s IN DNSKEY 257 3 13 %s\n", k.zone, base64.StdEncoding.EncodeToString(k.data[4:]))
}

// Private is the private key in BIND's form.
func (k *ZoneKey) Private() string {
	return "Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: " + base64.StdEncoding.EncodeToString(k.scalar) + "\n"
}

// Digest is the SHA-256 of the zone's name and the key (RFC 4034, section 5.1.4; RFC 4509), in
// hexadecimal.
func (k *ZoneKey) Digest() string {
	var b []byte
	for label := range strings.SplitSeq(strings.ToLower(strings.TrimSuffix(k.zone, ".")), ".") {
		if label != "" {
			b = append(append(b, byte(len(label))), label...)
		}
	}
	return fmt.Sprintf("%x", sha256.Sum256(append(append(b, 0), k.data...)))
}

// DS is the record by which the zone above vouches for the key, a line of that zone's file.
func (k *ZoneKey) DS() string {
	return fmt.Sprintf("%s IN DS %d 13 2 %s\n", k.zone, k.Tag(), k.Digest())
}
