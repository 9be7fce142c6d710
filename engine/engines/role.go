package engines

import (
	"path/filepath"
	"slices"

	"detgen/emulator"
	"detgen/engine/live"
	"detgen/engine/vm"
	"detgen/lab/inside"
	"detgen/lab/link"
)

// Role gives the main of the part that a lab started this program for, by its arguments: a supervisor, a switch of soft
// links, a host's init, a helper command of a script, or an emulator. It is nil when a user started the program.
func Role(args []string) func() error {
	switch name := filepath.Base(args[0]); {
	case slices.Contains(inside.HelperNames, name):
		return func() error { return inside.Helper(append([]string{name}, args[1:]...)) }
	case name == inside.Emulate:
		return func() error { return emulator.Main(args[1:]) }
	}
	if len(args) < 2 {
		return nil
	}
	switch args[1] {
	case inside.InitRole:
		return inside.Init
	case inside.NamespaceRole:
		return inside.PrepareNamespace
	case link.SwitchRole:
		return link.Switch
	case live.SupervisorRole:
		return live.Supervisor
	}
	return vm.Role(args[1])
}
