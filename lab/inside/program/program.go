// Package program carries the program that labs put into their hosts.
package program

import (
	"embed"
	"errors"
	"io"
	"os"
)

// The Makefile builds it here before the program that carries it.
//
//go:embed all:built
var built embed.FS

// Put writes the program to a file that is not there yet: static, for the machine that this one was built for. It is false
// when this program was built without it, as "go install" does; then this program plays the parts itself (engines.Role),
// and hosts take longer to start.
func Put(path string) (bool, error) {
	carried, err := built.Open("built/inside")
	if err != nil {
		return false, nil
	}
	defer carried.Close()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return false, err
	}
	_, err = io.Copy(file, carried) // a part at a time: it is large
	return true, errors.Join(err, file.Close())
}
