// Package options reads the flags of emulators, and holds their values to bounds.
package options

import (
	"flag"
	"fmt"
	"time"
)

// Parse reads flags. The required ones must not be empty, and no word may follow.
func Parse(f *flag.FlagSet, args []string, required ...string) error {
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected word %q", f.Arg(0))
	}
	for _, name := range required {
		if f.Lookup(name).Value.String() == "" {
			return fmt.Errorf("--%s is missing", name)
		}
	}
	return nil
}

// Within gives an error unless a flag of a whole number is from least to most.
func Within(f *flag.FlagSet, name string, least, most int) error {
	if n := f.Lookup(name).Value.(flag.Getter).Get().(int); n < least || n > most {
		return fmt.Errorf("--%s is %d: want %d to %d", name, n, least, most)
	}
	return nil
}

// WithinTime gives an error unless a flag of a duration is from least to most.
func WithinTime(f *flag.FlagSet, name string, least, most time.Duration) error {
	if d := f.Lookup(name).Value.(flag.Getter).Get().(time.Duration); d < least || d > most {
		return fmt.Errorf("--%s is %v: want %v to %v", name, d, least, most)
	}
	return nil
}
