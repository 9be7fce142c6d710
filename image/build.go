package image

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"detgen/internal/beneath"
	"detgen/internal/boundary"

	"golang.org/x/sys/unix"
)

// epoch is the newest time a file of an image can have: what a build makes is given this time.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// build is the making of one layer.
type build struct {
	store   *Store
	recipe  *Recipe
	digest  string
	parents []string // digests, the parent first
	dir     string   // work directory: images/<hex>.tmp
	entry   string   // what the store will keep, inside dir
	log     *os.File
	lock    *lock
	oci     string // digest of the OCI image's manifest

	bootstrapped bool // the layer has its first content
	pinned       *apt // see openPinned
}

// build makes a missing image. When another process is making it, build waits for that and
// then finds it made.
func (s *Store) build(ctx context.Context, r *Recipe) (err error) {
	for _, dir := range []string{"images", "locks"} {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o755); err != nil {
			return fmt.Errorf("make the store: %w", err)
		}
	}
	if !s.direct() {
		if err := s.work(ctx, task{Build: r.Name}); err != nil {
			return fmt.Errorf("it is not in %s: %w", s.dir, err)
		}
		return nil
	}
	digest := s.recipes.digests[r.Name]
	l, err := acquire(ctx, s.lockFile(digest), unix.LOCK_EX, func() { s.tell(r.Name, "wait for another process") })
	if err != nil {
		return err
	}
	defer l.release()
	if s.exists(digest) {
		return nil
	}
	b := &build{store: s, recipe: r, digest: digest, dir: s.path(digest) + ".tmp", lock: l}
	b.entry = filepath.Join(b.dir, "entry")
	for _, parent := range s.recipes.chain(r.Name)[1:] {
		if err := s.checkOwner(s.recipes.digests[parent.Name]); err != nil {
			return err
		}
		b.parents = append(b.parents, s.recipes.digests[parent.Name])
	}
	defer func() {
		if removeErr := os.RemoveAll(b.dir); removeErr != nil && err == nil {
			err = fmt.Errorf("remove the work directory: %w", removeErr)
		}
		if err != nil {
			s.tell(r.Name, Failed)
		} else {
			s.tell(r.Name, Built)
		}
	}()
	if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("remove what a killed build left: %w", err)
	}
	if err := b.room(); err != nil {
		return b.explain(err)
	}
	for _, dir := range []string{"dpkg", "parts", "own/layer", "own/work", "entry"} {
		if err := os.MkdirAll(filepath.Join(b.dir, dir), 0o755); err != nil {
			return b.explain(err)
		}
	}
	if s.worker {
		if err := os.Chown(b.layer(), 0, 0); err != nil { // of the image's root, not the user
			return fmt.Errorf("give the layer to the image's root (the disk must keep owners, which NFS does not): %w", err)
		}
	}
	if b.log, err = os.Create(filepath.Join(b.entry, "build.log")); err != nil {
		return b.explain(err)
	}
	defer b.log.Close()
	return b.explain(b.within(ctx))
}

// within makes the image within its limits. The error of a build that goes over one says which.
func (b *build) within(ctx context.Context) error {
	d, err := b.newDisk()
	if err != nil {
		return err
	}
	watch, stop := boundary.Watched(ctx, d.check)
	err = b.make(watch)
	if cause := stop(); err != nil && cause != nil {
		err = cause
	}
	var over boundary.TooMuch
	if !errors.As(err, &over) || errors.Is(err, unix.ENOSPC) {
		return err
	}
	kept, keepErr := b.keepLog()
	if keepErr != nil {
		return over
	}
	field := "packages"
	if b.recipe.Run != "" {
		field = "run"
	}
	return b.recipe.errorf(field, "%s: the build was ended: %w (log: %s)", field, over, kept)
}

// minSpace is what must be free to begin with: apt, for one, can hang for ever on a full disk.
const minSpace = 128 << 20

// room makes sure that there is space to build in.
func (b *build) room() error {
	var fs unix.Statfs_t
	if err := unix.Statfs(b.store.dir, &fs); err != nil {
		return fmt.Errorf("look at the disk of %s: %w", b.store.dir, err)
	}
	if fs.Bavail*uint64(fs.Bsize) < minSpace {
		return unix.ENOSPC
	}
	return nil
}

// explain says in one line what a failure of the disk means.
func (b *build) explain(err error) error {
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("no space left on the disk of %s: %w", b.store.dir, unix.ENOSPC)
	}
	return err
}

func (b *build) step(name string) { b.store.tell(b.recipe.Name, name) }

func (b *build) layer() string { return filepath.Join(b.dir, "own/layer") }

func (b *build) make(ctx context.Context) error {
	if err := b.start(ctx); err != nil {
		return err
	}
	if err := b.apply(ctx); err != nil {
		return err
	}
	b.step("settle")
	size, files, err := measure(b.layer()) // the last writes may have come after the last look
	if err == nil {
		err = b.store.limits.holds(size, files)
	}
	if err != nil {
		return boundary.TooMuch{Err: err}
	}
	bytes, err := settle(b.layer(), b.store.overlayAttributes())
	if err != nil {
		return fmt.Errorf("settle the layer: %w", err)
	}
	return b.commit(ctx, bytes)
}

// start makes the root that the recipe is applied to: an empty layer over the parents, or the
// first content of the layer itself.
func (b *build) start(ctx context.Context) error {
	switch {
	case b.recipe.Bootstrap != "":
		return b.bootstrap(ctx)
	case b.recipe.OCI != "":
		b.step("fetch OCI image")
		digest, err := b.recipe.extractOCI(ctx, b.layer())
		b.oci = digest
		if err == nil && b.store.worker {
			err = giveToRoot(b.layer())
		}
		return err
	}
	layers := b.parentLayers()
	// The layer's own root directory takes the place of the parent's: same mode and owner.
	var parent unix.Stat_t
	if err := unix.Stat(layers[0], &parent); err != nil {
		return fmt.Errorf("look at the parent: %w", err)
	}
	if err := errors.Join(os.Chown(b.layer(), int(parent.Uid), int(parent.Gid)), unix.Chmod(b.layer(), parent.Mode&0o7777)); err != nil {
		return fmt.Errorf("make the layer: %w", err)
	}
	return nil
}

// dpkgOptions keep manual pages, other languages and examples out of all layers; licences stay.
var dpkgOptions = []string{
	"path-exclude=/usr/share/doc/*", "path-include=/usr/share/doc/*/copyright",
	"path-exclude=/usr/share/man/*/*", "path-exclude=/usr/share/info/*",
	"path-exclude=/usr/share/locale/*", "path-exclude=/usr/share/lintian/*",
	"force-unsafe-io",
}

// bootstrap makes a root of Debian's essential packages.
func (b *build) bootstrap(ctx context.Context) error {
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		return errors.New("mmdebstrap is missing; install the package mmdebstrap")
	}
	a, err := b.openApt(ctx)
	if err != nil {
		return err
	}
	b.step("download packages")
	// usr-is-merged keeps apt from choosing usrmerge instead, which needs all of perl. Its version of Debian 11 is for
	// tests alone: there, directories are merged before the first package comes, and that is all.
	const hooks = "/usr/share/mmdebstrap/hooks/merged-usr"
	first, merge := []string{"?essential", "usr-is-merged"}, []string{"--hook-dir=" + hooks, "--include=usr-is-merged"}
	if b.recipe.Bootstrap == suiteOf["11"] {
		first, merge = first[:1], []string{"--setup-hook=" + hooks + "/setup00.sh"}
	}
	if err := b.fetch(ctx, a, nil, first, "bootstrap"); err != nil {
		return err
	}
	b.step("bootstrap Debian")
	// The sandbox has no network and may not mount or make devices: mmdebstrap goes on with the lists and packages that it
	// is given, and says that it does without the rest.
	args := append(merge, "--mode=root", "--variant=essential", "--format=directory",
		"--skip=essential/unlink,cleanup/apt/cache,check/signed-by,update,chroot/mount",
		`--setup-hook=mkdir -p "$1/var/cache/apt/archives" && cp /build/archives/*.deb "$1/var/cache/apt/archives" && cp /build/lists/*_* "$1/var/lib/apt/lists"`)
	for _, option := range dpkgOptions {
		args = append(args, "--dpkgopt="+option)
	}
	args = append(args, b.recipe.Bootstrap, "/image")
	args = append(args, a.sources...)
	err = b.onStage(func(s *stage) error {
		return b.check(sandbox{script: bootstrapScript, args: args, env: buildEnv()}.run(ctx, b, s))
	})
	if err != nil {
		return err
	}
	b.bootstrapped = true
	for _, dir := range []string{"etc/apt", "var/lib/apt", "var/cache/apt"} { // the image has no apt
		if err := os.RemoveAll(filepath.Join(b.layer(), dir)); err != nil {
			return fmt.Errorf("remove mmdebstrap's files: %w", err)
		}
	}
	return nil
}

// apply runs install.sh and finish.sh with what the recipe asks for.
func (b *build) apply(ctx context.Context) error {
	r := b.recipe
	packages := r.Packages
	for _, p := range r.Backports {
		packages = append(packages[:len(packages):len(packages)], p+b.fromBackports(p))
	}
	if len(packages) > 0 {
		if err := b.download(ctx, packages); err != nil {
			return err
		}
	}
	parts := map[string]string{"debconf": strings.Join(r.Debconf, "\n"), "run": r.Run, "remove": strings.Join(r.Remove, "\n")}
	for name, text := range parts {
		if text != "" {
			if err := b.write(name, text+"\n"); err != nil {
				return err
			}
		}
	}
	if err := b.writeFiles(); err != nil {
		return err
	}
	if len(packages)+len(r.Debconf)+len(r.Files)+len(r.Remove) == 0 && r.Run == "" {
		return nil
	}
	b.step("install")
	return b.onStage(func(s *stage) error {
		if len(packages)+len(r.Debconf) > 0 {
			if err := b.check(sandbox{script: installScript, args: packages, env: buildEnv(), procs: []string{"/image/proc"}}.run(ctx, b, s)); err != nil {
				return err
			}
		}
		if len(r.Files)+len(r.Remove) == 0 && r.Run == "" {
			return nil
		}
		return b.check(sandbox{script: finishScript, env: buildEnv(), inImage: true}.run(ctx, b, s))
	})
}

// check says what it means that a sandbox ended with a status.
func (b *build) check(status int, err error) error {
	if status == 0 || err != nil {
		return err
	}
	if part, ok := map[int]string{10: "bootstrap", 11: "debconf", 12: "packages", 13: "files", 14: "run", 15: "remove"}[status]; ok {
		return b.fail(part, part, status)
	}
	return b.fail("", "build", status)
}

func (b *build) parts() string { return filepath.Join(b.dir, "parts") }

// suite is the Debian suite that the image stands on, "" for none.
func (b *build) suite() string {
	chain := b.store.recipes.chain(b.recipe.Name)
	return chain[len(chain)-1].Bootstrap
}

// openApt gives the build the machine's apt, with what there is to install from: a mirror, or the pinned packages.
func (b *build) openApt(ctx context.Context) (*apt, error) {
	if b.store.pins != nil {
		return b.openPinned(ctx)
	}
	return b.store.openApt(ctx, b.suite(), len(b.recipe.Backports) > 0, b.parts(), b.step)
}

// fromBackports is what makes apt take a package from the suite's backports. Of pinned packages there is one version.
func (b *build) fromBackports(name string) string {
	if b.store.pins != nil {
		return ""
	}
	return "/" + backports(b.suite())
}

// download fetches packages, "NAME" or "NAME/SUITE", and prepares apt for install.sh.
func (b *build) download(ctx context.Context, packages []string) error {
	a, err := b.openApt(ctx)
	if err != nil {
		return err
	}
	b.step("download packages")
	status, err := b.database()
	if err != nil {
		return fmt.Errorf("read the parent's packages: %w", err)
	}
	if r := b.recipe; len(r.Without) > 0 {
		status = append(status, standIn(r)...)
		if err := errors.Join(b.write("status", string(status)), b.write("stand-in", standInPrefix+r.Name)); err != nil {
			return err
		}
	}
	if err := b.fetch(ctx, a, status, packages, "packages"); err != nil {
		return err
	}
	return a.writeSandboxConfig(filepath.Join(b.parts(), "apt.conf"))
}

// fetch downloads packages for a root with this dpkg database, for a field of the recipe.
func (b *build) fetch(ctx context.Context, a *apt, status []byte, packages []string, field string) error {
	file := filepath.Join(b.dir, "dpkg/status") // a copy: apt locks its folder
	if err := os.WriteFile(file, status, 0o644); err != nil {
		return fmt.Errorf("prepare the build: %w", err)
	}
	if err := a.download(ctx, file, packages, b.log); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return b.fail(field, field, 100)
	}
	return nil
}

// standInPrefix starts the names of packages that exist in an image's dpkg database only.
const standInPrefix = "detgen-without-"

// standIn gives the entry of dpkg's status file for a package without content that provides
// what the recipe leaves out.
func standIn(r *Recipe) string {
	var provides []string
	for _, p := range r.Without {
		provides = append(provides, p+" (= 9999)")
	}
	return fmt.Sprintf("Package: %s%s\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n"+
		"Maintainer: detgen\nProvides: %s\nDescription: packages that this image does without\n\n",
		standInPrefix, r.Name, strings.Join(provides, ", "))
}

// maxDatabase is the size that a dpkg database can have, in bytes.
const maxDatabase = 64 << 20

// database reads the list of packages (status) of dpkg's database of the root as it is now. Nothing leads out
// of the layers, whoever made them.
func (b *build) database() ([]byte, error) {
	return b.databaseOf(append([]string{b.layer()}, b.parentLayers()...))
}

// databaseOf reads it of the root that these layers make, the top one first.
func (b *build) databaseOf(layers []string) ([]byte, error) {
	for _, layer := range layers {
		status, err := beneath.ReadFile(layer, "var/lib/dpkg/status", maxDatabase)
		if !errors.Is(err, os.ErrNotExist) {
			return status, err
		}
	}
	return nil, fmt.Errorf("the root has no dpkg database: %w", os.ErrNotExist)
}

func (b *build) parentLayers() []string {
	var layers []string
	for _, parent := range b.parents {
		layers = append(layers, filepath.Join(b.store.path(parent), "layer"))
	}
	return layers
}

// missingPackage matches apt's complaints about a single package that was asked for.
var missingPackage = regexp.MustCompile(`(?:Unable to locate package|Package|Release '[a-z-]+' for) '?([a-z0-9][a-z0-9+.-]*[a-z0-9+])'?`)

// fail says why a part of the build failed: the place in the recipe, what the tools said, and
// where all they said is kept.
func (b *build) fail(field, what string, status int) error {
	name := b.log.Name()
	output, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("%s: read the log: %w", what, err)
	}
	reason := toolError(output, fmt.Errorf("exit status %d", status))
	if errors.Is(reason, unix.ENOSPC) {
		return reason
	}
	if m := missingPackage.FindStringSubmatch(reason.Error()); m != nil {
		for _, list := range []string{"packages/", "backports/"} {
			if b.recipe.lines[list+m[1]] != 0 {
				field = list + m[1]
			}
		}
	}
	kept, err := b.keepLog()
	if err != nil {
		return fmt.Errorf("%s: %w", what, reason)
	}
	return b.recipe.errorf(field, "%s: %w (log: %s)", what, reason, kept)
}

// keepLog puts the log of a failed build where it stays, and gives the place.
func (b *build) keepLog() (kept string, err error) {
	kept = b.store.path(b.digest) + ".log"
	err = os.Rename(b.log.Name(), kept)
	if errors.Is(err, os.ErrNotExist) { // the part that failed has kept it
		err = nil
	}
	return kept, err
}

func (b *build) write(name, text string) error {
	if err := os.WriteFile(filepath.Join(b.parts(), name), []byte(text), 0o644); err != nil {
		return fmt.Errorf("prepare the build: %w", err)
	}
	return nil
}

// writeFiles packs the recipe's files for install.sh. Their owners are names of the image.
func (b *build) writeFiles() (err error) {
	if len(b.recipe.Files) == 0 {
		return nil
	}
	out, err := os.Create(filepath.Join(b.parts(), "files.tar"))
	if err != nil {
		return fmt.Errorf("pack files: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	archive := tar.NewWriter(out)
	var owners strings.Builder
	for _, f := range b.recipe.Files {
		content, err := b.recipe.content(f)
		if err != nil {
			return err
		}
		header := tar.Header{
			Name: strings.TrimPrefix(f.Path, "/"), Mode: int64(f.mode()), ModTime: epoch,
			Typeflag: tar.TypeReg, Size: int64(len(content)),
		}
		switch {
		case f.Directory:
			header.Typeflag = tar.TypeDir
		case f.Symlink != "":
			header.Typeflag, header.Linkname = tar.TypeSymlink, f.Symlink
		}
		if err := archive.WriteHeader(&header); err != nil {
			return fmt.Errorf("pack %s: %w", f.Path, err)
		}
		if header.Typeflag == tar.TypeReg {
			if _, err := archive.Write(content); err != nil {
				return fmt.Errorf("pack %s: %w", f.Path, err)
			}
		}
		if f.Owner != "" {
			fmt.Fprintf(&owners, "%s %s\n", f.Owner, f.Path)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("pack files: %w", err)
	}
	return b.write("owners", owners.String())
}

// commit describes the layer, brings it to the disk and gives it its place in the store.
func (b *build) commit(ctx context.Context, bytes int64) error {
	e := entry{Format: 1, Name: b.recipe.Name, Digest: b.digest, Ancestors: b.parents, Bytes: bytes, OCI: b.oci}
	status, err := b.database()
	if err != nil && !errors.Is(err, os.ErrNotExist) { // an OCI image need not be a Debian
		return fmt.Errorf("read package versions: %w", err)
	}
	e.Packages = installed(string(status))
	before, err := b.databaseOf(b.parentLayers())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read package versions: %w", err)
	}
	if e.Debs = []Deb{}; b.oci == "" { // the packages of an OCI image are its own
		if e.Debs, err = b.installedBy(string(before), string(status)); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.entry, "image.json"), append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("describe the image: %w", err)
	}
	if err := os.Rename(b.layer(), filepath.Join(b.entry, "layer")); err != nil {
		return fmt.Errorf("put the layer in place: %w", err)
	}
	dir, err := os.Open(b.entry)
	if err != nil {
		return fmt.Errorf("write the image to disk: %w", err)
	}
	defer dir.Close()
	if err := unix.Syncfs(int(dir.Fd())); err != nil {
		return fmt.Errorf("write the image to disk: %w", err)
	}
	if err := os.RemoveAll(b.store.path(b.digest)); err != nil { // one that was loaded packed, which nobody holds
		return fmt.Errorf("put the image in place: %w", err)
	}
	if err := os.Rename(b.entry, b.store.path(b.digest)); err != nil {
		return fmt.Errorf("put the image in place: %w", err)
	}
	return nil
}
