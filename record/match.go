package record

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Match reports whether an observed outcome is what was expected. An expectation is
//
//	any        any value
//	~REGEXP    a value that the regular expression matches somewhere (RE2 syntax)
//	>=N <=N >N <N   a number on that side of N
//	A..B       a number from A to B, ends included
//	!TEXT      anything but this text
//	=TEXT      exactly this text, for texts that look like one of the above
//	TEXT       exactly this text
//
// An expectation that is not one of these is an error.
func Match(expected, observed string) (bool, error) {
	if expected == "any" {
		return true, nil
	}
	if pattern, ok := strings.CutPrefix(expected, "~"); ok {
		r, err := regexp.Compile(pattern)
		if err != nil {
			return false, fmt.Errorf("expectation %q: %w", expected, err)
		}
		return r.MatchString(observed), nil
	}
	if text, ok := strings.CutPrefix(expected, "!"); ok {
		return observed != text, nil
	}
	if text, ok := strings.CutPrefix(expected, "="); ok {
		return observed == text, nil
	}
	if m := numberRange.FindStringSubmatch(expected); m != nil {
		return matchRange(expected, m[1], m[2], observed)
	}
	for _, operator := range []string{">=", "<=", ">", "<"} {
		text, ok := strings.CutPrefix(expected, operator)
		if !ok {
			continue
		}
		bound, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return false, fmt.Errorf("expectation %q: %q is not a number", expected, text)
		}
		value, err := strconv.ParseFloat(observed, 64)
		if err != nil {
			return false, nil // what was observed is not a number, so it is not what was expected
		}
		switch operator {
		case ">=":
			return value >= bound, nil
		case "<=":
			return value <= bound, nil
		case ">":
			return value > bound, nil
		}
		return value < bound, nil
	}
	return expected == observed, nil
}

var numberRange = regexp.MustCompile(`^(-?[0-9.]*[0-9])\.\.(-?[0-9.]*[0-9])$`)

func matchRange(expected, low, high, observed string) (bool, error) {
	a, errA := strconv.ParseFloat(low, 64)
	b, errB := strconv.ParseFloat(high, 64)
	if errA != nil || errB != nil || a > b {
		return false, fmt.Errorf("expectation %q: must be two numbers, the smaller first", expected)
	}
	value, err := strconv.ParseFloat(observed, 64)
	return err == nil && a <= value && value <= b, nil
}
