// Package program carries the program that labs put into their hosts, and that their supervisors and switches are.
package program

import (
	"embed"
	"errors"
	"io"
	"os"
	"syscall"
)

// The Makefile builds it here before the program that carries it.
//
//go:embed all:built
var built embed.FS

// Put makes a file of the program: static, for the machine that this one was built for. It is false when this program was
// built without it, as "go install" does; then this program plays the parts itself (engines.Role), and hosts take longer to
// start.
func Put(path string) (bool, error) {
	// While it can be written, no process may have it that is just being started: nobody could start it (execve(2), ETXTBSY).
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return false, err
	}
	there, err := Write(file)
	err = errors.Join(err, file.Close())
	if !there {
		err = errors.Join(err, os.Remove(path))
	}
	return there, err
}

// Write is Put for an open file.
func Write(file *os.File) (bool, error) {
	carried, err := built.Open("built/inside")
	if err != nil {
		return false, nil
	}
	defer carried.Close()
	_, err = io.Copy(file, carried) // a part at a time: it is large
	return true, err
}
