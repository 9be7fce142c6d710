package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"detgen/engine/exact"
	"detgen/engine/vm"
	"detgen/record"
	"detgen/scenario"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// specFlags are the flags that say what to run.
type specFlags struct {
	settings []string
	file     string
	seed     uint64
	count    int
}

func (f *specFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&f.settings, "set", "s", nil, "set a factor: KEY=VALUE (see detgen list SCENARIO)")
	cmd.Flags().StringVar(&f.file, "spec", "", "read the spec from this file; flags override it")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "seed of the run (default: drawn)")
}

// spec gives the spec of the command line.
func (f *specFlags) spec(cmd *cobra.Command, args []string) (*scenario.Spec, error) {
	spec := &scenario.Spec{}
	if f.file != "" {
		content, err := os.ReadFile(f.file)
		if err != nil {
			return nil, badRequest(err)
		}
		if spec, err = scenario.ReadSpec(f.file, content); err != nil {
			return nil, badRequest(err)
		}
	}
	if len(args) > 0 {
		spec.Task = args[0]
	}
	if spec.Task == "" {
		return nil, badRequest(errors.New("what to run? give SCENARIO/TASK (detgen list shows them) or --spec FILE"))
	}
	settings := make([]scenario.Setting, 0, len(f.settings))
	for _, s := range f.settings {
		setting, err := scenario.ParseSetting(s)
		if err != nil {
			return nil, badRequest(err)
		}
		settings = append(settings, setting)
	}
	if err := spec.Override(settings...); err != nil {
		return nil, badRequest(err)
	}
	switch {
	case cmd.Flags().Changed("seed"):
		spec.Seed = &f.seed
	case spec.Seed == nil:
		seed := newSeed()
		spec.Seed = &seed
	}
	return spec, nil
}

// newRun is "detgen run": make labelled runs.
func newRun() *cobra.Command {
	var what specFlags
	var with makerFlags
	var out string
	var jobs int
	var asJSON, check bool
	cmd := &cobra.Command{
		Use:   "run SCENARIO/TASK",
		Short: "Make a labelled run: real clients and servers, captured at every host",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := what.spec(cmd, args)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("count") || spec.Count == 0 {
				spec.Count = what.count
			}
			if spec.Count < 1 {
				return badRequest(fmt.Errorf("--count %d: must be 1 or more", spec.Count))
			}
			if with.engine == "" {
				with.engine = spec.Engine
			}
			if with.driver != "" {
				spec.LinkDriver = with.driver
			}
			m, err := with.open(slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer m.close()
			b := &batch{maker: m, progress: newProgress(cmd.ErrOrStderr()), print: func(e entry) { printEntry(cmd, e, asJSON) }}
			if err := b.plan(spec, out); err != nil {
				return err
			}
			if check && m.engine != exact.Name {
				return badRequest(fmt.Errorf("--check: only the exact engine gives the same bytes again, and this is %s", m.engine))
			}
			if err := m.check(cmd.Context(), spec.LinkDriver); err != nil {
				return err
			}
			b.check = check
			return b.run(cmd.Context(), jobs)
		},
	}
	what.add(cmd)
	with.add(cmd)
	cmd.Flags().IntVarP(&what.count, "count", "n", 1, "make so many runs, with seeds SEED, SEED+1, ...")
	cmd.Flags().StringVarP(&out, "output", "o", "", "the run directory; with -n the folder that holds them (default: a folder under runs/)")
	cmd.Flags().IntVar(&jobs, "jobs", runtime.NumCPU(), "runs at once (engine vm: always one, in the order of seeds)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object a line for each run")
	cmd.Flags().BoolVar(&check, "check", false, "make each run twice and compare the bytes (exact engine)")
	return cmd
}

// batch is several runs of one spec.
type batch struct {
	maker    *maker
	progress *progress
	print    func(entry)
	check    bool // make each again and compare
	runs     []planned
}

type planned struct {
	run *record.Run
	dir string
}

// entry is what is printed of a run.
type entry struct {
	Task    string        `json:"task"`
	Seed    uint64        `json:"seed"`
	Status  record.Status `json:"status"`
	Error   string        `json:"error,omitempty"`
	Dir     string        `json:"dir"`
	Frames  uint64        `json:"frames"` // in all captures
	Seconds float64       `json:"seconds"`
}

// plan resolves all runs, so that everything wrong with the request is found before one starts.
func (b *batch) plan(spec *scenario.Spec, out string) error {
	if spec.Count == 1 {
		if out == "" {
			out = freeName(runName(spec.Task, *spec.Seed))
		}
		if err := record.Vacant(out); err != nil {
			return badRequest(err)
		}
	} else if out == "" {
		out = freeName(fmt.Sprintf("%s-n%d", runName(spec.Task, *spec.Seed), spec.Count))
	}
	for i := range spec.Count {
		seed := *spec.Seed + uint64(i)
		dir := out
		if spec.Count > 1 {
			dir = filepath.Join(out, runName(spec.Task, seed))
			if err := record.Vacant(dir); err != nil {
				return badRequest(err)
			}
		}
		run, err := b.maker.resolve(spec, seed)
		if err != nil {
			return err
		}
		b.runs = append(b.runs, planned{run, dir})
	}
	return nil
}

// run makes the runs, some at once; those on virtual machines one by one in the order of their seeds, as what a
// machine's system has done goes from run to run. All are made, whether or not one fails.
func (b *batch) run(ctx context.Context, jobs int) error {
	if b.maker.engine == vm.Name {
		jobs = 1
	}
	var group errgroup.Group
	group.SetLimit(max(jobs, 1))
	var mu sync.Mutex
	failed, done := 0, 0
	var only error
	for _, p := range b.runs {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			name := filepath.Base(p.dir)
			begin := time.Now()
			r, err := b.maker.make(ctx, p.run, p.dir, func(stage string) { b.progress.stage(name, stage) })
			if b.check && err == nil {
				err = b.maker.checked(ctx, p.dir, func(stage string) { b.progress.stage(name, "again: "+stage) })
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			if ctx.Err() != nil {
				return nil
			}
			b.progress.done(done, len(b.runs))
			if err != nil {
				failed++
				only = err
				if r == nil {
					return nil // it did not start
				}
			}
			b.progress.clear()
			b.print(newEntry(p, r, time.Since(begin)))
			return nil
		})
	}
	group.Wait()
	b.progress.clear()
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted; nothing of the runs that were going on is left")
	case failed == 1 && len(b.runs) == 1:
		return only
	case failed > 0:
		return fmt.Errorf("%d of %d runs failed; the last: %w", failed, len(b.runs), only)
	}
	return nil
}

func newEntry(p planned, r *record.Record, took time.Duration) entry {
	main := p.run.Activities[0]
	e := entry{
		Task: main.Scenario + "/" + main.Task, Seed: p.run.Seed, Status: r.Result.Status, Error: r.Result.Error,
		Dir: p.dir, Seconds: took.Seconds(),
	}
	for _, c := range r.Result.Captures {
		e.Frames += c.Frames
	}
	return e
}

func printEntry(cmd *cobra.Command, e entry, asJSON bool) {
	if asJSON {
		line, _ := json.Marshal(e)
		fmt.Fprintln(cmd.OutOrStdout(), string(line))
		return
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s  seed %d  %s  %d frames  %.2f s  %s\n", e.Task, e.Seed, e.Status, e.Frames, e.Seconds, e.Dir)
}

func sortImages(list []record.ImageResult) {
	slices.SortFunc(list, func(a, b record.ImageResult) int { return strings.Compare(a.Name, b.Name) })
}
