package image

import (
	"fmt"
	"slices"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/record"
)

// suiteOf gives the suite of each release.
var suiteOf = map[string]string{"11": "bullseye", "12": "bookworm", "13": "trixie"}

// Other is what a recipe does otherwise for another release. A field that is not set is the recipe's own.
type Other struct {
	Lacks     string // why there is no such image of the release; nothing else is set then
	Packages  []string
	Backports []string
	Without   []string
	Run       string

	replaces map[string]bool // fields that are set, if only to nothing
}

// otherFile is an Other as it is written.
type otherFile struct {
	Lacks     strictyaml.Text    `yaml:"lacks"`
	Packages  *[]strictyaml.Text `yaml:"packages"`
	Backports *[]strictyaml.Text `yaml:"backports"`
	Without   *[]strictyaml.Text `yaml:"without"`
	Run       *strictyaml.Text   `yaml:"run"`

	At problem.Position `yaml:"-"`
}

func (r *Recipe) readReleases(written map[string]otherFile, ps *problem.List) {
	for release, f := range written {
		if release == record.OwnRelease || !slices.Contains(record.Releases, release) {
			ps.Add(f.At, "releases", release, "must be a release of Debian other than %s: %s", record.OwnRelease, problem.Nearest(release, others()))
			continue
		}
		o := &Other{Lacks: f.Lacks.Text, replaces: map[string]bool{}}
		for name, list := range map[string]struct {
			from *[]strictyaml.Text
			to   *[]string
		}{"packages": {f.Packages, &o.Packages}, "backports": {f.Backports, &o.Backports}, "without": {f.Without, &o.Without}} {
			if list.from != nil {
				o.replaces[name] = true
				*list.to = r.list(name, *list.from)
			}
		}
		if f.Run != nil {
			o.replaces["run"], o.Run = true, f.Run.Text
		}
		if o.Lacks != "" && len(o.replaces) > 0 {
			ps.Add(f.At, "releases", release, "lacks stands alone: an image that is not there has no packages")
		}
		if r.Releases == nil {
			r.Releases = map[string]*Other{}
		}
		r.Releases[release] = o
	}
}

func others() []string {
	return slices.DeleteFunc(slices.Clone(record.Releases), func(r string) bool { return r == record.OwnRelease })
}

// addReleases adds the images of other releases, for recipes that stand on the own release.
func (rs *Recipes) addReleases() error {
	for _, name := range rs.Names() {
		chain := rs.chain(name)
		if chain[len(chain)-1].Bootstrap != suiteOf[record.OwnRelease] {
			continue
		}
		for _, release := range others() {
			if i := slices.IndexFunc(chain, func(r *Recipe) bool { return r.Releases[release] != nil && r.Releases[release].Lacks != "" }); i >= 0 {
				rs.lacking[record.ImageOfRelease(name, release)] = chain[i].Releases[release].Lacks
				continue
			}
			r, err := rs.byName[name].ofRelease(release)
			if err != nil {
				return err
			}
			rs.byName[r.Name] = r
		}
	}
	return nil
}

// ofRelease gives the recipe for another release.
func (r *Recipe) ofRelease(release string) (*Recipe, error) {
	other := *r
	other.Name, other.About, other.Releases = record.ImageOfRelease(r.Name, release), fmt.Sprintf("%s (Debian %s)", r.About, release), nil
	if r.From != "" {
		other.From = record.ImageOfRelease(r.From, release)
	}
	if r.Bootstrap != "" {
		other.Bootstrap = suiteOf[release]
	}
	if o := r.Releases[release]; o != nil {
		for name, field := range map[string]struct{ from, to *[]string }{
			"packages": {&o.Packages, &other.Packages}, "backports": {&o.Backports, &other.Backports}, "without": {&o.Without, &other.Without},
		} {
			if o.replaces[name] {
				*field.to = *field.from
			}
		}
		if o.replaces["run"] {
			other.Run = o.Run
		}
	}
	return &other, other.check()
}
