package packet

import (
	"errors"
	"fmt"
)

// Each opens captures one after the other, those of a group as a series, and gives them to read. tell is told before
// which one is next, and warn what is odd in one. A capture that is damaged, or of a link that cannot be read, does not
// keep the others from being read: failed has the errors of those. Any other error ends the reading. Errors name the
// capture.
func Each(groups [][]string, tell func(string), warn func(string), read func(s *Series) error) (failed, err error) {
	var all []error
	for i, group := range groups {
		tell(fmt.Sprintf("%s: %d of %d captures", group[0], i+1, len(groups)))
		err := one(group, warn, read)
		var damage *DamageError
		var link *LinkError
		switch {
		case err == nil:
		case errors.As(err, &damage) || errors.As(err, &link):
			all = append(all, err)
		default:
			return nil, err
		}
	}
	return errors.Join(all...), nil
}

func one(group []string, warn func(string), read func(s *Series) error) error {
	s, err := OpenSeries(group)
	if err != nil {
		return err
	}
	defer s.Close()
	err = read(s)
	for _, w := range s.Warnings() {
		warn(w)
	}
	return inCapture(s.Name(), err)
}

// inCapture puts the name of the capture before each of the errors in err that does not have one.
func inCapture(path string, err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var named []error
		for _, e := range joined.Unwrap() {
			named = append(named, inCapture(path, e))
		}
		return errors.Join(named...)
	}
	if _, named := err.(*captureError); named || err == nil {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}
