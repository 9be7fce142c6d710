// Package value is what can be written for a controlled value: its type and units, the bounds
// that hold for it, and the laws that it can be drawn from.
package value

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Value is one value of a type. Its zero value is the empty text.
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

// Parse reads a value as a user writes it. Choice values are not checked here.
func Parse(t Type, s string) (Value, error) {
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
			err = fmt.Errorf("must be %s", t.How())
		}
		v.number = float64(i)
	case Float:
		v.number, err = plainNumber(s)
		if err != nil {
			err = fmt.Errorf("must be %s", t.How())
		}
	case Bool:
		switch s {
		case "true", "yes", "on", "1":
			v.number = 1
		case "false", "no", "off", "0":
		default:
			err = fmt.Errorf("must be %s", t.How())
		}
	case String:
		if strings.ContainsAny(s, "\n\r\x00") {
			err = fmt.Errorf("must be %s", t.How())
		}
		v.text = s
	default:
		v.text = s
	}
	if err == nil {
		err = t.bound(v.number)
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

// numberForm is how numbers are written: no hexadecimals, no infinity, no exponents that only a
// mistake can explain.
var numberForm = regexp.MustCompile(`^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$`)

// maxNumberLength bounds how long a number is written.
const maxNumberLength = 400

func plainNumber(s string) (float64, error) {
	if len(s) > maxNumberLength || !numberForm.MatchString(s) {
		return 0, fmt.Errorf("must be a number")
	}
	return strconv.ParseFloat(s, 64) // an error when it is too large
}

// withUnit reads a number with one of the units; only 0 may stand without.
func withUnit(t Type, s string, units []unit) (float64, error) {
	cut := strings.LastIndexAny(s, "0123456789.") + 1
	f, err := plainNumber(s[:cut])
	if err != nil {
		return 0, fmt.Errorf("must be %s", t.How())
	}
	suffix := strings.TrimSpace(s[cut:])
	if suffix == "" {
		if f == 0 {
			return 0, nil
		}
		return 0, fmt.Errorf("has no unit: must be %s", t.How())
	}
	i := slices.IndexFunc(units, func(u unit) bool { return u.name == suffix })
	if i < 0 {
		names := make([]string, len(units))
		for j, u := range units {
			names[j] = u.name
		}
		return 0, fmt.Errorf("unknown unit %q (known: %s): must be %s", suffix, strings.Join(names, " "), t.How())
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
	case v.Type.Numeric():
		return decimal(v.number)
	}
	return v.text
}

// Number is the value in the base unit of its type (numeric types only).
func (v Value) Number() float64 { return v.number }

// True is true when a Bool is.
func (v Value) True() bool { return v.number != 0 }

// Duration is a Time value, rounded to nanoseconds.
func (v Value) Duration() time.Duration { return time.Duration(math.Round(v.number * 1e9)) }

// Rounded is a Time value to the nanosecond, as it is written down; any other is as it was.
func (v Value) Rounded() Value {
	if v.Type == Time {
		v.number = v.Duration().Seconds()
	}
	return v
}

// Decimal is a float that templates print without an exponent.
type Decimal float64

// String is the number without an exponent.
func (n Decimal) String() string { return decimal(float64(n)) }

// ForTemplate gives the value as templates see it: int, Decimal, bool or string.
func (v Value) ForTemplate() any {
	switch {
	case v.Type == Bool:
		return v.True()
	case v.Type.whole():
		return int(v.number)
	case v.Type.Numeric():
		return Decimal(v.number)
	}
	return v.text
}
