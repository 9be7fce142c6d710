package engines

import (
	"detgen/engine/live"
	"detgen/engine/parts"
	"detgen/engine/vm"
)

// Role gives the main of the part that a lab started this program for, by its arguments: a supervisor, a switch of soft
// links, a host's init, a helper command of a script, or an emulator. It is nil when a user started the program.
func Role(args []string) func() error {
	if main := parts.Of(args); main != nil || len(args) < 2 {
		return main
	}
	if args[1] == live.CheckRole {
		return live.Check
	}
	return vm.Role(args[1])
}
