package image

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"detgen/record"
)

// Deb is the file of a Debian package, as the layer that installed it names it: what makes the same layer on another day.
type Deb struct {
	Package      string
	Version      string
	Architecture string // of the file: "all" where it is that
	SHA256       string
	Bytes        int64
	Path         string // below the archive: "pool/main/a/adduser/adduser_3.134_all.deb"
}

// String is the form of a Deb in files: its fields in order, between single spaces.
func (d Deb) String() string {
	return fmt.Sprintf("%s %s %s %s %d %s", d.Package, d.Version, d.Architecture, d.SHA256, d.Bytes, d.Path)
}

// MarshalText gives String.
func (d Deb) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

var (
	versionPattern      = regexp.MustCompile(`^[0-9][A-Za-z0-9.+~:-]*$`) // Debian policy 5.6.12
	architecturePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	sumPattern          = regexp.MustCompile(`^[0-9a-f]{64}$`)
	poolPattern         = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+~:%/-]*\.deb$`)
)

// UnmarshalText reads what String gives. Text from elsewhere becomes paths, addresses and arguments: only what looks
// as it must is taken.
func (d *Deb) UnmarshalText(text []byte) error {
	f := strings.Split(string(text), " ")
	if len(f) != 6 {
		return fmt.Errorf("package file %q: must be name, version, architecture, SHA-256, bytes and path", text)
	}
	size, err := strconv.ParseInt(f[4], 10, 64)
	if err != nil || size <= 0 {
		return fmt.Errorf("package file %q: %q is no number of bytes", text, f[4])
	}
	for i, pattern := range []*regexp.Regexp{packagePattern, versionPattern, architecturePattern, sumPattern, nil, poolPattern} {
		if pattern != nil && !pattern.MatchString(f[i]) {
			return fmt.Errorf("package file %q: %q does not look like its %s", text, f[i], []string{"name", "version", "architecture", "SHA-256", "", "path"}[i])
		}
	}
	if !filepath.IsLocal(f[5]) || path.Clean(f[5]) != f[5] {
		return fmt.Errorf("package file %q: path %q leads elsewhere", text, f[5])
	}
	*d = Deb{f[0], f[1], f[2], f[3], size, f[5]}
	return nil
}

// file is what apt names the archive in its cache.
func (d Deb) file() string {
	return d.Package + "_" + strings.ReplaceAll(d.Version, ":", "%3a") + "_" + d.Architecture + ".deb"
}

// Debs gives the package files that the layers of a built image were made of, by the digest of the layer. A layer that
// was built before they were recorded, or by other packages than an archive's, is not in it.
func (s *Store) Debs(digest string) (map[string][]Deb, error) {
	if err := record.CheckDigest(digest); err != nil {
		return nil, err
	}
	image, err := s.entry(digest)
	if err != nil {
		return nil, err
	}
	layers := map[string][]Deb{}
	for _, d := range append([]string{digest}, image.Ancestors...) {
		layer, err := s.entry(d)
		if err != nil {
			return nil, err
		}
		if layer.Debs != nil {
			layers[d] = layer.Debs
		}
	}
	return layers, nil
}

// installedBy finds the files of the packages that the layer has and its parents have not, by dpkg's databases and the
// archives and lists that apt worked with. They are nil when one of them is not an archive's: nobody could fetch it.
func (b *build) installedBy(before, after string) ([]Deb, error) {
	wanted, err := changed(dpkgEntries(before), dpkgEntries(after), filepath.Join(b.parts(), "archives"))
	if wanted == nil || err != nil {
		return nil, err
	}
	if b.store.pins != nil { // their paths are those of the archive that they were recorded in
		for _, pin := range b.store.pins[b.digest] {
			if d := wanted[pin.Package]; d != nil && d.SHA256 == pin.SHA256 {
				d.Path = pin.Path
			}
		}
		return complete(wanted), nil
	}
	if err := findPaths(filepath.Join(b.parts(), "lists"), wanted); err != nil {
		return nil, err
	}
	return complete(wanted), nil
}

// changed gives the files, by package, of what one dpkg database has and an earlier one has not; nil when apt's archives
// lack one of them.
func changed(had, has map[string]dpkgEntry, archives string) (map[string]*Deb, error) {
	files := map[string]*Deb{}
	for name, e := range has {
		if had[name] == e {
			continue
		}
		d := &Deb{Package: e.Package, Version: e.Version, Architecture: e.Architecture}
		var err error
		d.SHA256, d.Bytes, err = record.Digest(filepath.Join(archives, d.file()))
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the archive of %s: %w", name, err)
		}
		files[name] = d
	}
	return files, nil
}

// complete gives the files by name; nil when the path of one is not known.
func complete(files map[string]*Deb) []Deb {
	debs := []Deb{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if files[name].Path == "" {
			return nil
		}
		debs = append(debs, *files[name])
	}
	return debs
}

// findPaths gives files, by package, the paths that the package lists of a folder have for them.
func findPaths(folder string, files map[string]*Deb) error {
	if len(files) == 0 {
		return nil
	}
	lists, err := filepath.Glob(filepath.Join(folder, "*_Packages"))
	if err != nil {
		return err
	}
	for _, list := range lists {
		if err := findPathsIn(list, files); err != nil {
			return fmt.Errorf("read package lists: %w", err)
		}
	}
	return nil
}

func findPathsIn(list string, files map[string]*Deb) error {
	f, err := os.Open(list)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	var of *Deb // of this entry's name
	var path, sum string
	end := func() {
		if of != nil && of.SHA256 == sum && of.Path == "" && poolPattern.MatchString(path) {
			of.Path = path
		}
		of, path, sum = nil, "", ""
	}
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 {
			end()
		} else if name, ok := bytes.CutPrefix(line, []byte("Package: ")); ok {
			of = files[string(name)]
		} else if of == nil {
			continue
		} else if value, ok := bytes.CutPrefix(line, []byte("Filename: ")); ok {
			path = strings.TrimPrefix(string(value), "./")
		} else if value, ok := bytes.CutPrefix(line, []byte("SHA256: ")); ok {
			sum = string(value)
		}
	}
	end()
	return lines.Err()
}

// dpkgEntry is an installed package of a dpkg database.
type dpkgEntry struct{ Package, Version, Architecture string }

// dpkgEntries reads the packages that are installed in a dpkg database (its file "status"), by name.
func dpkgEntries(status string) map[string]dpkgEntry {
	packages := map[string]dpkgEntry{}
	for entry := range strings.SplitSeq(status, "\n\n") {
		fields := map[string]string{}
		for line := range strings.Lines(entry) {
			if name, value, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, " ") {
				fields[name] = strings.TrimSpace(value)
			}
		}
		if name := fields["Package"]; strings.HasSuffix(fields["Status"], " installed") && !strings.HasPrefix(name, standInPrefix) {
			packages[name] = dpkgEntry{name, fields["Version"], fields["Architecture"]}
		}
	}
	return packages
}
