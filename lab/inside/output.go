package inside

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// output is the pipe that a program, and those that it starts, print to. Reading it does not wait.
type output struct {
	program string
	pipe    *os.File
	raw     syscall.RawConn

	mu     sync.Mutex // keeps the order of what is read
	buffer []byte
}

// pipeSize is how much a pipe holds (pipe(7)).
const pipeSize = 64 << 10

// newOutput makes a pipe. The caller closes the end that the program gets.
func newOutput(program string) (_ *output, end int, err error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return nil, 0, fmt.Errorf("make a pipe: %w", err)
	}
	unix.SetNonblock(pipe[0], true) // before NewFile, which then polls; it cannot fail
	o := &output{program: program, pipe: os.NewFile(uintptr(pipe[0]), program), buffer: make([]byte, pipeSize)}
	if o.raw, err = o.pipe.SyscallConn(); err != nil {
		return nil, 0, errors.Join(err, o.pipe.Close(), unix.Close(pipe[1]))
	}
	return o, pipe[1], nil
}

// passOn sends the lab all that is printed, until nobody can print any more.
func (s *server) passOn(o *output) {
	o.raw.Read(func(fd uintptr) (done bool) {
		for {
			n, err := s.passPart(o, int(fd))
			if err == unix.EAGAIN {
				return false // and is called again when there is more
			}
			if n <= 0 {
				return true
			}
		}
	})
	s.mu.Lock()
	if s.outputs[o.program] == o {
		delete(s.outputs, o.program)
	}
	s.mu.Unlock()
	o.pipe.Close()
}

// flush sends the lab what a program has printed until now.
func (s *server) flush(program string) {
	s.mu.Lock()
	o := s.outputs[program]
	s.mu.Unlock()
	if o == nil {
		return
	}
	o.raw.Control(func(fd uintptr) { // fails when everything was sent
		for sum := 0; sum < pipeSize; {
			n, err := s.passPart(o, int(fd))
			if err != nil || n <= 0 {
				return
			}
			sum += n
		}
	})
}

// passPart sends the lab a part of what is in a pipe.
func (s *server) passPart(o *output, fd int) (n int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		if n, err = unix.Read(fd, o.buffer); err != unix.EINTR {
			break
		}
	}
	if n > 0 {
		s.send(Message{Event: Printed, Program: o.program, Content: o.buffer[:n]})
	}
	return n, err
}
