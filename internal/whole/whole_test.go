package whole

import (
	"os"
	"path/filepath"
	"testing"
)

// TestWriteFile replaces a file, leaves nothing else, and keeps the old one when it cannot write.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	for _, text := range []string{"old", "new"} {
		if err := WriteFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
	if err := os.Mkdir(path+".partial", 0o755); err != nil { // nothing can be written there
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("third")); err == nil {
		t.Error("no error")
	}
	if got, _ := os.ReadFile(path); string(got) != "new" {
		t.Errorf("the old file became %q", got)
	}
}
