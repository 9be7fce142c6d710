package value

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"detgen/internal/problem"
)

// Definition is which values something takes.
type Definition struct {
	Name   string
	Type   Type
	Values []string // of a Choice
	Min    string   // "" for no bound
	Max    string
	Law    string                  // for "~"; "" for what follows from the type and the bounds
	Normal string                  // the value when nothing is said, for the documentation
	Doc    string                  // what it is, in a line
	Check  func(text string) error // further rule of a String
}

// Parse reads a value and checks it against the definition.
func (d Definition) Parse(text string) (Value, error) {
	v, err := Parse(d.Type, text)
	if err != nil {
		return v, err
	}
	return v, d.Allow(v)
}

// Allow checks a value against bounds, choices and further rules.
func (d Definition) Allow(v Value) error {
	if d.Type == Choice {
		if !slices.Contains(d.Values, v.text) {
			if len(d.Values) <= 8 {
				return fmt.Errorf("must be one of %s", strings.Join(d.Values, ", "))
			}
			return fmt.Errorf("no such value: %s", problem.Nearest(v.text, d.Values))
		}
		return nil
	}
	lo, hi := d.Bounds()
	if d.Type.Numeric() && (v.number < lo || v.number > hi) {
		return errors.New("must be " + d.between())
	}
	if d.Check != nil {
		return d.Check(v.text)
	}
	return nil
}

// between names the bounds, of which there is at least one.
func (d Definition) between() string {
	least := d.Min
	if lo, _ := d.Bounds(); least == "" && lo == 0 {
		least = "0"
	}
	switch {
	case least == "":
		return "at most " + d.Max
	case d.Max == "":
		return "at least " + least
	}
	return "from " + least + " to " + d.Max
}

// Bounds are the definition's bounds in base units; infinite where there is none.
func (d Definition) Bounds() (lo, hi float64) {
	lo, hi = math.Inf(-1), math.Inf(1)
	if d.Type == Bytes || d.Type == Time || d.Type == Rate || d.Type == Fraction {
		lo = 0 // none of them can be negative
	}
	if v, err := Parse(d.Type, d.Min); d.Min != "" && err == nil {
		lo = v.number
	}
	if v, err := Parse(d.Type, d.Max); d.Max != "" && err == nil {
		hi = v.number
	}
	return lo, hi
}

// LawText is the law for "~": the definition's own, or what follows from its type.
func (d Definition) LawText() (string, error) {
	switch {
	case d.Law != "":
		return d.Law, nil
	case d.Type == Choice:
		return "choice(" + strings.Join(d.Values, ", ") + ")", nil
	case d.Type == Bool:
		return "choice(true, false)", nil
	case d.Type.Numeric() && d.Min != "" && d.Max != "":
		return "uniform(" + d.Min + ", " + d.Max + ")", nil
	}
	return "", fmt.Errorf("has no law to draw from: give one, like ~%s", d.exampleLaw())
}

func (d Definition) exampleLaw() string {
	switch d.Type {
	case Bytes:
		return "uniform(1kB, 10kB)"
	case Time:
		return "exp(100ms)"
	case Rate:
		return "choice(1mbit, 10mbit)"
	case Fraction:
		return "uniform(0, 1%)"
	case Int, Float:
		return "uniform(1, 10)"
	}
	return "letters(exp(10)+2)"
}

// CheckLaw checks a law of values of a type, or one such value.
func CheckLaw(of Type, s string) error {
	if _, err := Parse(of, s); err == nil {
		return nil
	}
	if !strings.Contains(s, "(") {
		return fmt.Errorf("must be %s, or a law of such values like %s", of.How(), Definition{Type: of}.exampleLaw())
	}
	_, err := ParseLaw(of, s)
	return err
}
