package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"detgen/internal/problem"
	"detgen/record"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Image is a built image.
type Image struct {
	Name     string
	Digest   string            // "sha256:<hex>"; see Recipes.Digest
	Layers   []string          // directories, overlayfs lower directories from the top one down
	Packages map[string]string // Debian package -> version, of all layers
	Bytes    int64             // on disk, of its own layer
}

// LowerDir gives the layers as overlayfs's "lowerdir" mount option takes them.
func (i Image) LowerDir() string { return strings.Join(i.Layers, ":") }

// Progress is a step in the making of an image. A last step has the name Built or Failed.
type Progress struct {
	Image string
	Step  string
}

// The last steps of an image.
const (
	Built  = "built"
	Failed = "failed"
)

// Options of a store. The zero value logs nothing and tells no progress.
type Options struct {
	Log      *slog.Logger
	Progress func(Progress) // called from several goroutines, one call at a time
}

// Store keeps built images in a cache directory:
//
//	images/<hex>/layer/        the layer
//	images/<hex>/layer.erofs   the same, packed (Pack)
//	images/<hex>/image.json    what it is
//	images/<hex>/build.log     what the package tools said
//	images/<hex>.tmp           a build that is going on, or was killed
//	locks/<hex>                see lock
//	apt/                       package lists and archives, shared by all builds
//	pinned/                    package files and images of recipes of other days: see Pin
//
// A store may be used by several goroutines and several processes at once.
type Store struct {
	dir     string
	recipes *Recipes
	log     *slog.Logger

	progress   func(Progress)
	progressMu sync.Mutex

	heldMu sync.Mutex
	held   map[string]*lock // digest -> shared lock

	takePacked bool // see TakePacked
	worker     bool // this process works for an ordinary user: see worker.go
	limits     limits

	pins     map[string][]Deb // see Pin; nil: images are built of what the mirror has
	pinFiles string           // directory of their files
}

// CacheDir gives the directory for what detgen keeps between runs: the given one if it is not
// empty, else DETGEN_CACHE, else /var/cache/detgen for root and detgen in the user's cache
// directory (XDG_CACHE_HOME) for others.
func CacheDir(given string) (string, error) {
	if given == "" {
		given = os.Getenv("DETGEN_CACHE")
	}
	if given != "" {
		return filepath.Abs(given)
	}
	if os.Geteuid() == 0 {
		return "/var/cache/detgen", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory: %w; give one with --cache or DETGEN_CACHE", err)
	}
	return filepath.Join(dir, "detgen"), nil
}

// Open gives the store in a cache directory, which need not exist. The caller closes it.
func Open(dir string, recipes *Recipes, options Options) (*Store, error) {
	if strings.ContainsAny(dir, ":,\\\"\n") {
		return nil, fmt.Errorf("cache directory %q: overlay mounts cannot take the characters : , \\ and \" in it", dir)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	s := &Store{dir: dir, recipes: recipes, log: options.Log, progress: options.Progress, held: map[string]*lock{}, limits: buildLimits}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

// Close lets go of the images that Ensure gave out: from now on Prune may remove them.
func (s *Store) Close() error {
	s.heldMu.Lock()
	defer s.heldMu.Unlock()
	for digest, l := range s.held {
		l.release()
		delete(s.held, digest)
	}
	return nil
}

// Ensure gives the named images, in the order asked, and builds those that are missing. Until
// the store is closed no Prune removes them, in this process or another. Building needs a Debian
// mirror, and root or what CheckUser looks for; images that are there need neither.
func (s *Store) Ensure(ctx context.Context, names ...string) ([]Image, error) {
	levels, err := s.levels(names)
	if err != nil {
		return nil, err
	}
	for _, level := range levels {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(max(2, runtime.NumCPU()))
		for _, recipe := range level {
			group.Go(func() error { return s.ensure(ctx, recipe) })
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
	}
	images := make([]Image, len(names))
	for i, name := range names {
		if images[i], err = s.Lookup(s.recipes.digests[name]); err != nil {
			return nil, err
		}
		images[i].Name = name
		if s.takePacked || os.Geteuid() != 0 {
			continue
		}
		if err := s.Own(images[i]); err != nil { // root's programs run on them
			return nil, err
		}
	}
	return images, nil
}

// Build builds the named images that are missing, and with pack packs them for the exact engine.
func (s *Store) Build(ctx context.Context, pack bool, names ...string) error {
	images, err := s.Ensure(ctx, names...)
	if err != nil || !pack {
		return err
	}
	for _, i := range images {
		if _, err := s.Pack(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// Names gives the names of images that are asked for: those that are named, which the catalogue must have, or all.
func (s *Store) Names(named []string, all bool) ([]string, error) {
	if all {
		return s.recipes.Names(), nil
	}
	for _, name := range named {
		if _, err := s.recipes.Recipe(name); err != nil {
			return nil, problem.InRequest(err)
		}
	}
	return named, nil
}

// Own looks whether the layers of an image are those of the user who runs this process, whose hosts can run on them.
func (s *Store) Own(i Image) error {
	for _, layer := range i.Layers {
		if err := s.checkOwner(filepath.Base(filepath.Dir(layer))); err != nil {
			return fmt.Errorf("image %q: %w", i.Name, err)
		}
	}
	return nil
}

// levels gives the recipes of the names and of all their ancestors; those of a level stand on
// earlier levels only. Each digest comes once.
func (s *Store) levels(names []string) ([][]*Recipe, error) {
	var levels [][]*Recipe
	seen := map[string]bool{}
	for _, name := range names {
		if _, err := s.recipes.Recipe(name); err != nil {
			return nil, err
		}
		chain := s.recipes.chain(name)
		for i, recipe := range chain {
			depth := len(chain) - 1 - i
			digest := s.recipes.digests[recipe.Name]
			if seen[digest] {
				continue
			}
			seen[digest] = true
			for len(levels) <= depth {
				levels = append(levels, nil)
			}
			levels[depth] = append(levels[depth], recipe)
		}
	}
	return levels, nil
}

// ensure holds the recipe's image, after building it if it is missing.
func (s *Store) ensure(ctx context.Context, r *Recipe) error {
	digest := s.recipes.digests[r.Name]
	for {
		held, err := s.hold(ctx, digest)
		if held || err != nil {
			return err
		}
		if s.packedAlone(digest) {
			err = s.unpack(ctx, r.Name, hexOf(digest))
		} else {
			err = s.build(ctx, r)
		}
		if err != nil {
			return fmt.Errorf("image %q: %w", r.Name, err)
		}
		// Between the end of the build and the hold, a prune may have removed it: look again.
	}
}

// hold keeps the image from being removed until the store is closed. It is false when the
// image is not built.
func (s *Store) hold(ctx context.Context, digest string) (bool, error) {
	s.heldMu.Lock()
	defer s.heldMu.Unlock()
	if s.held[digest] != nil {
		return true, nil
	}
	if !s.exists(digest) {
		return false, nil
	}
	l, err := acquire(ctx, s.lockFile(digest), unix.LOCK_SH, nil)
	if err != nil {
		return false, err
	}
	if !s.exists(digest) {
		l.release()
		return false, nil
	}
	s.held[digest] = l
	return true, nil
}

// NotBuiltError is what Lookup gives for an image that is not in the store.
type NotBuiltError struct{ Digest string }

func (e *NotBuiltError) Error() string {
	return fmt.Sprintf("image %s is not built; \"detgen image build\" builds it", e.Digest)
}

// Lookup gives a built image by its digest, whether or not a recipe still names it. Its name
// is the one it was built under. It is not held: Ensure does that.
func (s *Store) Lookup(digest string) (Image, error) {
	if err := record.CheckDigest(digest); err != nil {
		return Image{}, err
	}
	entry, err := s.entry(digest)
	if err != nil {
		return Image{}, err
	}
	image := Image{Name: entry.Name, Digest: digest, Packages: entry.Packages, Bytes: entry.Bytes}
	for _, d := range append([]string{digest}, entry.Ancestors...) {
		image.Layers = append(image.Layers, filepath.Join(s.path(d), "layer"))
	}
	return image, nil
}

// entry is image.json.
type entry struct {
	Format    int               `json:"format"`
	Name      string            `json:"name"`
	Digest    string            `json:"digest"`
	Ancestors []string          `json:"ancestors,omitempty"` // digests, the parent first
	Bytes     int64             `json:"bytes"`               // on disk, of the layer
	OCI       string            `json:"oci,omitempty"`       // digest of the OCI image's manifest
	Packages  map[string]string `json:"packages,omitempty"`
	Debs      []Deb             `json:"debs"` // that the layer is made of; null where that is not known
}

func (s *Store) entry(digest string) (entry, error) {
	var e entry
	text, err := os.ReadFile(filepath.Join(s.path(digest), "image.json"))
	if errors.Is(err, os.ErrNotExist) {
		return e, &NotBuiltError{digest}
	}
	if err != nil {
		return e, fmt.Errorf("read image: %w", err)
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return e, fmt.Errorf("read %s: %w", filepath.Join(s.path(digest), "image.json"), err)
	}
	for _, ancestor := range e.Ancestors {
		if err := record.CheckDigest(ancestor); err != nil {
			return e, fmt.Errorf("read %s: ancestors: %w", filepath.Join(s.path(digest), "image.json"), err)
		}
	}
	return e, nil
}

// exists reports whether an image is there in the form that is asked for: one that was loaded packed has no layer.
func (s *Store) exists(digest string) bool {
	part := "layer"
	if s.takePacked {
		part = ""
	}
	for _, name := range []string{"image.json", part} {
		if _, err := os.Stat(filepath.Join(s.path(digest), name)); err != nil {
			return false
		}
	}
	return true
}

func hexOf(digest string) string { return strings.TrimPrefix(digest, "sha256:") }

// path is the folder of an image. Digests that were read from a file, record.CheckDigest has seen.
func (s *Store) path(digest string) string     { return filepath.Join(s.dir, "images", hexOf(digest)) }
func (s *Store) lockFile(digest string) string { return filepath.Join(s.dir, "locks", hexOf(digest)) }

func (s *Store) tell(name, step string) {
	s.log.Debug("image", "name", name, "step", step)
	if s.progress != nil {
		s.progressMu.Lock()
		defer s.progressMu.Unlock()
		s.progress(Progress{Image: name, Step: step})
	}
}
