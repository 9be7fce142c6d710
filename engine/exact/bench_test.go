package exact_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"detgen/engine"
	"detgen/engine/exact"
	"detgen/record"
)

// cpuTime is what this process and those that it started and that ended have used.
func cpuTime() time.Duration {
	var sum time.Duration
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		unix.Getrusage(who, &u) // fails for no value of these
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}

func BenchmarkRestore(b *testing.B) {
	e := needsGuest(b)
	begin := cpuTime()
	for b.Loop() {
		if err := e.Restore(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((cpuTime()-begin).Seconds()/float64(b.N), "cpu-s/op")
}

// benchRuns are the runs of docs/performance.md. The last is the job of the first experiments:
// 5 MiB in 16 requests.
var benchRuns = map[string][]string{
	"ping":     {"ping/echo"},
	"get-1MB":  {"web/get", "params.size=1MB"},
	"get-5MiB": {"web/multi-get", "params.objects=15", "params.object_size=350kB", "params.page_size=3kB", "link.all.both.delay=20ms", "link.all.both.jitter=5ms", "link.all.both.distribution=paretonormal", "link.all.both.loss=1%"},
}

// BenchmarkRun says what runs cost: CPU seconds of all processes, user and system, beside the
// wall time.
func BenchmarkRun(b *testing.B) {
	e := needsGuest(b)
	small := script(b, "true\n")
	b.Run("nothing", func(b *testing.B) { benchmark(b, e, small, 1) })
	for _, name := range []string{"ping", "get-1MB", "get-5MiB"} {
		run := resolve(b, benchRuns[name][0], 1, benchRuns[name][1:]...)
		b.Run(name, func(b *testing.B) { benchmark(b, e, run, 1) })
	}
}

// BenchmarkTwoAtOnce makes pairs of the runs that BenchmarkRun/get-1MB makes one by one.
func BenchmarkTwoAtOnce(b *testing.B) {
	e := needsGuest(b)
	run := resolve(b, benchRuns["get-1MB"][0], 1, benchRuns["get-1MB"][1:]...)
	benchmark(b, e, run, 2)
}

func benchmark(b *testing.B, e *exact.Engine, run *record.Run, atOnce int) {
	images := packed(b, run)
	begin := cpuTime()
	for b.Loop() {
		var group errgroup.Group
		for range atOnce {
			group.Go(func() error {
				dir, err := os.MkdirTemp("", "detgen-bench-")
				if err != nil {
					return err
				}
				defer os.RemoveAll(dir)
				_, err = e.Run(b.Context(), run, engine.Options{Dir: dir, Images: images})
				return err
			})
		}
		if err := group.Wait(); err != nil {
			b.Fatal(strings.TrimSpace(err.Error()))
		}
	}
	b.ReportMetric((cpuTime()-begin).Seconds()/float64(b.N*atOnce), "cpu-s/run")
}
