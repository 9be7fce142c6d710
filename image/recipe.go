package image

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Recipe says how to make one image. Its starting root is exactly one of Bootstrap, From and
// OCI; then, in this order, Debconf, Packages, Files, Run and Remove are applied to it.
type Recipe struct {
	Name      string   // of the folder that holds image.yaml
	About     string   // one line: what the image is for
	Bootstrap string   // Debian suite, whose essential packages make the root: "bookworm"
	From      string   // name of the image this one is a layer on
	OCI       string   // registry reference, or path of an archive or layout relative to image.yaml ("./x.tar")
	Debconf   []string // lines as debconf-set-selections(1) takes them
	Packages  []string // Debian package names, installed without their recommendations
	Backports []string // packages of the suite's backports: newer than the suite's, or not in it at all
	Without   []string // packages that Packages depend on and that are left out; what needs them does not work
	Files     []File
	Run       string   // shell script, run in the root by "sh -eu" without a network
	Remove    []string // absolute shell patterns, removed at the end

	Releases map[string]*Other // what is otherwise for other releases of Debian: "11", "13"

	file  string         // image.yaml, as errors name it
	lines map[string]int // field, or "packages/NAME", to its line
	dir   source         // where the recipe's own files are
}

// File is put into the root. Exactly one of Text, Source, Symlink and Directory is set (an
// empty regular file has none of them).
type File struct {
	Path      string // absolute
	Mode      uint32 // permission bits; 0 means 0644 (0755 for directories)
	Owner     string // "user" or "user:group" by the image's own /etc/passwd, or numbers; "" is root
	Text      string
	Source    string // path of a file beside image.yaml
	Symlink   string
	Directory bool
}

// at says where a field of the recipe is written: "catalogue/images/x/image.yaml:3".
func (r *Recipe) at(field string) string {
	line := r.lines[field]
	if line == 0 {
		line = 1
	}
	return fmt.Sprintf("%s:%d", r.file, line)
}

// errorf makes an error that starts with the place of a field.
func (r *Recipe) errorf(field, format string, args ...any) error {
	return fmt.Errorf("%s: %w", r.at(field), fmt.Errorf(format, args...))
}

var (
	namePattern    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	packagePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`) // Debian policy 5.6.1
)

// check finds what is wrong inside the recipe itself, without looking at other recipes.
func (r *Recipe) check() error {
	starts := 0
	for _, s := range []string{r.Bootstrap, r.From, r.OCI} {
		if s != "" {
			starts++
		}
	}
	if starts != 1 {
		return r.errorf("", "an image starts with exactly one of from, bootstrap and oci; this one has %d", starts)
	}
	if suites := slices.Sorted(maps.Values(suiteOf)); r.Bootstrap != "" && !contains(suites, r.Bootstrap) {
		return r.errorf("bootstrap", "bootstrap: unknown Debian suite %q; known: %s", r.Bootstrap, strings.Join(suites, ", "))
	}
	seen := map[string]bool{}
	for field, list := range map[string][]string{"packages": r.Packages, "backports": r.Backports, "without": r.Without} {
		for _, p := range list {
			if !packagePattern.MatchString(p) {
				return r.errorf(field+"/"+p, "%s: %q is not a Debian package name", field, p)
			}
			if seen[p] {
				return r.errorf(field+"/"+p, "%s: %q is listed twice", field, p)
			}
			seen[p] = true
		}
	}
	for i, f := range r.Files {
		if err := f.check(); err != nil {
			return r.errorf(fmt.Sprintf("files/%d", i), "files: %w", err)
		}
		if f.Source != "" && !r.dir.isFile(f.Source) {
			return r.errorf(fmt.Sprintf("files/%d", i), "files: source: no file %q beside image.yaml", f.Source)
		}
	}
	for _, p := range r.Remove {
		if !absolute(p) {
			return r.errorf("remove/"+p, "remove: %q is not an absolute path without \"..\"", p)
		}
	}
	return nil
}

func (f File) check() error {
	if !absolute(f.Path) {
		return fmt.Errorf("path: %q is not an absolute path without \"..\"", f.Path)
	}
	kinds := 0
	for _, set := range []bool{f.Text != "", f.Source != "", f.Symlink != "", f.Directory} {
		if set {
			kinds++
		}
	}
	if kinds > 1 {
		return fmt.Errorf("%s: only one of text, source, symlink and directory can be set", f.Path)
	}
	if f.Mode > 0o7777 {
		return fmt.Errorf("%s: mode: %#o is more than 07777", f.Path, f.Mode)
	}
	if f.Owner != "" && !ownerPattern.MatchString(f.Owner) {
		return fmt.Errorf("%s: owner: %q is not \"user\" or \"user:group\"", f.Path, f.Owner)
	}
	return nil
}

var ownerPattern = regexp.MustCompile(`^[a-z0-9_][a-z0-9_-]*(:[a-z0-9_][a-z0-9_-]*)?$`)

// absolute reports whether p is a clean absolute path other than the root itself.
func absolute(p string) bool {
	return path.IsAbs(p) && path.Clean(p) == p && p != "/" && !strings.ContainsAny(p, "\n\x00")
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}
