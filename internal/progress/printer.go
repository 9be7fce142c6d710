package progress

import (
	"fmt"
	"io"
)

// Printer is the standard output of a command. It remembers what could not be written, as on a full disk, so that no command
// ends as if it had printed everything.
type Printer struct {
	To    io.Writer
	Quiet func() // called before something is printed: what tells of progress ends or goes away
	Err   error  // the first of what could not be written
}

func (p *Printer) Write(b []byte) (int, error) {
	p.Quiet()
	n, err := p.To.Write(b)
	if err != nil && p.Err == nil {
		p.Err = fmt.Errorf("write the output: %w", err)
	}
	return n, err
}
