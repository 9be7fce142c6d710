package dataset

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestClaimAtOnce: shards that start at the same time, as an array job's tasks do, all find the folder whole.
func TestClaimAtOnce(t *testing.T) {
	for range 50 {
		dir := filepath.Join(t.TempDir(), "set")
		start := make(chan struct{})
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				d := &Dataset{Dir: dir, text: []byte("a plan\n")}
				<-start
				if err := d.claim(); err != nil {
					t.Errorf("a shard: %v", err)
					return
				}
				if text, err := os.ReadFile(filepath.Join(dir, PlanFile)); err != nil || string(text) != "a plan\n" {
					t.Errorf("the plan is %q (%v)", text, err)
				}
				if _, err := os.Stat(filepath.Join(dir, RunsFolder)); err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		wait.Wait()
		if names, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(names) != 1 {
			t.Fatalf("%v (%v) is left beside the folder", names, err)
		}
		other := &Dataset{Dir: dir, text: []byte("another plan\n")}
		if err := other.claim(); err == nil {
			t.Fatal("another plan took the folder")
		}
	}
}
