package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"detgen/engine/exact"
	"detgen/engine/live"
	"detgen/engine/vm"
	"detgen/image"
	"detgen/lab"
	"detgen/record"
	"detgen/scenario"
	"detgen/truth"

	"github.com/spf13/cobra"
)

// version is set when the program is built.
var version = "unknown"

// maker makes runs: it resolves specs, builds images, executes runs on an engine and labels
// what comes out.
type maker struct {
	engine    string
	catalogue *scenario.Catalogue
	recipes   *image.Recipes
	store     *image.Store
	cache     string
	log       *slog.Logger

	machineMu sync.Mutex
	machine   *exact.Engine // opened by the first run that needs it
	series    *vm.Engine    // the same
}

// makerFlags are the flags of every command that makes runs.
type makerFlags struct {
	imageFlags
	engine string
	driver string
}

func (f *makerFlags) add(cmd *cobra.Command) {
	f.imageFlags.add(cmd)
	cmd.Flags().StringVar(&f.engine, "engine", "", "where the lab runs: live (this kernel), exact (same seed, same bytes) or vm (ordinary virtual machines, to compare with) (default live)")
	cmd.Flags().StringVar(&f.driver, "link-driver", "", "what impairs the links: netem or soft (default: what the kernel has)")
}

// open gives a maker. The caller closes it.
func (f *makerFlags) open(log *slog.Logger, progress io.Writer) (*maker, error) {
	m := &maker{engine: f.engine, log: log}
	if m.engine == "" {
		m.engine = live.Name
	}
	var err error
	if m.catalogue, err = openScenarios(f.catalogue); err != nil {
		return nil, badRequest(err)
	}
	if m.cache, err = image.CacheDir(f.cache); err != nil {
		return nil, badRequest(err)
	}
	m.store, m.recipes, err = f.imageFlags.open(newImageProgress(progress).tell)
	return m, err
}

func (m *maker) close() {
	m.store.Close()
	if m.machine != nil {
		m.machine.Close()
	}
	if m.series != nil {
		m.series.Close()
	}
}

// check finds what the machine lacks for the engine, with the link driver that is asked for.
// On the exact engine it makes the guest's snapshot, if there is none yet.
func (m *maker) check(ctx context.Context, driver string) error {
	switch m.engine {
	case live.Name:
		for _, r := range lab.Requirements(driver) {
			if r.Err != nil {
				return badRequest(r.Err)
			}
		}
		return nil
	case vm.Name:
		for _, r := range vm.Requirements(driver) {
			if r.Err != nil {
				return badRequest(r.Err)
			}
		}
		return nil
	case exact.Name:
		for _, r := range exact.Requirements(ctx, m.cache) {
			if r.Err != nil {
				return badRequest(r.Err)
			}
		}
		_, err := m.exact(ctx)
		return badRequest(err)
	}
	return badRequest(fmt.Errorf("--engine %q: must be live, exact or vm", m.engine))
}

// resolve makes the run of a spec for a seed. A run that asks for what the engine's kernel
// cannot do is refused.
func (m *maker) resolve(spec *scenario.Spec, seed uint64) (*record.Run, error) {
	if m.engine == vm.Name {
		// A system notices when its address changes, and says so on the network.
		fixed := *spec
		fixed.Set = spec.Set.Default("addresses", "fixed")
		spec = &fixed
	}
	run, err := m.catalogue.Resolve(spec, seed, m.recipes.Digest)
	switch {
	case err != nil:
	case m.engine == exact.Name:
		err = exact.Supports(run)
	case m.engine == vm.Name:
		err = vm.Supports(run)
	}
	return run, badRequest(err)
}

// images gives the images that a run names, by digest, building what is missing.
func (m *maker) images(ctx context.Context, run *record.Run) (map[string]image.Image, error) {
	var names []string
	for _, h := range run.Hosts {
		if digest, err := m.recipes.Digest(h.Image); err == nil && digest == h.Digest {
			names = append(names, h.Image)
		}
	}
	if _, err := m.store.Ensure(ctx, names...); err != nil {
		return nil, err
	}
	images := map[string]image.Image{}
	for _, h := range run.Hosts {
		i, err := m.store.Lookup(h.Digest)
		if err != nil {
			return nil, fmt.Errorf("host %q: image %s: %w", h.Name, h.Image, err)
		}
		i.Name = h.Image
		images[h.Digest] = i
	}
	return images, nil
}

// make executes a run and leaves its labelled run directory at dir. A failed run leaves its
// directory too; the error says why it failed. What keeps a run from starting, and an
// interrupt, leave nothing.
func (m *maker) make(ctx context.Context, run *record.Run, dir string, progress func(string)) (*record.Record, error) {
	images, err := m.images(ctx, run)
	if err != nil {
		return nil, err
	}
	staging, err := record.Create(dir)
	if err != nil {
		return nil, badRequest(err)
	}
	result, runErr := m.execute(ctx, run, images, staging.Dir(), progress)
	if result == nil || ctx.Err() != nil {
		return nil, errors.Join(runErr, staging.Discard())
	}
	for _, i := range images {
		result.Images = append(result.Images, record.ImageResult{Name: i.Name, Digest: i.Digest, Packages: i.Packages})
	}
	sortImages(result.Images)
	r := &record.Record{Tool: "detgen " + version, Run: *run, Result: *result}
	if runErr == nil {
		progress("labels")
		if err := truth.Label(staging.Dir(), r); err != nil {
			runErr = fmt.Errorf("label: %w", err)
			r.Result.Status, r.Result.Error = record.Failed, runErr.Error()
		}
	}
	if err := staging.Commit(r); err != nil {
		return nil, errors.Join(runErr, err)
	}
	return r, runErr
}

// execute runs the lab on the engine.
func (m *maker) execute(ctx context.Context, run *record.Run, images map[string]image.Image, dir string, progress func(string)) (*record.Result, error) {
	layers := map[string][]string{}
	if m.engine == live.Name {
		for digest, i := range images {
			layers[digest] = i.Layers
		}
		return live.Run(ctx, run, live.Options{Dir: dir, Images: layers, Progress: progress, Log: m.log})
	}
	for digest, i := range images {
		var err error
		if layers[digest], err = m.store.Pack(ctx, i); err != nil {
			return nil, badRequest(err)
		}
	}
	if m.engine == vm.Name {
		series, err := m.vm(ctx)
		if err != nil {
			return nil, err
		}
		return series.Run(ctx, run, vm.Options{Dir: dir, Images: layers, Progress: progress})
	}
	machine, err := m.exact(ctx)
	if err != nil {
		return nil, err
	}
	return machine.Run(ctx, run, exact.Options{Dir: dir, Images: layers, Progress: progress})
}

// exact gives the exact engine, which all runs share.
func (m *maker) exact(ctx context.Context) (*exact.Engine, error) {
	m.machineMu.Lock()
	defer m.machineMu.Unlock()
	if m.machine == nil {
		machine, err := exact.Open(ctx, exact.Config{Cache: m.cache, Log: m.log})
		if err != nil {
			return nil, err
		}
		m.machine = machine
	}
	return m.machine, nil
}

// vm gives the vm engine, which all runs share.
func (m *maker) vm(ctx context.Context) (*vm.Engine, error) {
	m.machineMu.Lock()
	defer m.machineMu.Unlock()
	if m.series == nil {
		images, err := m.store.Ensure(ctx, vm.Image)
		if err != nil {
			return nil, err
		}
		series, err := vm.Open(ctx, vm.Config{Cache: m.cache, Digest: images[0].Digest, Layers: images[0].Layers})
		if err != nil {
			return nil, err
		}
		m.series = series
	}
	return m.series, nil
}

// newSeed draws a seed that is short to write and exact in every JSON reader.
func newSeed() uint64 { return rand.Uint64N(1_000_000_000) }

// runName names a run directory after what it holds.
func runName(task string, seed uint64) string {
	return fmt.Sprintf("%s-%d", strings.ReplaceAll(task, "/", "-"), seed)
}

// freeName gives a name under runs/ that is not taken.
func freeName(name string) string {
	path := filepath.Join("runs", name)
	for n := 2; ; n++ {
		if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
			return path
		}
		path = filepath.Join("runs", fmt.Sprintf("%s-%d", name, n))
	}
}
