package runner

import (
	"slices"
	"strings"
	"testing"
)

// TestShards: the shards of a batch have no job in common and all jobs together.
func TestShards(t *testing.T) {
	for _, count := range []int{0, 1, 7, 8, 9, 100} {
		for _, of := range []int{1, 2, 3, 8} {
			var seen []uint64
			for index := range of {
				b := Batch{Shard: Shard{index, of}, Jobs: func(yield func(Job) bool) {
					for i := range count {
						if !yield(Job{Seed: uint64(i)}) {
							return
						}
					}
				}}
				n := 0
				for job := range b.shard() {
					seen = append(seen, job.Seed)
					n++
				}
				if n != b.Shard.Size(count) {
					t.Errorf("shard %d/%d of %d: %d jobs, size says %d", index, of, count, n, b.Shard.Size(count))
				}
			}
			slices.Sort(seen)
			if len(slices.Compact(seen)) != count || len(seen) != count {
				t.Errorf("%d jobs in %d shards: %v", count, of, seen)
			}
		}
	}
}

func TestParseShard(t *testing.T) {
	if s, err := ParseShard("2/5"); err != nil || s != (Shard{2, 5}) {
		t.Errorf("2/5: %+v, %v", s, err)
	}
	for _, name := range indexVariables {
		t.Setenv(name, "")
	}
	if _, err := ParseShard("env/4"); err == nil || !strings.Contains(err.Error(), "must be set; there are 0") {
		t.Errorf("no scheduler: %v", err)
	}
	t.Setenv("SLURM_ARRAY_TASK_ID", "3")
	if s, err := ParseShard("env/4"); err != nil || s != (Shard{3, 4}) {
		t.Errorf("env/4: %+v, %v", s, err)
	}
	if _, err := ParseShard("env/3"); err == nil || !strings.Contains(err.Error(), "3/3 (SLURM_ARRAY_TASK_ID)") {
		t.Errorf("a task too many: %v", err)
	}
	t.Setenv("JOB_COMPLETION_INDEX", "1")
	if _, err := ParseShard("env/4"); err == nil || !strings.Contains(err.Error(), "there are 2") {
		t.Errorf("two schedulers: %v", err)
	}
	for _, text := range []string{"", "1", "5/5", "-1/5", "a/b", "1/0", "1/2/3"} {
		if _, err := ParseShard(text); err == nil || !strings.Contains(err.Error(), "must be i/n") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
