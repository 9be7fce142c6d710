package dataset

import (
	"context"
	"errors"
	"strings"
	"testing"

	"detgen/dataset/plan"
	"detgen/runner"
)

// TestWhatIsMissingIsNotWhatIsWrong: a run that cannot be resolved, and an interruption, are told as what they are, not as
// runs that are not made yet.
func TestWhatIsMissingIsNotWhatIsWrong(t *testing.T) {
	r, err := runner.Open(runner.Config{Engine: "live", Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	open := func(text string) *Dataset {
		p, err := plan.Read("plan.yaml", []byte("dataset: d\nseed: 1\nentries:\n"+text))
		if err != nil {
			t.Fatal(err)
		}
		return &Dataset{Dir: t.TempDir(), Plan: p, runner: r}
	}
	long := open(`  - {name: long, task: ftp/get, runs: 3, set: {params.password: "~alnum(uniform(200, 300))"}}` + "\n")
	if _, err := long.Tables(context.Background(), Options{}); err == nil || !strings.Contains(err.Error(), "run long/") || !strings.Contains(err.Error(), "must match") {
		t.Errorf("a run that cannot be resolved: %v", err)
	}
	echoes := open("  - {name: echoes, task: ping/echo, runs: 3}\n")
	if _, err := echoes.Tables(context.Background(), Options{}); err == nil || !strings.Contains(err.Error(), "3 of 3 runs are not made yet") {
		t.Errorf("runs that are not there: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := echoes.Tables(ctx, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
