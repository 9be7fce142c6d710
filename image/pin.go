package image

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"detgen/record"
)

// SnapshotArchive is the default archive of packages that mirrors no longer have.
const SnapshotArchive = "https://snapshot.debian.org"

// aptHelper downloads as apt does: with its ways to fetch, and its proxies.
const aptHelper = "/usr/lib/apt/apt-helper"

// Pin makes the store one of images that are built of exactly these package files, which are given by the digest of the
// layer that they make (see Debs). They are fetched first, from this machine's mirror while it has them, else from a
// snapshot archive ("" for SnapshotArchive); the error names those that could not be had, and where they were looked
// for. A digest does not tell packages, so the images have a folder of their own below the cache directory, named by
// the packages; the others stay as they are. The store holds no images when Pin has ended.
func (s *Store) Pin(ctx context.Context, pins map[string][]Deb, snapshot string) error {
	if s.pins != nil {
		return errors.New("the store's packages are pinned already")
	}
	files := filepath.Join(s.dir, "pinned", "packages")
	if err := os.MkdirAll(files, 0o755); err != nil {
		return fmt.Errorf("make the store: %w", err)
	}
	if err := s.fetchPins(ctx, pins, files, strings.TrimSuffix(snapshot, "/")); err != nil {
		return err
	}
	text, err := json.Marshal(pins) // its keys are sorted
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	s.dir, s.pins, s.pinFiles = filepath.Join(s.dir, "pinned", hexSum(text)[:16]), pins, files
	return nil
}

// pinFile is where a package's file is kept.
func pinFile(dir string, d Deb) string { return filepath.Join(dir, d.SHA256+".deb") }

// hasSum tells whether a file has the SHA-256; one that is not there has none.
func hasSum(file, sum string) bool {
	got, _, err := record.Digest(file)
	return err == nil && got == sum
}

// pinFetch is the fetching of package files.
type pinFetch struct {
	dir    string // where they go
	work   string // where they come
	config string // apt.conf
	looked map[string][]string
}

// fetchPins brings the files that are not there.
func (s *Store) fetchPins(ctx context.Context, pins map[string][]Deb, dir, snapshot string) (err error) {
	if snapshot == "" {
		snapshot = SnapshotArchive
	}
	suites := map[string]string{} // layer -> suite
	for name, digest := range s.recipes.digests {
		chain := s.recipes.chain(name)
		suites[digest] = chain[len(chain)-1].Bootstrap
	}
	missing := map[string][]Deb{} // by suite
	seen := map[string]bool{}
	for _, layer := range slices.Sorted(maps.Keys(pins)) {
		suite, ok := suites[layer]
		if !ok {
			return fmt.Errorf("the catalogue here has no recipe of layer %s", layer)
		}
		for _, d := range pins[layer] {
			cached := filepath.Join(s.dir, "apt", "archives", d.file())
			switch {
			case seen[d.SHA256] || hasSum(pinFile(dir, d), d.SHA256):
			case hasSum(cached, d.SHA256) && os.Link(cached, pinFile(dir, d)) == nil:
			default:
				missing[suite] = append(missing[suite], d)
			}
			seen[d.SHA256] = true
		}
	}
	if len(missing) == 0 {
		return nil
	}
	s.tell("packages", "fetch those of the recipe")
	f := &pinFetch{dir: dir, looked: map[string][]string{}}
	if f.work, err = os.MkdirTemp(filepath.Dir(dir), "fetch-"); err != nil {
		return fmt.Errorf("fetch packages: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(f.work)) }()
	options, err := fetchOptions(ctx)
	if err != nil {
		return err
	}
	f.config = filepath.Join(f.work, "apt.conf")
	options = append(options, `APT::Sandbox::User "root";`)
	if err := os.WriteFile(f.config, []byte(strings.Join(options, "\n")+"\n"), 0o644); err != nil {
		return fmt.Errorf("fetch packages: %w", err)
	}
	var lost []string
	for _, suite := range slices.Sorted(maps.Keys(missing)) {
		sources, err := mirrorsOf(ctx, suite)
		if err != nil {
			return err
		}
		left := missing[suite]
		for _, base := range addresses(sources) {
			if left, err = f.from(ctx, left, func(d Deb) string { return base + "/" + d.Path }); err != nil {
				return err
			}
		}
		hashes, err := f.snapshotHashes(ctx, snapshot, left)
		if err != nil {
			return err
		}
		left, err = f.from(ctx, left, func(d Deb) string {
			if hashes[d.SHA256] == "" {
				return ""
			}
			return snapshot + "/file/" + hashes[d.SHA256]
		})
		if err != nil {
			return err
		}
		for _, d := range left {
			lost = append(lost, fmt.Sprintf("%s %s (%s), SHA-256 %s: %s", d.Package, d.Version, d.Architecture, d.SHA256, strings.Join(f.looked[d.SHA256], "; ")))
		}
	}
	if len(lost) > 0 {
		return fmt.Errorf("%d packages of the recipe could not be had:\n%s", len(lost), strings.Join(lost, "\n"))
	}
	return nil
}

// addresses are those of sources.list's lines, each once.
func addresses(sources []string) []string {
	var list []string
	for _, line := range sources {
		line = strings.TrimSpace(strings.TrimPrefix(line, "deb "))
		if strings.HasPrefix(line, "[") {
			_, line, _ = strings.Cut(line, "]")
		}
		if fields := strings.Fields(line); len(fields) > 0 {
			if base := strings.TrimSuffix(fields[0], "/"); !slices.Contains(list, base) {
				list = append(list, base)
			}
		}
	}
	return list
}

// from fetches package files from an archive and gives those that it did not have. Only a file of the right SHA-256 is
// taken, wherever it is from. An address of "" is none.
func (f *pinFetch) from(ctx context.Context, debs []Deb, address func(Deb) string) (left []Deb, err error) {
	var wanted []string
	for _, d := range debs {
		if a := address(d); a != "" {
			wanted = append(wanted, a, pinFile(f.work, d), "")
		}
	}
	if err := f.download(ctx, wanted); err != nil {
		return nil, err
	}
	for _, d := range debs {
		a, file := address(d), pinFile(f.work, d)
		if a == "" {
			left = append(left, d)
			continue
		}
		switch sum, _, err := record.Digest(file); {
		case errors.Is(err, os.ErrNotExist):
			f.looked[d.SHA256] = append(f.looked[d.SHA256], a+" has none")
		case err != nil:
			return nil, err
		case sum != d.SHA256:
			f.looked[d.SHA256] = append(f.looked[d.SHA256], a+" has another file, SHA-256 "+sum)
			if err := os.Remove(file); err != nil {
				return nil, err
			}
		default:
			if err := os.Rename(file, pinFile(f.dir, d)); err != nil {
				return nil, fmt.Errorf("keep package %s: %w", d.Package, err)
			}
			continue
		}
		left = append(left, d)
	}
	return left, nil
}

// download fetches what can be had of threes of an address, a file and a hash, which is not looked at here.
func (f *pinFetch) download(ctx context.Context, wanted []string) error {
	const many = 3 * 200 // of one command line
	for part := range slices.Chunk(wanted, many) {
		args := []string{"download-file"}
		for i, a := range part {
			if rest, ok := strings.CutPrefix(a, "file:"); ok && i%3 == 0 {
				a = "copy:" + rest // with file: apt makes a link
			}
			args = append(args, a)
		}
		cmd := exec.CommandContext(ctx, aptHelper, args...)
		cmd.Env = buildEnv("APT_CONFIG=" + f.config)
		err := cmd.Run()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) { // what an archive lacks is looked at file by file
			return fmt.Errorf("fetch packages with apt: %w", err)
		}
	}
	return nil
}

// maxBinfiles bounds a snapshot archive's answer about one version of one package, bytes.
const maxBinfiles = 1 << 20

// snapshotHashes asks a snapshot archive by which SHA-1 it has the packages' files, and gives it by their SHA-256, for
// those that it has. The interface is snapshot.debian.org's for programs: /mr/binary/NAME/VERSION/binfiles, then
// /file/SHA1.
func (f *pinFetch) snapshotHashes(ctx context.Context, snapshot string, debs []Deb) (map[string]string, error) {
	address := func(d Deb) string { return snapshot + "/mr/binary/" + d.Package + "/" + d.Version + "/binfiles" }
	answer := func(d Deb) string { return filepath.Join(f.work, d.SHA256+".json") }
	var wanted []string
	for _, d := range debs {
		wanted = append(wanted, address(d), answer(d), "")
	}
	if err := f.download(ctx, wanted); err != nil {
		return nil, err
	}
	hashes := map[string]string{}
	for _, d := range debs {
		hash, why, err := binfile(answer(d), d.Architecture)
		if err != nil {
			return nil, err
		}
		if hash == "" {
			f.looked[d.SHA256] = append(f.looked[d.SHA256], address(d)+" "+why)
			continue
		}
		hashes[d.SHA256] = hash
	}
	return hashes, nil
}

// binfile reads which file for an architecture, by SHA-1, a snapshot archive's answer tells, or why none.
func binfile(file, architecture string) (hash, why string, err error) {
	in, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return "", "does not answer, or has none", nil
	}
	if err != nil {
		return "", "", err
	}
	text, err := io.ReadAll(io.LimitReader(in, maxBinfiles))
	if err := errors.Join(err, in.Close()); err != nil {
		return "", "", err
	}
	var answer struct {
		Result []struct{ Architecture, Hash string }
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return "", "gives no list of files", nil
	}
	for _, r := range answer.Result {
		if r.Architecture == architecture && len(r.Hash) == 40 && strings.Trim(r.Hash, "0123456789abcdef") == "" {
			return r.Hash, "", nil
		}
	}
	return "", "has none for " + architecture, nil
}

// openPinned gives a build a repository of the layer's own packages in place of a mirror. apt need not check it against
// keys: each file's SHA-256 has been.
func (b *build) openPinned(ctx context.Context) (*apt, error) {
	if b.pinned != nil { // a bootstrap, and what is installed over it
		return b.pinned, nil
	}
	debs, ok := b.store.pins[b.digest]
	if !ok {
		return nil, errors.New("the recipe of the dataset does not name the packages of this image")
	}
	repository := filepath.Join(b.parts(), "repository")
	a := &apt{shared: filepath.Join(b.dir, "apt"), build: b.parts(), sources: []string{"deb [trusted=yes] copy:" + (&url.URL{Path: repository}).EscapedPath() + " ./"}}
	for _, dir := range []string{repository, a.archives(), filepath.Join(b.parts(), "archives", "partial"), filepath.Join(b.parts(), "lists", "partial"), filepath.Join(b.parts(), "log")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("prepare package tools: %w", err)
		}
	}
	b.step("list packages of the recipe")
	var list strings.Builder
	for _, d := range debs {
		file := filepath.Join(b.parts(), "archives", d.file()) // where apt finds it
		if err := os.Link(pinFile(b.store.pinFiles, d), file); err != nil {
			return nil, fmt.Errorf("take package %s: %w", d.Package, err)
		}
		control, err := exec.CommandContext(ctx, "dpkg-deb", "-f", file).Output()
		if err != nil {
			return nil, fmt.Errorf("read package %s: %w", d.Package, commandError(err))
		}
		info, err := os.Stat(file)
		if err != nil {
			return nil, fmt.Errorf("read package %s: %w", d.Package, err)
		}
		fmt.Fprintf(&list, "%s\nFilename: ./%s\nSize: %d\nSHA256: %s\n\n", strings.TrimSpace(string(control)), d.file(), info.Size(), d.SHA256)
	}
	// The suite's name is what mmdebstrap chooses essential packages by.
	release := fmt.Sprintf("Suite: %[1]s\nCodename: %[1]s\nDate: %s\nSHA256:\n %x %d Packages\n", b.suite(), epoch.Format(time.RFC1123), sha256.Sum256([]byte(list.String())), list.Len())
	for name, text := range map[string]string{"Packages": list.String(), "Release": release} {
		if err := os.WriteFile(filepath.Join(repository, name), []byte(text), 0o644); err != nil {
			return nil, fmt.Errorf("list packages: %w", err)
		}
	}
	if err := a.update(ctx); err != nil {
		return nil, err
	}
	b.pinned = a
	return a, link(a.lists(), filepath.Join(b.parts(), "lists"))
}
