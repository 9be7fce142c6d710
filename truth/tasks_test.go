package truth_test

import (
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"detgen/internal/labtest"
	"detgen/record"
	"detgen/truth"
)

var full = flag.Bool("full", false, "compare fates with the links' log over 20 tasks and all impairments, not four tasks and all impairments together")

// The tasks and the settings of all links, of which the short test takes the first four and the first.
var (
	oracleTasks = strings.Fields(`web/get ssh/command ftp/get ping/name
		web/multi-get web/post web/put web/head web/delete web/keep-alive web/range
		ssh/upload ssh/download ssh/sftp ssh/keyscan ftp/put ftp/get-all ftp/put-passive ftp/delete ping/echo`)
	oracleLinks = []string{
		"delay=4ms jitter=2ms loss=4% corrupt=4% duplicate=4% reorder=4%",
		"delay=4ms jitter=3ms",
		"loss=1%", "delay=2ms loss=10%",
		"corrupt=1%", "delay=2ms corrupt=10%",
		"duplicate=1%", "delay=2ms jitter=1ms duplicate=10%",
		"delay=4ms reorder=1%", "delay=4ms reorder=10%",
		"rate=5mbit limit=10",
		"delay=4ms jitter=2ms loss=1% corrupt=1% duplicate=1% reorder=1% rate=50mbit limit=100",
	}
)

// Over the scenarios' tasks, what the captures alone tell is what the links' log says. A task that fails
// because of its links is compared like any other.
func TestFatesOfTasksAgreeWithTheLinksLog(t *testing.T) {
	if testing.Short() {
		t.Skip("makes labs")
	}
	program := labtest.Program(t)
	tasks, links := oracleTasks[:4], oracleLinks[:1]
	if *full {
		tasks, links = oracleTasks, oracleLinks
	}
	for _, settings := range links {
		var mu sync.Mutex
		var sum truth.Agreement
		failed := 0
		t.Run(settings, func(t *testing.T) {
			for i, task := range tasks {
				t.Run(task, func(t *testing.T) {
					t.Parallel()
					dir := filepath.Join(t.TempDir(), "run")
					args := []string{"run", task, "--link-driver", "soft", "--seed", fmt.Sprint(i + 1), "-o", dir}
					for s := range strings.FieldsSeq(settings) {
						args = append(args, "-s", "link.all.both."+s)
					}
					said, _ := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
					rec, err := record.Read(dir)
					if err != nil {
						t.Fatalf("%v: %s", err, said)
					}
					a, err := truth.Agree(dir, rec)
					if err != nil {
						t.Fatal(err)
					}
					for _, m := range a.Misses {
						t.Log(m)
					}
					mu.Lock()
					defer mu.Unlock()
					sum.Add(a)
					if rec.Result.Status != record.Complete {
						failed++
					}
				})
			}
		})
		t.Logf("%s: %d runs, %d of them failed tasks; %s", settings, len(tasks), failed, sum.String())
		if failed > len(tasks)/2 {
			t.Errorf("%s: %d of %d tasks failed", settings, failed, len(tasks))
		}
		checkAgreement(t, &sum)
	}
}

// checkAgreement fails when the scores are below what is promised.
func checkAgreement(t *testing.T, a *truth.Agreement) {
	t.Helper()
	for _, s := range []struct {
		name  string
		score truth.Score
		least float64
	}{
		{"delivered", a.Delivered, 1}, {"lost", a.Lost, 1},
		{"pairs", a.Pairs, 0.999}, {"corrupted", a.Corrupted, 0.999}, {"bits", a.Bits, 0.999},
		{"duplicated", a.Duplicated, 0.999}, {"overtaken", a.Overtaken, 0.999},
	} {
		if s.score.Precision() < s.least || s.score.Recall() < s.least {
			t.Errorf("%s: %v; precision %.5f and recall %.5f must be at least %g", s.name, s.score, s.score.Precision(), s.score.Recall(), s.least)
		}
	}
}
