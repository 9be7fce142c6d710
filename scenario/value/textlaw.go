package value

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"detgen/internal/problem"
	"detgen/scenario/material"
)

const (
	lowercase    = "abcdefghijklmnopqrstuvwxyz"
	alphanumeric = lowercase + "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	hexadecimal  = "0123456789abcdef"
)

// textLaw draws letters, words or names.
func textLaw(t Type, c Call) (drawFunc, error) {
	if err := c.plainCall(); err != nil {
		return nil, err
	}
	if c.Name == "name" {
		if err := c.arity(0); err != nil {
			return nil, err
		}
		return func(r *rand.Rand, _, _ float64) (Value, error) {
			return Value{Type: t, text: material.UserName(r)}, nil
		}, nil
	}
	alphabets := map[string]string{"letters": lowercase, "alnum": alphanumeric, "hex": hexadecimal, "words": ""}
	alphabet, ok := alphabets[c.Name]
	if !ok {
		return nil, fmt.Errorf("unknown law %q for text: %s", c.Name, problem.Nearest(c.Name, textLaws))
	}
	if err := c.arity(1); err != nil {
		return nil, err
	}
	length, err := lengthLaw(c.Args[0])
	if err != nil {
		return nil, fmt.Errorf("%s: length: %w", c.Name, err)
	}
	return func(r *rand.Rand, _, _ float64) (Value, error) {
		n, err := length.Draw(r, 0, maxDrawnLength)
		if err != nil {
			return Value{}, fmt.Errorf("%s: length: %w", c.Name, err)
		}
		if c.Name == "words" {
			return Value{Type: t, text: material.Words(r, int(n.number))}, nil
		}
		text := make([]byte, int(n.number))
		for i := range text {
			text[i] = alphabet[r.IntN(len(alphabet))]
		}
		return Value{Type: t, text: string(text)}, nil
	}, nil
}

// maxDrawnLength bounds drawn texts, in letters or words.
const maxDrawnLength = 1_000_000

// lengthLaw reads a length: a law of whole numbers, or a plain number.
func lengthLaw(s string) (Law, error) {
	if _, err := strconv.Atoi(s); err == nil {
		return ParseLaw(Int, "constant("+s+")")
	}
	return ParseLaw(Int, s)
}
