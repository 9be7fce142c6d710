package runner

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Shard is a part of a batch: of every Of jobs the one at Index, from 0. The zero value is all.
type Shard struct{ Index, Of int }

// indexVariables are the variables in which schedulers tell a task its number, from 0: an Indexed Job of Kubernetes, a
// job array of Slurm (sbatch(1)), an array job of AWS Batch.
var indexVariables = []string{"JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID", "AWS_BATCH_JOB_ARRAY_INDEX"}

// ParseShard reads "i/n", with i from 0 to n-1, or "env/n", with i from the environment that a scheduler gives its tasks.
func ParseShard(text string) (Shard, error) {
	index, of, _ := strings.Cut(text, "/")
	if index == "env" {
		var set []string
		for _, name := range indexVariables {
			if value := os.Getenv(name); value != "" {
				set = append(set, name)
				index = value
			}
		}
		if len(set) != 1 {
			return Shard{}, request(fmt.Errorf("shard %q: one of %s must be set; there are %d", text, strings.Join(indexVariables, ", "), len(set)))
		}
		text = fmt.Sprintf("%s/%s (%s)", index, of, set[0])
	}
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(of)
	if err1 != nil || err2 != nil || n < 1 || i < 0 || i >= n {
		return Shard{}, request(fmt.Errorf("shard %q: must be i/n, with i from 0 to n-1: 0/4 is the first of four; or env/n in a task of a scheduler", text))
	}
	return Shard{i, n}, nil
}

// String gives what ParseShard reads, "" for all jobs.
func (s Shard) String() string {
	if s.Of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Of)
}

// Has tells whether the job with a number, from 0, is in the shard.
func (s Shard) Has(number int) bool { return s.Of < 2 || number%s.Of == s.Index }

// Size is how many of count jobs are in the shard.
func (s Shard) Size(count int) int {
	if s.Of < 2 {
		return count
	}
	return (count - s.Index + s.Of - 1) / s.Of
}
