package experiment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"detgen/internal/beneath"
	"detgen/internal/strictyaml"
	"detgen/internal/whole"
	"detgen/record"
	"detgen/scenario"

	"golang.org/x/sync/errgroup"
)

// Maker makes runs.
type Maker interface {
	// Check finds what is wrong with a request, without making a run.
	Check(ctx context.Context, r *Request) error
	// Make makes the run and leaves its run directory at r.Dir. A run that failed leaves one too, and is no error: that
	// is one that was not made.
	Make(ctx context.Context, r *Request) error
}

// Request is one run that is asked for.
type Request struct {
	Name   string // for messages: "HTTP A, live, 3"
	Engine string
	Spec   *scenario.Spec
	Host   string // whose capture is looked at; "" for that of the task's first script
	Seed   uint64
	Dir    string
}

// Engine is one where runs are made.
type Engine struct {
	Name string
	Jobs int // runs at once: 1 where another run is a load that nobody asked for
}

// setting is one combination of factors, whose runs are samples.
type setting struct {
	path string // of the folder of its samples, below that of the engine: "http/a"
	name string // for messages
	spec *scenario.Spec
	host string // whose capture is compared
	seed uint64
}

// batch is the runs of an experiment: so many samples of each setting on each engine.
type batch struct {
	dir      string
	engines  []Engine
	settings []setting
	samples  int
}

// Progress is how far an experiment is.
type Progress struct {
	Done, All int           // runs
	Left      time.Duration // until all are made; 0 when it is not known yet
}

// sampleDir is where a sample is or will be.
func (b *batch) sampleDir(engine string, s *setting, sample int) string {
	return filepath.Join(b.dir, "runs", engine, s.path, fmt.Sprintf("%03d", sample+1))
}

// check finds what is wrong with the settings and the folder.
func (b *batch) check(ctx context.Context, maker Maker, text []byte) error {
	all := []error{vacant(b.dir, text)}
	for _, e := range b.engines {
		for i := range b.settings {
			s := &b.settings[i]
			if err := maker.Check(ctx, &Request{Name: s.name + ", " + e.Name, Engine: e.Name, Spec: s.spec, Host: s.host, Seed: s.seed}); err != nil {
				all = append(all, fmt.Errorf("%s, %s: %w", s.name, e.Name, err))
			}
		}
	}
	return errors.Join(all...)
}

// make makes the samples that are not there yet: the first of every setting on every engine, then the second ones, so that the machine's
// moods touch all alike, and what is there when it is interrupted is balanced.
func (b *batch) make(ctx context.Context, maker Maker, report func(Progress)) error {
	type todo struct{ sample, setting int }
	left := map[string][]todo{}
	p := Progress{}
	for _, e := range b.engines {
		for sample := range b.samples {
			for i := range b.settings {
				p.All++
				if _, err := os.Stat(filepath.Join(b.sampleDir(e.Name, &b.settings[i], sample), record.FileName)); err == nil {
					p.Done++
				} else {
					left[e.Name] = append(left[e.Name], todo{sample, i})
				}
			}
		}
	}
	missing := map[string]int{} // runs that are not done, by engine
	for name, list := range left {
		missing[name] = len(list)
	}
	pace := newPace()
	var mu sync.Mutex // of p, missing and pace
	for sample := range b.samples {
		for _, e := range b.engines {
			group, groupCtx := errgroup.WithContext(ctx)
			group.SetLimit(max(e.Jobs, 1))
			for len(left[e.Name]) > 0 && left[e.Name][0].sample == sample {
				s := &b.settings[left[e.Name][0].setting]
				left[e.Name] = left[e.Name][1:]
				group.Go(func() error {
					if groupCtx.Err() != nil {
						return groupCtx.Err()
					}
					begin := time.Now()
					err := maker.Make(groupCtx, &Request{
						Name: fmt.Sprintf("%s, %s, %d", s.name, e.Name, sample+1), Engine: e.Name, Spec: s.spec, Host: s.host, Seed: s.seed, Dir: b.sampleDir(e.Name, s, sample),
					})
					if err != nil {
						return fmt.Errorf("%s, %s, sample %d: %w", s.name, e.Name, sample+1, err)
					}
					mu.Lock()
					defer mu.Unlock()
					pace.add(e, time.Since(begin))
					missing[e.Name]--
					p.Done++
					p.Left = 0
					for _, e := range b.engines {
						p.Left += pace.left(e, missing[e.Name])
					}
					report(p)
					return nil
				})
			}
			if err := group.Wait(); err != nil {
				return err
			}
		}
	}
	return nil
}

// pace is how long runs take.
type pace struct {
	sum map[string]time.Duration
	n   map[string]int
}

func newPace() *pace { return &pace{map[string]time.Duration{}, map[string]int{}} }

func (p *pace) add(e Engine, took time.Duration) {
	p.sum[e.Name] += took
	p.n[e.Name]++
}

// left is how long n runs take from now on.
func (p *pace) left(e Engine, n int) time.Duration {
	if p.n[e.Name] == 0 {
		return 0
	}
	return p.sum[e.Name] / time.Duration(p.n[e.Name]) * time.Duration(n) / time.Duration(max(e.Jobs, 1))
}

// identity is what must not change when an experiment goes on: the settings that its runs were made with.
const identity = "experiment.yaml"

// identify gives what identifies an experiment.
func identify(seed uint64, plan []byte) []byte { return fmt.Appendf(nil, "# seed %d\n%s", seed, plan) }

// vacant reports whether a folder can take an experiment: it is new, or holds runs of the same one.
func vacant(dir string, text []byte) error {
	there, err := beneath.ReadFile(dir, identity, 2*strictyaml.MaxSize)
	switch {
	case err == nil && string(there) == string(text):
		return nil
	case err == nil:
		return fmt.Errorf("%s holds another experiment (its %s differs in plan or seed); choose another folder", dir, identity)
	case errors.Is(err, os.ErrNotExist):
		return record.Vacant(dir)
	}
	return err
}

// begun reports whether a folder holds runs of an experiment.
func begun(dir string, text []byte) error {
	if _, err := os.Stat(filepath.Join(dir, identity)); err != nil {
		return fmt.Errorf("%s holds no experiment: it has no %s", dir, identity)
	}
	return vacant(dir, text)
}

// claim takes a folder for an experiment.
func claim(dir string, text []byte) error {
	if err := vacant(dir, text); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return whole.WriteFile(filepath.Join(dir, identity), text)
}
