package scenario_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detgen/internal/beneath"
	"detgen/scenario"
)

// Symbolic links in a user's catalogue do not lead out of it.
func TestLinksOutOfACatalogue(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	text := strings.ReplaceAll(sound, "template: files/daemon.conf", "copy: files/daemon.conf")
	for name, content := range map[string]string{"secret": "secret\n", "scenario.yaml": text} {
		if err := os.WriteFile(filepath.Join(outside, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		linked string // what is a link, and to where
		to     string
		want   []string
	}{
		{"a file of a host", "scenarios/sound/files/daemon.conf", secret, []string{"scenario.yaml:", "files[0].copy", "escapes"}},
		{"a script", "scenarios/sound/tasks/get.sh", secret, []string{"scenario.yaml:", "tasks.get.scripts.client", "escapes"}},
		{"the scenario's own file", "scenarios/sound/scenario.yaml", filepath.Join(outside, "scenario.yaml"), []string{"scenario.yaml: cannot be read", "escapes"}},
		{"a folder", "scenarios/other", outside, []string{"scenarios/other/scenario.yaml: cannot be read", "escapes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range map[string]string{
				"scenarios/sound/scenario.yaml": text, "scenarios/sound/files/daemon.conf": "x\n", "scenarios/sound/tasks/get.sh": "outcome status=200\n",
			} {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if name == c.linked {
					continue
				}
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink(c.to, filepath.Join(dir, c.linked)); err != nil {
				t.Fatal(err)
			}
			catalogue, err := scenario.Open(scenario.Source{Name: "own", FS: beneath.Dir(dir)})
			if err == nil {
				_, err = catalogue.Scenario("sound")
			}
			wantError(t, err, c.want...)
		})
	}
}
