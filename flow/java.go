package flow

import (
	"math"
	"strconv"
)

// appendJavaDouble writes a number as Java's Double.toString does (Java SE 17 API): with a decimal point
// always, and with an exponent below 1e-3 and from 1e7 on. The digits are the fewest that tell the number
// from its neighbours; Java before 19 sometimes has one more.
func appendJavaDouble(b []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(b, "NaN"...)
	case math.IsInf(v, 1):
		return append(b, "Infinity"...)
	case math.IsInf(v, -1):
		return append(b, "-Infinity"...)
	}
	if size := math.Abs(v); size >= 1e-3 && size < 1e7 || size == 0 {
		if v == math.Trunc(v) {
			if v == 0 && math.Signbit(v) {
				b = append(b, '-')
			}
			b = strconv.AppendInt(b, int64(v), 10)
			return append(b, ".0"...)
		}
		return strconv.AppendFloat(b, v, 'f', -1, 64)
	}
	var buf [32]byte
	digits := strconv.AppendFloat(buf[:0], v, 'e', -1, 64) // d.ddde+xx or de+xx
	point := false
	for i, c := range digits {
		switch c {
		case '.':
			point = true
		case 'e':
			if !point {
				b = append(b, ".0"...)
			}
			b = append(b, 'E')
			exponent := digits[i+1:]
			if exponent[0] == '-' {
				b = append(b, '-')
			}
			exponent = exponent[1:]
			for len(exponent) > 1 && exponent[0] == '0' {
				exponent = exponent[1:]
			}
			return append(b, exponent...)
		}
		b = append(b, c)
	}
	return b
}

// appendPythonFloat writes a number as Python's repr of a float does, which is what pandas writes: with an exponent
// below 1e-4 and from 1e16 on.
func appendPythonFloat(b []byte, v float64) []byte {
	size := math.Abs(v)
	switch {
	case math.IsNaN(v), math.IsInf(v, 0):
		return appendJavaDouble(b, v)
	case size != 0 && size < 1e-4 || size >= 1e16:
		return strconv.AppendFloat(b, v, 'e', -1, 64)
	}
	b = strconv.AppendFloat(b, v, 'f', -1, 64)
	if v == math.Trunc(v) {
		b = append(b, ".0"...)
	}
	return b
}
