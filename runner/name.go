package runner

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"detgen/scenario"
)

// NewSeed draws a seed that is short to write and exact in every JSON reader.
func NewSeed() uint64 { return rand.Uint64N(1_000_000_000) }

// Name names a run directory after what it holds.
func Name(task string, seed uint64) string {
	return fmt.Sprintf("%s-%d", strings.ReplaceAll(task, "/", "-"), seed)
}

// batchName names the folder of a spec's runs, or the run directory when it is one.
func batchName(spec *scenario.Spec) string {
	name := Name(spec.Title(), *spec.Seed)
	if spec.Count > 1 {
		name = fmt.Sprintf("%s-n%d", name, spec.Count)
	}
	return name
}

// FreeName gives a name below runs/ that is not taken. Of a name that no folder can have it gives what making it fails for.
func FreeName(name string) string {
	path := filepath.Join("runs", name)
	for n := 2; ; n++ {
		if _, err := os.Lstat(path); err != nil {
			return path
		}
		path = filepath.Join("runs", fmt.Sprintf("%s-%d", name, n))
	}
}
