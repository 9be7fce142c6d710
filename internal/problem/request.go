package problem

// Request is an error in what the user asked for, found before anything started.
type Request struct{ Err error }

// Error is the text of the error itself.
func (r Request) Error() string { return r.Err.Error() }

// Unwrap gives the error itself.
func (r Request) Unwrap() error { return r.Err }

// InRequest marks err as an error in what the user asked for; nil stays nil.
func InRequest(err error) error {
	if err == nil {
		return nil
	}
	return Request{err}
}
