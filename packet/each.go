package packet

import (
	"errors"
	"fmt"
)

// Each opens captures one after the other and gives them to read. tell is told before which one is next, and warn what
// is odd in one. A capture that is damaged, or of a link that cannot be read, does not keep the others from being read:
// failed has the errors of those. Any other error ends the reading. Errors name the capture.
func Each(paths []string, tell func(string), warn func(string), read func(path string, r *Reader) error) (failed, err error) {
	var all []error
	for i, path := range paths {
		tell(fmt.Sprintf("%s: %d of %d captures", path, i+1, len(paths)))
		err := one(path, warn, read)
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

func one(path string, warn func(string), read func(path string, r *Reader) error) error {
	r, err := Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	err = read(path, r)
	for _, w := range r.Warnings() {
		warn(fmt.Sprintf("%s: %s", path, w))
	}
	return inCapture(path, err)
}

// inCapture puts the name of the capture before each of the errors in err.
func inCapture(path string, err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var named []error
		for _, e := range joined.Unwrap() {
			named = append(named, inCapture(path, e))
		}
		return errors.Join(named...)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return err
}
