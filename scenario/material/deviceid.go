package material

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// base32Digits are the digits of RFC 4648, in the order of their values.
const base32Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// DeviceID is what Syncthing knows the holder of the certificate by
// (https://docs.syncthing.net/dev/device-ids.html): the SHA-256 of the certificate in base32, with a
// check digit after every 13 digits, in groups of seven.
func (c *Certificate) DeviceID() string { return deviceID(sha256.Sum256(c.Certificate.Raw)) }

func deviceID(hash [sha256.Size]byte) string {
	const part, group = 13, 7
	digits := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(hash[:])
	var checked strings.Builder
	for i := 0; i < len(digits); i += part {
		checked.WriteString(digits[i : i+part])
		checked.WriteByte(checkDigit(digits[i : i+part]))
	}
	var groups []string
	for i := 0; i < checked.Len(); i += group {
		groups = append(groups, checked.String()[i:i+group])
	}
	return strings.Join(groups, "-")
}

// checkDigit is Syncthing's variant of Luhn's check digit in base 32: every second digit counts
// twice, starting with the second from the left.
func checkDigit(digits string) byte {
	const base = len(base32Digits)
	sum := 0
	for i := range len(digits) {
		product := (1 + i%2) * strings.IndexByte(base32Digits, digits[i])
		sum += product/base + product%base
	}
	return base32Digits[(base-sum%base)%base]
}
