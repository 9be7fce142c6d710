package link

import (
	"fmt"
	"os"
	"testing"
)

// The test binary plays the role that the detgen binary has for the soft driver.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == SwitchRole {
		if err := Switch(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
