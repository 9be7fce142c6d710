package lab

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"detgen/internal/thread"

	"golang.org/x/sys/unix"
)

// TestAFileThatIsGoneIsNotMounted mounts files on others, of which one is removed when both are open already.
func TestAFileThatIsGoneIsNotMounted(t *testing.T) {
	if testing.Short() {
		t.Skip("mounts")
	}
	for name, c := range map[string]struct {
		removed string
		want    string // what is read at the target
	}{
		"both are there":     {"", "of the source"},
		"the source is gone": {"source", "of the target"},
		"the target is gone": {"target", ""},
	} {
		dir := t.TempDir()
		for _, file := range []string{"source", "target"} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte("of the "+file), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		result := make(chan error)
		var found []byte
		thread.Go(func() {
			result <- func() error {
				if err := errors.Join(unix.Unshare(unix.CLONE_NEWNS|unix.CLONE_FS), unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")); err != nil {
					return err
				}
				from, err := openPlain(filepath.Join(dir, "source"))
				if err != nil {
					return err
				}
				defer unix.Close(from)
				target, err := openPlain(filepath.Join(dir, "target"))
				if err != nil {
					return err
				}
				defer unix.Close(target)
				if c.removed != "" {
					if err := os.Remove(filepath.Join(dir, c.removed)); err != nil {
						return err
					}
				}
				if err := mountFile("source", from, target); err != nil {
					return err
				}
				found, err = os.ReadFile(filepath.Join(dir, "target"))
				if errors.Is(err, os.ErrNotExist) {
					return nil
				}
				return err
			}()
		})
		if err := <-result; err != nil || string(found) != c.want {
			t.Errorf("%s: %q, %v, want %q", name, found, err, c.want)
		}
	}
}
