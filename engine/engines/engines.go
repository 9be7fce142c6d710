// Package engines opens engines by name.
package engines

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"detgen/engine"
	"detgen/engine/exact"
	"detgen/engine/live"
	"detgen/engine/vm"
)

// Names are those of all engines; the first is the default.
var Names = []string{live.Name, exact.Name, vm.Name}

// Open gives the engine of a name, "" for the default one. Nothing is made or started yet.
func Open(name string, c engine.Config) (engine.Engine, error) {
	switch name {
	case live.Name, "":
		return live.New(c), nil
	case exact.Name:
		return exact.New(c), nil
	case vm.Name:
		return vm.New(c), nil
	}
	return nil, fmt.Errorf("there is no engine %q: must be %s or %s", name, strings.Join(Names[:len(Names)-1], ", "), Names[len(Names)-1])
}

// Kit puts what saved images need on a machine without Debian's packages, the guest's kernel, into a cache directory if
// it is missing, and gives its folder's path below that.
func Kit(ctx context.Context, cache string, log *slog.Logger) (folder string, err error) {
	return exact.PrepareKit(ctx, cache, log)
}

// IsKit reports whether a path below a cache directory is the folder that Kit makes.
func IsKit(folder string) bool { return folder == exact.KitFolder() }

// Exact gives the name of the engine on which the same run gives the same bytes.
func Exact() string { return exact.Name }

// Guest turns this process into a guest's init when it is one, and does not return then. A program that may be the
// agent of a guest calls it first thing.
func Guest() { exact.Guest() }
