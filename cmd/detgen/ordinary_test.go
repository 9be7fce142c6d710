package main

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"detgen/internal/labtest"
	"detgen/internal/ordinary"
	"detgen/record"
)

// An ordinary user with an empty cache makes a run of the exact engine: images, guest and snapshot are made for it. The
// packed layers and the captures have root's bytes. What was built is there for the user to remove.
func TestWithoutRoot(t *testing.T) {
	needsLab(t)
	path := labtest.Program(t)
	u := ordinary.New(t, 1<<16, path)
	arguments := []string{"run", "ping/echo", "--engine", "exact", "--seed", "4", "-s", "params.count=2", "-s", "params.interval=10ms", "-o"}
	there := filepath.Join(u.Home, "run")
	if code, _, stderr := outcome(t, u.Command(t.Context(), nil, append(arguments, there)...)); code != exitDone {
		t.Fatalf("as a user: exit code %d: %s", code, stderr)
	}
	mine, err := record.Read(there)
	if err != nil {
		t.Fatal(err)
	}

	cache, err := filepath.Abs(os.Getenv("DETGEN_CACHE"))
	if os.Getenv("DETGEN_CACHE") == "" {
		cache = "/var/cache/detgen"
	}
	if err != nil {
		t.Fatal(err)
	}
	here := filepath.Join(t.TempDir(), "run")
	asRoot := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), path, args...)
		cmd.Env = append(os.Environ(), "DETGEN_CACHE="+cache)
		if code, _, stderr := outcome(t, cmd); code != exitDone {
			t.Fatalf("as root: exit code %d: %s", code, stderr)
		}
	}
	asRoot("image", "build", "--pack", "ping-client")
	entries, err := filepath.Glob(filepath.Join(u.Home, ".cache/detgen/images/*/image.json"))
	if err != nil || len(entries) != 2 {
		t.Fatalf("the user's images are %q (%v), want base and ping-client", entries, err)
	}
	roots := func(entry string) string { return filepath.Join(cache, "images", filepath.Base(filepath.Dir(entry))) }
	for _, entry := range entries {
		if !maps.Equal(packagesOf(t, entry), packagesOf(t, filepath.Join(roots(entry), "image.json"))) {
			cache = t.TempDir() // Debian has published packages since root's were built
			asRoot("image", "build", "--pack", "ping-client")
			break
		}
	}
	asRoot(append(arguments, here)...)
	for _, entry := range entries {
		a, _, errA := record.Digest(filepath.Join(filepath.Dir(entry), "layer.erofs"))
		b, _, errB := record.Digest(filepath.Join(roots(entry), "layer.erofs"))
		if errA != nil || errB != nil || a != b {
			t.Errorf("the layer of %s is %s packed, root's is %s (%v, %v)", entry, a, b, errA, errB)
		}
	}
	its, err := record.Read(here)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range mine.Result.Captures {
		if c.SHA256 != its.Result.Captures[i].SHA256 {
			t.Errorf("%s: a user's run has other bytes than root's", c.File)
		}
	}

	if code, _, stderr := outcome(t, u.Command(t.Context(), nil, "image", "prune", "--all")); code != exitDone {
		t.Errorf("prune: exit code %d: %s", code, stderr)
	}
	if left, err := os.ReadDir(filepath.Join(u.Home, ".cache/detgen/images")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// packagesOf gives the packages of an image by its description.
func packagesOf(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	var image struct{ Packages map[string]string }
	if err == nil {
		err = json.Unmarshal(text, &image)
	}
	if err != nil {
		t.Fatal(err)
	}
	return image.Packages
}
