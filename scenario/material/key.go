package material

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"math/big"
	"math/rand/v2"
)

// KeyTypes are the types of keys that NewKey makes.
var KeyTypes = []string{"ed25519", "ecdsa", "rsa"}

// NewKey makes a private key from a stream: ed25519, ecdsa (P-256) or rsa (2048 bits, which
// takes some tenths of a second). The result is an ed25519.PrivateKey, *ecdsa.PrivateKey or
// *rsa.PrivateKey.
//
// The generators of the standard library do not serve: they use the system's randomness,
// whatever reader they are given.
func NewKey(keyType string, source *rand.ChaCha8) (crypto.Signer, error) {
	switch keyType {
	case "ed25519":
		seed := make([]byte, ed25519.SeedSize)
		_, _ = source.Read(seed) // never fails
		return ed25519.NewKeyFromSeed(seed), nil
	case "ecdsa":
		return newECDSA(source)
	case "rsa":
		return newRSA(source)
	}
	return nil, fmt.Errorf("no keys of type %q: %v", keyType, KeyTypes)
}

// newECDSA draws numbers until one is below the order of P-256, which is almost always the first.
func newECDSA(source *rand.ChaCha8) (*ecdsa.PrivateKey, error) {
	scalar := make([]byte, 32)
	for {
		_, _ = source.Read(scalar)
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar); err == nil {
			return key, nil
		}
	}
}

const (
	rsaBits     = 2048
	rsaExponent = 65537
)

// newRSA draws two primes of half the length whose two highest bits are set, so that their
// product has the full length (FIPS 186-5, appendix A.1.3, without its further conditions).
func newRSA(source *rand.ChaCha8) (*rsa.PrivateKey, error) {
	e := big.NewInt(rsaExponent)
	one := big.NewInt(1)
	prime := func() *big.Int {
		bytes := make([]byte, rsaBits/16)
		for {
			_, _ = source.Read(bytes)
			bytes[0] |= 0xc0
			bytes[len(bytes)-1] |= 1
			p := new(big.Int).SetBytes(bytes)
			coprime := new(big.Int).GCD(nil, nil, e, new(big.Int).Sub(p, one)).Cmp(one) == 0
			if coprime && p.ProbablyPrime(20) {
				return p
			}
		}
	}
	p, q := prime(), prime()
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: rsaExponent},
		D:         new(big.Int).ModInverse(e, phi),
		Primes:    []*big.Int{p, q},
	}
	key.Precompute()
	if err := key.Validate(); err != nil {
		return nil, fmt.Errorf("rsa key: %w", err)
	}
	return key, nil
}
