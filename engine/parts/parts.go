// Package parts gives the parts that a program plays for a lab, and within its hosts.
package parts

import (
	"path/filepath"
	"slices"

	"detgen/emulator"
	"detgen/engine/live/supervisor"
	"detgen/lab/inside"
	"detgen/lab/link"
)

// Of gives the main of the part that a program was started for, by its arguments: a lab's supervisor, its switch, a host's
// init, a helper command of a script, or an emulator. It is nil for any other.
func Of(args []string) func() error {
	switch name := filepath.Base(args[0]); {
	case slices.Contains(inside.HelperNames, name):
		return func() error { return inside.Helper(append([]string{name}, args[1:]...)) }
	case name == inside.Emulate:
		return func() error { return emulator.Main(args[1:]) }
	case len(args) < 2:
		return nil
	case args[1] == supervisor.Role:
		return supervisor.Main
	case args[1] == link.SwitchRole:
		return link.Switch
	case args[1] == inside.InitRole:
		return inside.Init
	case args[1] == inside.NamespaceRole:
		return inside.PrepareNamespace
	}
	return nil
}
