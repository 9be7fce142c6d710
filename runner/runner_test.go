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
	for _, text := range []string{"", "1", "5/5", "-1/5", "a/b", "1/0", "1/2/3"} {
		if _, err := ParseShard(text); err == nil || !strings.Contains(err.Error(), "must be i/n") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
