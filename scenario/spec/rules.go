package spec

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Clocks of engines that own theirs start within these; made certificates are valid all along.
var (
	firstEpoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	lastEpoch  = time.Date(2049, 12, 31, 0, 0, 0, 0, time.UTC)
)

func oneWord(s string) error {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '/' || r > '~' }) {
		return fmt.Errorf("must be one word")
	}
	return nil
}

func portRange(s string) ([2]int, error) {
	low, high, _ := strings.Cut(s, "-")
	a, errA := strconv.Atoi(low)
	b, errB := strconv.Atoi(high)
	if errA != nil || errB != nil || a < 1 || b > 65535 || a >= b {
		return [2]int{}, fmt.Errorf("must be two ports like 32768-60999")
	}
	return [2]int{a, b}, nil
}

// ParseEpoch reads a start of the clock.
func ParseEpoch(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Before(firstEpoch) || t.After(lastEpoch) {
		return t, fmt.Errorf("must be a time like 2026-03-01T12:00:00Z, from 2020 to 2049")
	}
	return t.UTC(), nil
}
