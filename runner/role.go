package runner

import (
	"detgen/catalogue"
	"detgen/engine/engines"
	"detgen/image"
)

// Role gives the main of the part that this program was started for, by its arguments: one of a lab, or the building of
// images. It is nil when a user started the program.
func Role(args []string) func() error {
	if len(args) == 2 && args[1] == image.WorkerRole {
		return func() error { return image.Worker(catalogue.FS) }
	}
	return engines.Role(args)
}
