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

// newRSA makes a key of two primes of half the length.
func newRSA(source *rand.ChaCha8) (*rsa.PrivateKey, error) {
	e, one := big.NewInt(rsaExponent), big.NewInt(1)
	p, q := rsaPrime(e, source), rsaPrime(e, source)
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

// rsaPrime gives a prime p whose two highest bits are set, so that the product of two has the
// full length, and for which p - 1 shares no factor with e: the first such from a drawn odd
// number on, or from the next drawn one when there is none near.
func rsaPrime(e *big.Int, source *rand.ChaCha8) *big.Int {
	one, small := big.NewInt(1), smallPrimes()
	bytes := make([]byte, rsaBits/16)
	remainders := make([]uint64, len(small))
	for {
		_, _ = source.Read(bytes) // never fails
		bytes[0] |= 0xc0
		bytes[len(bytes)-1] |= 1
		start := new(big.Int).SetBytes(bytes)
		for i, p := range small {
			remainders[i] = new(big.Int).Mod(start, new(big.Int).SetUint64(p)).Uint64()
		}
		for offset := uint64(0); offset < 1<<14; offset += 2 {
			if divisible(offset, remainders, small) {
				continue
			}
			p := new(big.Int).Add(start, new(big.Int).SetUint64(offset))
			coprime := new(big.Int).GCD(nil, nil, e, new(big.Int).Sub(p, one)).Cmp(one) == 0
			// With the Baillie-PSW test, one round is plenty for numbers that nobody chose.
			if coprime && p.ProbablyPrime(1) {
				return p
			}
		}
	}
}

// divisible is true for a number, given by its remainders and an offset, that has a small factor.
func divisible(offset uint64, remainders, primes []uint64) bool {
	for i, p := range primes {
		if (remainders[i]+offset)%p == 0 {
			return true
		}
	}
	return false
}

// smallPrimes are the odd primes below 5000.
func smallPrimes() []uint64 {
	var primes []uint64
	for n := uint64(3); n < 5000; n += 2 {
		prime := true
		for _, p := range primes {
			if p*p > n {
				break
			}
			if n%p == 0 {
				prime = false
				break
			}
		}
		if prime {
			primes = append(primes, n)
		}
	}
	return primes
}
