package dataset

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"detgen/runner"
)

// TestShardCommand makes sure that the tasks of a job array are told what runs depend on, with paths that hold on every node.
func TestShardCommand(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(here, "set")
	plain := []string{program, "dataset", "build", filepath.Join(dir, PlanFile), "--output", dir}
	for _, c := range []struct {
		with runner.Config
		want []string
	}{
		{runner.Config{}, plain},
		{runner.Config{Catalogue: "mine", Cache: "/cache", Engine: "exact"},
			append(slices.Clone(plain), "--catalogue", filepath.Join(here, "mine"), "--cache", "/cache", "--engine", "exact")},
	} {
		if got, err := shardCommand("set", c.with); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("got %q, %v, want %q", got, err, c.want)
		}
	}
}
