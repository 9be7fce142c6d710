// Command detgen-inside is the program that labs put into their hosts, and that their own processes are: what a script calls
// runs thousands of times in a large run, and the whole of detgen takes four times as long to start. Package program
// carries it.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"detgen/engine/parts"
)

func main() {
	err := errors.New("only a lab starts this program")
	if main := parts.Of(os.Args); main != nil {
		err = main()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, filepath.Base(os.Args[0])+":", err)
		os.Exit(1)
	}
}
