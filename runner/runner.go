// Package runner is the only way from a spec to a labelled run directory: it resolves the spec, builds the images, has
// an engine execute the run, labels what comes out and puts it in place (design: "The run directory"). Batches, verify,
// twins and sweeps are made of that. It joins the half that makes runs with the half that reads them.
package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"detgen/catalogue"
	"detgen/engine"
	"detgen/engine/engines"
	"detgen/image"
	"detgen/internal/beneath"
	"detgen/internal/problem"
	"detgen/model"
	"detgen/record"
	"detgen/scenario"
	"detgen/truth"
)

// RequestError is an error in what the user asked for, found before anything started.
type RequestError = problem.Request

// request marks err as found before anything started.
func request(err error) error { return problem.InRequest(err) }

// Config is what a runner works with. The zero value is the live engine, the built-in catalogue and the user's cache.
type Config struct {
	Engine    string               // its name; "" for the default one
	Catalogue string               // a folder with further scenarios and images
	Cache     string               // directory of what is kept between runs; "" for image.CacheDir's
	Tool      string               // this program and its version, as run.json names them
	Log       *slog.Logger         // may be nil
	Images    func(image.Progress) // told how images are built; may be nil
}

// Runner makes runs on one engine. It may be used by several goroutines at once. The one who opened it closes it.
type Runner struct {
	tool      string
	engine    engine.Engine
	catalogue *scenario.Catalogue
	recipes   *image.Recipes
	store     *image.Store
}

// Open opens the catalogue, the images and the engine. Nothing is made or started yet.
func Open(c Config) (*Runner, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	r := &Runner{tool: c.Tool}
	var err error
	if r.catalogue, err = OpenScenarios(c.Catalogue); err != nil {
		return nil, err
	}
	if r.store, r.recipes, err = OpenImages(c.Catalogue, c.Cache, c.Images); err != nil {
		return nil, err
	}
	cache, err := image.CacheDir(c.Cache)
	if err == nil {
		r.engine, err = engines.Open(c.Engine, engine.Config{Cache: cache, Store: r.store, Log: c.Log})
	}
	if err != nil {
		return nil, request(errors.Join(err, r.store.Close()))
	}
	return r, nil
}

// OpenScenarios gives the scenarios of the built-in catalogue and of a user's folder, if one is named.
func OpenScenarios(folder string) (*scenario.Catalogue, error) {
	sources := []scenario.Source{{Name: "catalogue", FS: catalogue.FS}}
	if folder != "" {
		sources = append(sources, scenario.Source{Name: folder, FS: beneath.Dir(folder)})
	}
	c, err := scenario.Open(sources...)
	return c, request(err)
}

// OpenImages gives the store of images, with the recipes of the built-in catalogue and of a user's folder, if one is
// named. The caller closes it.
func OpenImages(folder, cache string, progress func(image.Progress)) (*image.Store, *image.Recipes, error) {
	folders := []image.Folder{{FS: catalogue.FS, Name: "catalogue"}}
	if folder != "" {
		folders = append(folders, image.DirFolder(folder))
	}
	recipes, err := image.Load(folders...)
	if err != nil {
		return nil, nil, request(err)
	}
	dir, err := image.CacheDir(cache)
	if err != nil {
		return nil, nil, request(err)
	}
	store, err := image.Open(dir, recipes, image.Options{Progress: progress})
	return store, recipes, request(err)
}

// OneImage gives an image of the built-in catalogue for a model that runs a program of it. It is built when it is missing.
func OneImage(ctx context.Context, name string, progress func(image.Progress)) (*model.Image, error) {
	store, _, err := OpenImages("", "", progress)
	if err != nil {
		return nil, err
	}
	list, err := store.Ensure(ctx, name)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &model.Image{Layers: list[0].Layers, Digest: list[0].Digest, Close: store.Close}, nil
}

// Close lets go of the engine and the images. No run may be going on.
func (r *Runner) Close() error { return errors.Join(r.engine.Close(), r.store.Close()) }

// Engine is the engine that runs are made on.
func (r *Runner) Engine() engine.Engine { return r.engine }

// Check finds what the machine lacks for the engine, with the link driver that is asked for ("" for any), and makes
// what the engine's runs share.
func (r *Runner) Check(ctx context.Context, driver string) error {
	for _, need := range r.engine.Requirements(ctx, driver) {
		if need.Err != nil {
			return request(need.Err)
		}
	}
	return request(r.engine.Prepare(ctx))
}

// Resolve makes the run of a spec for a seed. A run that asks for what the engine does not have is refused.
func (r *Runner) Resolve(spec *scenario.Spec, seed uint64) (*record.Run, error) {
	if defaults := r.engine.Defaults(); len(defaults) > 0 {
		adapted := *spec
		for key, value := range defaults {
			adapted.Set = adapted.Set.Default(key, value)
		}
		spec = &adapted
	}
	run, err := r.catalogue.Resolve(spec, seed, r.recipes.Digest)
	if err == nil {
		err = r.engine.Supports(run)
	}
	return run, request(err)
}

// Make executes a run and leaves its labelled run directory at dir, which must be vacant. A failed run leaves its
// directory too; the error tells why it failed. What keeps a run from starting, and the end of ctx, leave nothing: the
// record is nil then.
func (r *Runner) Make(ctx context.Context, run *record.Run, dir string, stage func(string)) (*record.Record, error) {
	if stage == nil {
		stage = func(string) {}
	}
	images, err := r.Images(ctx, run)
	if err != nil {
		return nil, err
	}
	layers := map[string][]string{}
	for digest, i := range images {
		if layers[digest], err = r.engine.Layers(ctx, i); err != nil {
			return nil, request(err)
		}
	}
	staging, err := record.Create(dir)
	if err != nil {
		return nil, request(err)
	}
	result, runErr := r.engine.Run(ctx, run, engine.Options{Dir: staging.Dir(), Images: layers, Progress: stage})
	if result == nil || ctx.Err() != nil {
		return nil, errors.Join(runErr, staging.Discard())
	}
	for _, i := range images {
		result.Images = append(result.Images, record.ImageResult{Name: i.Name, Digest: i.Digest, Packages: i.Packages})
	}
	slices.SortFunc(result.Images, record.ImageResult.Compare)
	made := &record.Record{Tool: r.tool, Run: *run, Result: *result}
	if runErr == nil {
		stage("labels")
		if err := truth.Label(staging.Dir(), made); err != nil {
			runErr = fmt.Errorf("label: %w", err)
			made.Result.Status, made.Result.Error = record.Failed, runErr.Error()
		}
	}
	if err := staging.Commit(made); err != nil {
		return nil, errors.Join(runErr, err)
	}
	return made, runErr
}

// Images gives the images that a run names, by digest, building what is missing.
func (r *Runner) Images(ctx context.Context, run *record.Run) (map[string]image.Image, error) {
	var names []string
	for _, h := range run.Hosts {
		if digest, err := r.recipes.Digest(h.Image); err == nil && digest == h.Digest {
			names = append(names, h.Image)
		}
	}
	if _, err := r.store.Ensure(ctx, names...); err != nil {
		return nil, err
	}
	images := map[string]image.Image{}
	for _, h := range run.Hosts {
		i, err := r.store.Lookup(h.Digest)
		if err != nil {
			return nil, fmt.Errorf("host %q: image %s: %w", h.Name, h.Image, err)
		}
		i.Name = h.Image
		images[h.Digest] = i
	}
	return images, nil
}

// Built gives the images that a run names and that are built, by digest, and builds none.
func (r *Runner) Built(run *record.Run) (map[string]image.Image, error) {
	images := map[string]image.Image{}
	for _, h := range run.Hosts {
		i, err := r.store.Lookup(h.Digest)
		var missing *image.NotBuiltError
		if errors.As(err, &missing) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("host %q: image %s: %w", h.Name, h.Image, err)
		}
		i.Name = h.Image
		images[h.Digest] = i
	}
	return images, nil
}

// Debs gives the package files that an image's layers were made of, by layer, if the image is built and has these
// packages. Layers of which they are not known are left out.
func (r *Runner) Debs(of record.ImageResult) (map[string][]image.Deb, error) {
	i, err := r.store.Lookup(of.Digest)
	var missing *image.NotBuiltError
	if errors.As(err, &missing) || err == nil && !maps.Equal(i.Packages, of.Packages) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r.store.Debs(of.Digest)
}

// Pin lets the runner have images of exactly these package files alone; see image.Store.Pin. No run may be going on.
func (r *Runner) Pin(ctx context.Context, debs map[string][]image.Deb, snapshot string) error {
	return r.store.Pin(ctx, debs, snapshot)
}
