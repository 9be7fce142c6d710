package runner

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestFreeNameEnds makes sure that a name that no folder can have is given at once: looking for a free one would never end.
func TestFreeNameEnds(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{strings.Repeat("a", 300), "a\x00b", "free"} {
		if path := FreeName(name); path != filepath.Join("runs", name) {
			t.Errorf("got %q", path)
		}
	}
}
