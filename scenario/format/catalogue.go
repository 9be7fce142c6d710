package format

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"

	"go.yaml.in/yaml/v3"
)

// Source is a place where scenarios are: a file system with a folder "scenarios", and the name
// that messages give to it ("catalogue", or the folder that a user named).
type Source struct {
	Name string
	FS   fs.FS
}

// Catalogue finds scenarios by name. It is safe for use by several goroutines.
type Catalogue struct {
	folders map[string]Folder
	mu      sync.Mutex
	read    map[string]*Scenario
}

// Folder is where a scenario lives.
type Folder struct {
	name string // of the scenario
	path string // for messages: "catalogue/scenarios/web"
	fsys fs.FS  // rooted at the folder
}

// Open lists the scenarios of all sources: the folders SOURCE/scenarios/NAME that hold a
// scenario.yaml. A source without the folder "scenarios" has none. A name that occurs in two
// sources is an error. The files themselves are read when they are asked for.
func Open(sources ...Source) (*Catalogue, error) {
	c := &Catalogue{folders: map[string]Folder{}, read: map[string]*Scenario{}}
	for _, source := range sources {
		if _, err := fs.Stat(source.FS, "."); err != nil {
			return nil, &problem.Problem{At: problem.Position{File: source.Name}, Message: "no such folder: a catalogue is a folder with scenarios/ and images/"}
		}
		entries, err := fs.ReadDir(source.FS, "scenarios")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("catalogue %s: %w", source.Name, err)
		}
		for _, entry := range entries {
			name := entry.Name()
			dir := "scenarios/" + name
			f := Folder{name: name, path: source.Name + "/" + dir}
			_, err := fs.Stat(source.FS, dir+"/scenario.yaml")
			if errors.Is(err, fs.ErrNotExist) || err != nil && entry.Type().IsRegular() {
				continue // no scenario
			}
			if err != nil {
				return nil, &problem.Problem{At: problem.Position{File: f.Path("scenario.yaml")}, Message: fmt.Sprintf("cannot be read: %v", err)}
			}
			if other, taken := c.folders[name]; taken {
				return nil, &problem.Problem{At: problem.Position{File: f.path}, Message: fmt.Sprintf("there is already a scenario %q in %s: rename one of the folders", name, other.path)}
			}
			if f.fsys, err = fs.Sub(source.FS, dir); err != nil {
				return nil, fmt.Errorf("catalogue %s: %w", source.Name, err)
			}
			c.folders[name] = f
		}
	}
	return c, nil
}

// Names gives the names of all scenarios, sorted.
func (c *Catalogue) Names() []string { return slices.Sorted(maps.Keys(c.folders)) }

// Has is true when there is a scenario of that name.
func (c *Catalogue) Has(name string) bool { _, ok := c.folders[name]; return ok }

// Scenario reads and checks a scenario, with what it takes over from the one it extends.
// The error holds every Problem of the file, one a line. The result is shared: do not change it.
func (c *Catalogue) Scenario(name string) (*Scenario, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.scenario(name, nil)
}

// scenario reads the scenario called name on behalf of those in chain, each extending the next.
func (c *Catalogue) scenario(name string, chain []string) (*Scenario, error) {
	if s, ok := c.read[name]; ok {
		return s, nil
	}
	f, ok := c.folders[name]
	if !ok {
		return nil, fmt.Errorf("scenario %q: no such scenario: %s", name, problem.Nearest(name, c.Names()))
	}
	data, err := f.read("scenario.yaml")
	if err != nil {
		return nil, fmt.Errorf("scenario %q: %w", name, err)
	}
	ps := &problem.List{}
	file := f.Path("scenario.yaml")
	content := strictyaml.Parse(file, data, ps)
	if content == nil {
		return nil, ps.Err()
	}
	var base *Scenario
	s := &Scenario{Folder: f}
	if extends := field(content, "extends"); extends != nil {
		if base, err = c.base(name, extends.Value, problem.Position{File: file, Line: extends.Line}, chain); err != nil {
			return nil, err
		}
		s.order = base.order + 1
	}
	strictyaml.ReadNode(file, s.order, content, s, ps)
	if err := ps.Err(); err != nil {
		return nil, err
	}
	s.settle()
	if base != nil {
		s.inherit(base)
	}
	s.check(ps)
	if err := ps.Err(); err != nil {
		return nil, err
	}
	c.read[name] = s // already: a twin's scenario may name this one
	s.checkTwins(ps, func(name string) (*Scenario, error) { return c.scenario(name, nil) })
	if err := ps.Err(); err != nil {
		delete(c.read, name)
		return nil, err
	}
	return s, nil
}

// base reads the scenario that another one extends, which says so at a place.
func (c *Catalogue) base(name, extends string, at problem.Position, chain []string) (*Scenario, error) {
	chain = append(chain, name)
	message := ""
	if slices.Contains(chain, extends) {
		message = "goes round in a circle: " + strings.Join(append(chain, extends), " -> ")
	} else if _, known := c.folders[extends]; !known {
		message = "no such scenario: " + problem.Nearest(extends, c.Names())
	} else {
		return c.scenario(extends, chain)
	}
	return nil, &problem.Problem{At: at, Field: "extends", Value: extends, Message: message}
}

// field gives the value of a mapping's field, or nil.
func field(n *yaml.Node, name string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// settle fills in what the parts of a freshly read scenario need to know of it.
func (s *Scenario) settle() {
	for _, h := range s.Hosts {
		h.Folder = s.Folder
	}
	for _, t := range s.Tasks {
		t.Folder = s.Folder
	}
	for _, v := range s.Failures {
		v.Folder = s.Folder
	}
	for _, v := range s.Caching {
		v.Folder = s.Folder
	}
}

// inherit takes over what base has and s does not declare itself.
func (s *Scenario) inherit(base *Scenario) {
	s.Parameters = merged(base.Parameters, s.Parameters)
	s.Limits = merged(base.Limits, s.Limits)
	s.Make = merged(base.Make, s.Make)
	s.Hosts = merged(base.Hosts, s.Hosts)
	s.Set = s.Set.Over(base.Set)
	if len(s.Networks) == 0 {
		s.Networks = base.Networks
	}
	if s.Class == "" {
		s.Labels = base.Labels
	}
	// Tasks are not taken over, so a parameter of some of the base's tasks is one of all here,
	// unless it says otherwise anew.
	for name, p := range s.Parameters {
		if p == base.Parameters[name] && len(p.Tasks) > 0 {
			open := *p
			open.Tasks = nil
			s.Parameters[name] = &open
		}
	}
}

func merged[T any](base, over map[string]T) map[string]T {
	all := maps.Clone(base)
	if all == nil {
		all = map[string]T{}
	}
	maps.Copy(all, over)
	return all
}

// NetworkNames are the scenario's networks, of which there is always one.
func (s *Scenario) NetworkNames() []string {
	if len(s.Networks) == 0 {
		return []string{"lan"}
	}
	names := make([]string, len(s.Networks))
	for i, n := range s.Networks {
		names[i] = n.Name
	}
	return names
}

// Tapped says whether the scenario has a tap at a network.
func (s *Scenario) Tapped(network string) bool {
	return slices.ContainsFunc(s.Networks, func(n Network) bool { return n.Name == network && n.Tap })
}

// Path is the path of a file of the folder, for messages.
func (f Folder) Path(name string) string { return f.path + "/" + name }

// ReadFile reads a file of the folder that the text at t names.
func (f Folder) ReadFile(field string, t Text) ([]byte, error) {
	data, err := f.read(path.Clean(t.Text))
	if err == nil {
		return data, nil
	}
	message := err.Error()
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		message = fmt.Sprintf("there is no file %s: %s", f.Path(t.Text), problem.Nearest(t.Text, f.list(path.Dir(path.Clean(t.Text)))))
	}
	return nil, &problem.Problem{At: t.At, Field: field, Value: t.Text, Message: message}
}

// maxFile bounds the files of a scenario's folder, in bytes.
const maxFile = 64 << 20

func (f Folder) read(name string) ([]byte, error) {
	info, err := fs.Stat(f.fsys, name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: has %d bytes: at most %d are read", f.Path(name), info.Size(), maxFile)
	}
	return fs.ReadFile(f.fsys, name)
}

// list gives the files of a folder within the folder, by their path from the scenario's.
func (f Folder) list(dir string) []string {
	entries, err := fs.ReadDir(f.fsys, dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	return names
}
