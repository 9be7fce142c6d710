package material

import (
	"bytes"
	"crypto/md5"
	"crypto/sha512"
	"fmt"
	"math/rand/v2"
	"strings"

	//lint:ignore SA1019 bcrypt is what Caddy checks passwords by
	"golang.org/x/crypto/blowfish"
)

// cryptAlphabet is the order of base-64 digits in crypt(5).
const cryptAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// salt draws n digits of crypt(5).
func salt(n int, r *rand.Rand) string {
	s := make([]byte, n)
	for i := range s {
		s[i] = cryptAlphabet[r.IntN(len(cryptAlphabet))]
	}
	return string(s)
}

// cryptDigits writes the three bytes b2 b1 b0 as n digits, the lowest six bits first.
func cryptDigits(w *strings.Builder, b2, b1, b0 byte, n int) {
	v := uint(b2)<<16 | uint(b1)<<8 | uint(b0)
	for range n {
		w.WriteByte(cryptAlphabet[v&0x3f])
		v >>= 6
	}
}

// ShadowHash hashes a password for /etc/shadow: crypt(5)'s method 6, SHA-512 with the usual
// 5000 rounds, by U. Drepper's specification "Unix crypt using SHA-256 and SHA-512".
func ShadowHash(password string, r *rand.Rand) string {
	return sha512Crypt(password, salt(16, r))
}

const sha512Rounds = 5000

func sha512Crypt(password, salt string) string {
	p, s := []byte(password), []byte(salt)
	alternate := sha512.New()
	alternate.Write(p)
	alternate.Write(s)
	alternate.Write(p)
	b := alternate.Sum(nil)

	first := sha512.New()
	first.Write(p)
	first.Write(s)
	first.Write(repeatTo(b, len(p)))
	for n := len(p); n > 0; n >>= 1 {
		if n&1 != 0 {
			first.Write(b)
		} else {
			first.Write(p)
		}
	}
	a := first.Sum(nil)

	ofPassword := sha512.New()
	for range p {
		ofPassword.Write(p)
	}
	pSequence := repeatTo(ofPassword.Sum(nil), len(p))
	ofSalt := sha512.New()
	for range 16 + int(a[0]) {
		ofSalt.Write(s)
	}
	sSequence := repeatTo(ofSalt.Sum(nil), len(s))

	for i := range sha512Rounds {
		round := sha512.New()
		if i&1 != 0 {
			round.Write(pSequence)
		} else {
			round.Write(a)
		}
		if i%3 != 0 {
			round.Write(sSequence)
		}
		if i%7 != 0 {
			round.Write(pSequence)
		}
		if i&1 != 0 {
			round.Write(a)
		} else {
			round.Write(pSequence)
		}
		a = round.Sum(nil)
	}
	var w strings.Builder
	w.WriteString("$6$" + salt + "$")
	// The bytes are written in groups of three whose places are 21 apart, turning each time.
	for i, at := 0, [3]int{0, 21, 42}; i < 21; i++ {
		cryptDigits(&w, a[at[0]], a[at[1]], a[at[2]], 4)
		at = [3]int{at[1] + 1, at[2] + 1, at[0] + 1}
	}
	cryptDigits(&w, 0, 0, a[63], 2)
	return w.String()
}

func repeatTo(b []byte, n int) []byte {
	return bytes.Repeat(b, n/len(b)+1)[:n]
}

// HTPasswd hashes a password for a file of HTTP basic authentication by Apache's own method,
// "apr1" (MD5, 1000 rounds), which Apache, nginx and lighttpd all read.
func HTPasswd(password string, r *rand.Rand) string { return apr1(password, salt(8, r)) }

func apr1(password, salt string) string {
	const magic = "$apr1$"
	p, s := []byte(password), []byte(salt)
	sum := func(parts ...[]byte) []byte {
		h := md5.Sum(bytes.Join(parts, nil))
		return h[:]
	}
	final := sum(p, s, p)
	start := [][]byte{p, []byte(magic), s, repeatTo(final, len(p))}
	for n := len(p); n > 0; n >>= 1 {
		if n&1 != 0 {
			start = append(start, []byte{0})
		} else {
			start = append(start, p[:1])
		}
	}
	final = sum(start...)
	for i := range 1000 {
		var round [][]byte
		if i&1 != 0 {
			round = append(round, p)
		} else {
			round = append(round, final)
		}
		if i%3 != 0 {
			round = append(round, s)
		}
		if i%7 != 0 {
			round = append(round, p)
		}
		if i&1 != 0 {
			round = append(round, final)
		} else {
			round = append(round, p)
		}
		final = sum(round...)
	}
	var w strings.Builder
	w.WriteString(magic + salt + "$")
	for _, at := range [][3]int{{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}} {
		cryptDigits(&w, final[at[0]], final[at[1]], final[at[2]], 4)
	}
	cryptDigits(&w, 0, 0, final[11], 2)
	return w.String()
}

// bcryptAlphabet is the order of base-64 digits in bcrypt.
const bcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// Bcrypt hashes a password of at most 72 bytes by bcrypt (N. Provos and D. Mazières, "A
// Future-Adaptable Password Scheme", 1999) at the lowest cost, 4: the server's time to check it
// is no factor of ours.
func Bcrypt(password string, source *rand.ChaCha8) (string, error) {
	salt := make([]byte, 16)
	_, _ = source.Read(salt) // never fails
	return bcrypt(password, salt, 4)
}

func bcrypt(password string, salt []byte, cost uint) (string, error) {
	key := append([]byte(password), 0)
	if len(key) > 73 {
		return "", fmt.Errorf("bcrypt: the password has more than 72 bytes")
	}
	key = key[:min(len(key), 72)]
	cipher, err := blowfish.NewSaltedCipher(key, salt)
	if err != nil {
		return "", fmt.Errorf("bcrypt: %w", err)
	}
	for range 1 << cost {
		blowfish.ExpandKey(key, cipher)
		blowfish.ExpandKey(salt, cipher)
	}
	text := []byte("OrpheanBeholderScryDoubt")
	for i := 0; i < len(text); i += 8 {
		for range 64 {
			cipher.Encrypt(text[i:i+8], text[i:i+8])
		}
	}
	return fmt.Sprintf("$2a$%02d$%s%s", cost, bcryptDigits(salt), bcryptDigits(text[:23])), nil
}

// bcryptDigits writes bytes in base 64, the highest bits first, without padding.
func bcryptDigits(b []byte) string {
	var w strings.Builder
	bits, held := uint(0), 0
	for _, c := range b {
		bits, held = bits<<8|uint(c), held+8
		for held >= 6 {
			held -= 6
			w.WriteByte(bcryptAlphabet[bits>>held&0x3f])
		}
	}
	if held > 0 {
		w.WriteByte(bcryptAlphabet[bits<<(6-held)&0x3f])
	}
	return w.String()
}
