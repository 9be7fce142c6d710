// Package seed makes named streams of random numbers from one seed (design: "Randomness").
// Every drawn value has a stream of its own, named after what is drawn, so that adding a draw
// somewhere moves no draw anywhere else.
package seed

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// Source gives the stream called name of a seed: a ChaCha8 generator (math/rand/v2) keyed with
// SHA-256(seed as 8 bytes, little-endian, then name). Equal arguments always give equal
// streams; streams of different names are independent. The caller owns the source; it is not
// safe for use by several goroutines at once.
func Source(seed uint64, name string) *rand.ChaCha8 {
	text := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(name)), seed)
	return rand.NewChaCha8(sha256.Sum256(append(text, name...)))
}

// Stream is Source with the methods of rand.Rand on top.
func Stream(seed uint64, name string) *rand.Rand { return rand.New(Source(seed, name)) }

// Derive gives the 64-bit seed called name below a seed: the first number of that stream.
func Derive(seed uint64, name string) uint64 { return Source(seed, name).Uint64() }
