package value

import (
	"fmt"
	"math"
)

// Type is the kind of a value: how it is written, and in which base unit scripts get it.
type Type string

// The types of values.
const (
	Bytes    Type = "bytes"    // 10kB, 1.5MB, 4KiB; base unit byte
	Time     Type = "duration" // 40ms, 1.5s, 2min; base unit second
	Rate     Type = "rate"     // 10mbit, 1.5gbit; base unit bit/s
	Fraction Type = "fraction" // 1%, 0.1%; base unit 1 (0.01, 0.001)
	Int      Type = "int"
	Float    Type = "float"
	String   Type = "string" // one line
	TextType Type = "text"   // any text; @FILE reads it from a file
	Choice   Type = "choice" // one of the parameter's values
	Bool     Type = "bool"
	LawType  Type = "law" // a law of values of another type, or one such value
)

// Types are all types of values, in the order of the documentation.
var Types = []Type{Bytes, Time, Rate, Fraction, Int, Float, String, TextType, Choice, Bool, LawType}

// Numeric is true for types whose values are numbers: laws of numbers and bounds apply to them.
func (t Type) Numeric() bool {
	switch t {
	case Bytes, Time, Rate, Fraction, Int, Float:
		return true
	}
	return false
}

// Limits of values in base units, so that whatever is computed from them still fits: sums of
// times in nanoseconds, sums of sizes in 64 bits.
var limits = map[Type]struct {
	most  float64
	words string
}{
	Bytes: {1e15, "1000TB"}, Time: {365 * 24 * 3600, "8760h"}, Rate: {1e15, "1000000gbit"}, Fraction: {1e6, "100000000%"},
	Int: {1 << 53, "9007199254740992"}, Float: {1e18, "1e18"},
}

// bound gives an error for a number that no value of the type can be.
func (t Type) bound(number float64) error {
	if limit, ok := limits[t]; ok && !(math.Abs(number) <= limit.most) {
		return fmt.Errorf("is out of range: must be at most %s", limit.words)
	}
	return nil
}

// whole is true for types of whole numbers of the base unit; drawn ones are rounded down.
func (t Type) whole() bool { return t == Bytes || t == Int || t == Rate }

// How describes how a value of the type is written, for messages: "a time like 40ms, 1.5s or 2min".
func (t Type) How() string {
	switch t {
	case Bytes:
		return "a size like 500B, 10kB, 1.5MB or 4KiB"
	case Time:
		return "a time like 40ms, 1.5s or 2min"
	case Rate:
		return "a rate like 500kbit, 10mbit or 1gbit (bits per second)"
	case Fraction:
		return "a percentage like 1% or 0.1%"
	case Int:
		return "a whole number"
	case Float:
		return "a number"
	case Bool:
		return "true or false"
	case String:
		return "one line of text"
	case LawType:
		return "a law like exp(100ms), or a value"
	}
	return "text"
}
