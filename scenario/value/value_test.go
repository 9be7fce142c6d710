package value

import (
	"strings"
	"testing"
)

func TestValuesAreReadAndWritten(t *testing.T) {
	for _, c := range []struct {
		typ           Type
		text          string
		plain, string string
	}{
		{Bytes, "10kB", "10000", "10kB"},
		{Bytes, "1.1kB", "1100", "1.1kB"},
		{Bytes, "4KiB", "4096", "4.096kB"},
		{Bytes, "1.5MB", "1500000", "1.5MB"},
		{Bytes, "1234567B", "1234567", "1234567B"},
		{Bytes, "0", "0", "0B"},
		{Time, "40ms", "0.04", "40ms"},
		{Time, "100us", "0.0001", "100µs"},
		{Time, "2min", "120", "2m0s"},
		{Time, "1m30s", "90", "1m30s"},
		{Time, "0.1s", "0.1", "100ms"},
		{Rate, "10mbit", "10000000", "10mbit"},
		{Rate, "1.5Gbit/s", "1500000000", "1.5gbit"},
		{Rate, "56kbit", "56000", "56kbit"},
		{Fraction, "1%", "0.01", "1%"},
		{Fraction, "0.1%", "0.001", "0.1%"},
		{Fraction, "33.3%", "0.333", "33.3%"},
		{Int, "-3", "-3", "-3"},
		{Float, "1e6", "1000000", "1000000"},
		{Bool, "on", "true", "true"},
		{String, "a b", "a b", "a b"},
	} {
		v, err := Parse(c.typ, c.text)
		if err != nil {
			t.Errorf("%s %q: %v", c.typ, c.text, err)
			continue
		}
		if v.Plain() != c.plain || v.String() != c.string {
			t.Errorf("%s %q is %q and %q, want %q and %q", c.typ, c.text, v.Plain(), v.String(), c.plain, c.string)
		}
		again, err := Parse(c.typ, v.String())
		if err != nil || again.Plain() != v.Plain() {
			t.Errorf("%s %q, written %q, is read as %q, %v", c.typ, c.text, v.String(), again.Plain(), err)
		}
	}
}

func TestWrongValues(t *testing.T) {
	for _, c := range []struct {
		typ  Type
		text string
	}{
		{Bytes, "10"}, {Bytes, "10kb"}, {Bytes, "0.5B"}, {Bytes, ""}, {Bytes, "kB"}, {Bytes, "NaNB"},
		{Time, "5"}, {Time, "5 parsecs"}, {Rate, "10MB"}, {Rate, "10"}, {Fraction, "0.5"}, {Fraction, "1"},
		{Bytes, "1e-2000000B"}, {Bytes, "1e400B"}, {Bytes, "1001TB"}, {Bytes, "0x1p3B"}, {Bytes, "1e4000000000B"},
		{Time, "1e300s"}, {Time, "9999999999h"}, {Time, "-9999h"}, {Time, "NaNs"}, {Time, "1e-2000000s"},
		{Rate, "1e300bit"}, {Rate, "1e-2000000bit"}, {Fraction, "1e300%"}, {Fraction, "1e-2000000%"}, {Float, "1e300"}, {Float, "NaN"},
		{Float, strings.Repeat("9", 1000)}, {Int, "99999999999999999999"},
		{Int, "1.5"}, {Int, "0x10"}, {Float, "inf"}, {Float, "one"}, {Bool, "maybe"}, {String, "two\nlines"},
	} {
		if v, err := Parse(c.typ, c.text); err == nil {
			t.Errorf("%s %q is read as %s, want an error", c.typ, c.text, v)
		}
	}
}
