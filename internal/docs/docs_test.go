package docs

import (
	"os"
	"path/filepath"
	"testing"
)

// failure is a test that only keeps that it failed.
type failure struct {
	testing.TB
	failed bool
}

func (f *failure) Helper()               {}
func (f *failure) Fatalf(string, ...any) { f.failed = true }

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name, content, want string
		fails               bool
	}{
		{"current", "a\n<!-- rows -->\nx\n<!-- end of rows -->\nb\n", "x\n", false},
		{"not current", "a\n<!-- rows -->\nx\n<!-- end of rows -->\nb\n", "y\n", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "page.md")
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			*update = false
			f := &failure{TB: t}
			if Compare(f, path, "rows", c.want); f.failed != c.fails {
				t.Errorf("failed: %v, want %v", f.failed, c.fails)
			}
		})
	}
}
