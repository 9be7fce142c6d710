package scenario

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
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

// numeric says whether values of the type are numbers, so that laws of numbers and bounds apply.
func (t Type) numeric() bool {
	switch t {
	case Bytes, Time, Rate, Fraction, Int, Float:
		return true
	}
	return false
}

// whole says whether values are whole numbers of the base unit; drawn ones are rounded down.
func (t Type) whole() bool { return t == Bytes || t == Int || t == Rate }

// Value is one value of a type.
type Value struct {
	Type   Type
	number float64 // numeric types: in the base unit; Bool: 0 or 1
	text   string  // the others
}

// unit is a suffix and its size in base units.
type unit struct {
	name string
	size float64
}

var (
	byteUnits = []unit{
		{"B", 1}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
		{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"KB", 1e3},
	}
	timeUnits = []unit{{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"µs", 1e-6}, {"ns", 1e-9}, {"min", 60}, {"m", 60}, {"h", 3600}}
	rateUnits = []unit{
		{"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9},
		{"bit/s", 1}, {"kbit/s", 1e3}, {"Mbit/s", 1e6}, {"Gbit/s", 1e9}, {"Mbit", 1e6}, {"Gbit", 1e9},
	}
)

// how says how a value of the type is written, for error messages.
func (t Type) how() string {
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

// ParseValue reads a value as a user writes it. Choice values are not checked here.
func ParseValue(t Type, s string) (Value, error) {
	v := Value{Type: t}
	var err error
	switch t {
	case Bytes:
		v.number, err = withUnit(t, s, byteUnits)
	case Time:
		if d, derr := time.ParseDuration(s); derr == nil {
			v.number = d.Seconds() // also "1m30s"
			break
		}
		v.number, err = withUnit(t, s, timeUnits)
	case Rate:
		v.number, err = withUnit(t, s, rateUnits)
	case Fraction:
		v.number, err = withUnit(t, s, []unit{{"%", 0.01}})
	case Int:
		var i int64
		if i, err = strconv.ParseInt(s, 10, 54); err != nil {
			err = fmt.Errorf("must be %s", t.how())
		}
		v.number = float64(i)
	case Float:
		v.number, err = plainNumber(s)
		if err != nil {
			err = fmt.Errorf("must be %s", t.how())
		}
	case Bool:
		switch s {
		case "true", "yes", "on", "1":
			v.number = 1
		case "false", "no", "off", "0":
		default:
			err = fmt.Errorf("must be %s", t.how())
		}
	case String:
		if strings.ContainsAny(s, "\n\r\x00") {
			err = fmt.Errorf("must be %s", t.how())
		}
		v.text = s
	default:
		v.text = s
	}
	if err == nil && t.whole() && v.number != math.Trunc(v.number) {
		if r := math.Round(v.number); math.Abs(r-v.number) < 1e-6 {
			v.number = r // 1.1kB is 1100.0000000000002 in floating point
		} else {
			err = fmt.Errorf("is not a whole number of %s", map[Type]string{Bytes: "bytes", Rate: "bits per second"}[t])
		}
	}
	return v, err
}

func plainNumber(s string) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err == nil && (math.IsInf(f, 0) || math.IsNaN(f)) {
		err = fmt.Errorf("must be finite")
	}
	return f, err
}

// withUnit reads a number with one of the units; only 0 may stand without.
func withUnit(t Type, s string, units []unit) (float64, error) {
	cut := strings.LastIndexAny(s, "0123456789.") + 1
	f, err := plainNumber(s[:cut])
	if err != nil {
		return 0, fmt.Errorf("must be %s", t.how())
	}
	suffix := strings.TrimSpace(s[cut:])
	if suffix == "" {
		if f == 0 {
			return 0, nil
		}
		return 0, fmt.Errorf("has no unit: must be %s", t.how())
	}
	i := slices.IndexFunc(units, func(u unit) bool { return u.name == suffix })
	if i < 0 {
		names := make([]string, len(units))
		for j, u := range units {
			names[j] = u.name
		}
		return 0, fmt.Errorf("unknown unit %q (known: %s): must be %s", suffix, strings.Join(names, " "), t.how())
	}
	return scale(s[:cut], units[i].size), nil
}

// scale multiplies a number that has been read before with the size of a unit and rounds once,
// so that 33.3% is the number nearest to 0.333.
func scale(decimal string, size float64) float64 {
	n, _ := new(big.Rat).SetString(decimal)
	if size < 1 {
		n.Quo(n, new(big.Rat).SetFloat64(math.Round(1/size)))
	} else {
		n.Mul(n, new(big.Rat).SetFloat64(size))
	}
	f, _ := n.Float64()
	return f
}

// String writes the value as a user would, with its unit.
func (v Value) String() string {
	switch v.Type {
	case Bytes:
		return scaled(v.number, []unit{{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}})
	case Rate:
		return scaled(v.number, []unit{{"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}})
	case Time:
		return v.Duration().String()
	case Fraction:
		return decimal(math.Round(v.number*1e14)/1e12) + "%"
	}
	return v.Plain()
}

// scaled writes a whole number in the largest unit that takes at most three decimals, or in the
// base unit when that would be a long number.
func scaled(number float64, units []unit) string {
	for i, u := range units {
		short := i == 0 || number < 1000*u.size
		if short && number >= u.size && math.Mod(number*1000, u.size) == 0 {
			return decimal(number/u.size) + u.name
		}
	}
	return decimal(number) + units[len(units)-1].name
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// Plain writes the value for programs: numbers in the base unit (bytes, seconds, bit/s,
// fraction of 1), true or false, or the text itself.
func (v Value) Plain() string {
	switch {
	case v.Type == Bool:
		return strconv.FormatBool(v.number != 0)
	case v.Type.numeric():
		return decimal(v.number)
	}
	return v.text
}

// Number is the value in the base unit of its type (numeric types only).
func (v Value) Number() float64 { return v.number }

// True says whether a Bool is true.
func (v Value) True() bool { return v.number != 0 }

// Duration is a Time value, rounded to nanoseconds.
func (v Value) Duration() time.Duration { return time.Duration(math.Round(v.number * 1e9)) }

// number is a float that templates print without an exponent.
type number float64

func (n number) String() string { return decimal(float64(n)) }

// forTemplate gives the value as templates see it: int, number, bool or string.
func (v Value) forTemplate() any {
	switch {
	case v.Type == Bool:
		return v.True()
	case v.Type.whole():
		return int(v.number)
	case v.Type.numeric():
		return number(v.number)
	}
	return v.text
}
