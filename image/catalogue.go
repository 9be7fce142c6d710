package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"detgen/internal/beneath"
	"detgen/record"
)

// builder is the version of the way images are made. It is part of every digest: raise it
// when the same recipe gives another root than before.
const builder = 1

// Folder is a place that holds images/<name>/image.yaml.
type Folder struct {
	FS   fs.FS
	Name string // how errors name it: "catalogue", or the path given by the user
	Dir  string // the same folder as a path of this machine; "" when it is embedded
}

// DirFolder is a catalogue folder of the user. Nothing in it leads out of it.
func DirFolder(dir string) Folder { return Folder{FS: beneath.Dir(dir), Name: dir, Dir: dir} }

// source is the folder of one recipe.
type source struct {
	fs  fs.FS
	dir string // as a path of this machine; "" when it is embedded
}

func (s source) isFile(name string) bool {
	info, err := fs.Stat(s.fs, path.Clean(name))
	return err == nil && info.Mode().IsRegular()
}

// Recipes are the images of a catalogue. They are checked and complete: every parent exists.
type Recipes struct {
	byName  map[string]*Recipe
	digests map[string]string
	lacking map[string]string // image of another release that there is not -> why
	folders []Folder          // where they are from
}

// Load reads the recipes of all folders. A name may be defined once only.
func Load(folders ...Folder) (*Recipes, error) {
	rs := &Recipes{byName: map[string]*Recipe{}, digests: map[string]string{}, lacking: map[string]string{}, folders: folders}
	var errs []error
	for _, folder := range folders {
		entries, err := fs.ReadDir(folder.FS, "images")
		if errors.Is(err, fs.ErrNotExist) {
			continue // a catalogue may have scenarios only
		}
		if err != nil {
			return nil, fmt.Errorf("read images of %s: %w", folder.Name, err)
		}
		for _, entry := range entries {
			if entry.IsDir() {
				errs = append(errs, rs.load(folder, entry.Name()))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, name := range rs.Names() { // finds circles and what is missing
		_, err := rs.digest(name, nil)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if err := rs.addReleases(); err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(rs.byName) {
		_, err := rs.digest(name, nil)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return rs, nil
}

func (rs *Recipes) load(folder Folder, name string) error {
	inside := path.Join("images", name)
	file := path.Join(folder.Name, inside, "image.yaml")
	if !namePattern.MatchString(name) {
		return fmt.Errorf("%s: an image's name has small letters, digits and dashes", file)
	}
	text, err := fs.ReadFile(folder.FS, path.Join(inside, "image.yaml"))
	if err != nil {
		return fmt.Errorf("%s: the image has no readable image.yaml: %w", file, err)
	}
	sub, err := fs.Sub(folder.FS, inside)
	if err != nil {
		return err
	}
	src := source{fs: sub}
	if folder.Dir != "" {
		src.dir = filepath.Join(folder.Dir, inside)
	}
	recipe, err := parseRecipe(file, name, src, bytes.NewReader(text))
	if err != nil {
		return err
	}
	if other, ok := rs.byName[name]; ok {
		return fmt.Errorf("%s:1: image %q is already defined in %s", file, name, other.file)
	}
	rs.byName[name] = recipe
	return nil
}

// Names gives the names of all images of the own release, sorted.
func (rs *Recipes) Names() []string {
	return slices.DeleteFunc(sortedKeys(rs.byName), func(name string) bool { return record.ImageRecipe(name) != name })
}

// Recipe gives the recipe of an image.
func (rs *Recipes) Recipe(name string) (*Recipe, error) {
	recipe, ok := rs.byName[name]
	if why := rs.lacking[name]; why != "" {
		of, release, _ := strings.Cut(name, "@")
		return nil, fmt.Errorf("image %q is not there for Debian %s: %s", of, release, why)
	}
	if !ok {
		return nil, fmt.Errorf("unknown image %q; the catalogue has %s", name, strings.Join(rs.Names(), ", "))
	}
	return recipe, nil
}

// Digest is the identity of an image: "sha256:" and the SHA-256 of its recipe, the recipe's
// files, its parents' digests and the version of the builder, in hexadecimal. The image need
// not be built.
func (rs *Recipes) Digest(name string) (string, error) {
	if _, err := rs.Recipe(name); err != nil {
		return "", err
	}
	return rs.digests[name], nil
}

// chain gives the recipe and its ancestors, the image itself first.
func (rs *Recipes) chain(name string) []*Recipe {
	var chain []*Recipe
	for r := rs.byName[name]; r != nil; r = rs.byName[r.From] {
		chain = append(chain, r)
	}
	return chain
}

// digest computes and remembers the digest of an image. below are the images that stand on
// it, to find circles.
func (rs *Recipes) digest(name string, below []string) (string, error) {
	if d := rs.digests[name]; d != "" {
		return d, nil
	}
	r := rs.byName[name]
	parent := ""
	if r.From != "" {
		if _, ok := rs.byName[r.From]; !ok {
			return "", r.errorf("from", "from: unknown image %q; the catalogue has %s", r.From, strings.Join(rs.Names(), ", "))
		}
		if r.From == name || slices.Contains(below, r.From) {
			return "", r.errorf("from", "from: image %q stands on itself", name)
		}
		var err error
		if parent, err = rs.digest(r.From, append(below, name)); err != nil {
			return "", err
		}
	}
	chain := rs.chain(name)
	if root := chain[len(chain)-1]; root.Bootstrap == "" && len(r.Packages)+len(r.Backports)+len(r.Without)+len(r.Debconf) > 0 {
		return "", r.errorf("packages", "packages: they need a Debian root, but image %q starts from an OCI image", root.Name)
	}
	d, err := r.sum(parent)
	if err != nil {
		return "", err
	}
	rs.digests[name] = d
	return d, nil
}

// canonical is what a digest is computed over. The order of packages has no meaning, so they
// are sorted; names and descriptions of images do not count.
type canonical struct {
	Builder   int
	Parent    string
	Bootstrap string
	OCI       string
	OCIDigest string
	Debconf   []string
	Packages  []string
	Backports []string `json:",omitempty"`
	Without   []string `json:",omitempty"`
	Files     []canonicalFile
	Run       string
	Remove    []string
}

type canonicalFile struct {
	Path, Owner, Symlink, SHA256 string
	Mode                         uint32
	Directory                    bool
}

func (r *Recipe) sum(parent string) (string, error) {
	c := canonical{
		Builder: builder, Parent: parent, Bootstrap: r.Bootstrap, OCI: r.OCI,
		Debconf: r.Debconf, Packages: slices.Sorted(slices.Values(r.Packages)),
		Backports: slices.Sorted(slices.Values(r.Backports)),
		Without:   slices.Sorted(slices.Values(r.Without)), Run: r.Run, Remove: r.Remove,
	}
	if r.OCI != "" {
		var err error
		if c.OCIDigest, err = r.localOCIDigest(); err != nil {
			return "", err
		}
	}
	for _, f := range r.Files {
		content, err := r.content(f)
		if err != nil {
			return "", err
		}
		c.Files = append(c.Files, canonicalFile{
			Path: f.Path, Owner: f.Owner, Symlink: f.Symlink, SHA256: hexSum(content),
			Mode: f.mode(), Directory: f.Directory,
		})
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return "sha256:" + hexSum(text), nil
}

// content gives the bytes of a regular file of the recipe.
func (r *Recipe) content(f File) ([]byte, error) {
	if f.Source == "" {
		return []byte(f.Text), nil
	}
	content, err := fs.ReadFile(r.dir.fs, path.Clean(f.Source))
	if err != nil {
		return nil, r.errorf("files", "files: read source of %s: %w", f.Path, err)
	}
	return content, nil
}

func (f File) mode() uint32 {
	switch {
	case f.Mode != 0:
		return f.Mode
	case f.Directory:
		return 0o755
	}
	return 0o644
}

func hexSum(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
