package exact_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"detgen/record"
)

var soakRuns = flag.Int("soak", 0, "make so many runs in the soak test, over all of its tasks, instead of the short one's; also run what takes long in other tests")

// soakCase is one run that the soak repeats.
type soakCase struct {
	name   string
	run    *record.Run
	images map[string][]string
}

// The soak's tasks and links. Each task meets each setting of the links.
var (
	soakTasks = [][]string{ // the short soak takes the first two
		{"web/get", "params.protocol=https", "params.size=60kB"},
		{"ftp/put-get"},
		{"web/multi-get", "client.implementation=curl", "params.connections=parallel"},
		{"ssh/command"},
		{"ping/name", "params.count=50", "params.interval=10ms"},
		{"web/load", "params.clients=5", "params.repeat=20"},
		{"ssh/sftp", "params.size=100kB"},
	}
	soakLinks = [][]string{
		{"link_driver=netem", "link.all.both.delay=20ms", "link.all.both.jitter=6ms", "link.all.both.distribution=paretonormal", "link.all.both.loss=1%"},
		{"link_driver=soft", "link.all.both.delay=10ms", "link.all.both.jitter=3ms", "link.all.both.reorder=10%", "link.all.both.duplicate=1%", "link.all.both.loss=1%"},
		{"link_driver=netem", "link.all.both.delay=2ms", "link.all.both.rate=20mbit", "load.cpu=1"},
	}
	// The task that showed the race which the recording of a replay log excludes: very many
	// times without anything to do (docs/exactness.md).
	pings = []string{"ping/echo", "params.count=12000", "params.interval=2ms", "link.all.both.delay=1ms", "link.all.both.jitter=300us"}
)

func soakCases(t *testing.T, short bool) []soakCase {
	var list []soakCase
	add := func(task []string, links []string) {
		settings := append(slices.Clone(task[1:]), links...)
		run := resolve(t, task[0], uint64(100+len(list)), settings...)
		list = append(list, soakCase{task[0] + " " + strings.Join(links, " "), run, packed(t, run)})
	}
	tasks := soakTasks
	if short {
		tasks = tasks[:2]
	}
	for _, task := range tasks {
		for _, links := range soakLinks {
			add(task, links)
		}
	}
	add(pings, nil)
	return list
}

// Runs are made again and again, alone and beside each other, on a quiet and on a busy host:
// every byte is the same each time.
func TestSoak(t *testing.T) {
	e := needsGuest(t)
	cases := soakCases(t, *soakRuns == 0)
	total := cmp.Or(*soakRuns, 2*len(cases))
	first := make([]*outcome, len(cases))
	counts := make([]int, len(cases))
	differing := 0
	var mu sync.Mutex

	once := func(n int) error {
		dir, err := os.MkdirTemp("", "detgen-soak-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o, err := attemptIn(t.Context(), e, cases[n].run, cases[n].images, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", cases[n].name, err)
		}
		mu.Lock()
		defer mu.Unlock()
		counts[n]++
		if first[n] == nil {
			first[n] = &o
			return nil
		}
		if d := differences(*first[n], o); len(d) > 0 {
			differing++
			kept := filepath.Join(os.TempDir(), fmt.Sprintf("detgen-differs-%d-%d", n, counts[n]))
			err := os.CopyFS(kept, os.DirFS(dir))
			t.Errorf("%s: run %d differs from the first in %s (kept in %s: %v)", cases[n].name, counts[n], strings.Join(d, ", "), kept, err)
		}
		return nil
	}

	made := 0
	for round := 0; made < total; round++ {
		atOnce, busy := 1+round%2, round/2%2*2
		order := rand.New(rand.NewPCG(uint64(round), 1)).Perm(len(cases))
		order = order[:min(len(order), total-made)]
		begin := time.Now()
		stop := busyHost(busy)
		group, _ := errgroup.WithContext(t.Context())
		group.SetLimit(atOnce)
		for _, n := range order {
			group.Go(func() error { return once(n) })
		}
		err := group.Wait()
		stop()
		if err != nil {
			t.Fatal(err)
		}
		made += len(order)
		t.Logf("round %d: %d runs, %d at once, %d busy threads beside them, %v", round+1, len(order), atOnce, busy, time.Since(begin).Round(time.Second))
	}
	for n, c := range cases {
		t.Logf("%3d runs  %s", counts[n], c.name)
	}
	t.Logf("%d runs of %d cases, %d compared, %d differ", made, len(cases), made-len(cases), differing)
}

// busyHost keeps n threads of the host busy until stop is called.
func busyHost(n int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	for range n {
		wait.Go(func() {
			for ctx.Err() == nil {
			}
		})
	}
	return func() { cancel(); wait.Wait() }
}
