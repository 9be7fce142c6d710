package resolve

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/scenario/format"
)

// made are the things that an activity makes from the run's seed, each when a template first asks
// for a part of it.
type made struct {
	scope  *scope // of the activity, for no host
	parts  map[string]map[string]any
	making []string // things being made, to find circles
}

// part makes the thing called name once and gives one of its parts.
func (m *made) part(name, part string) (any, error) {
	parts, ok := m.parts[name]
	if !ok {
		declared, number, err := m.called(name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(m.making, name) {
			return nil, fmt.Errorf("made: goes round in a circle: %s -> %s", strings.Join(m.making, " -> "), name)
		}
		m.making = append(m.making, name)
		parts, err = m.scope.numbered(number).makeThing(declared, name)
		m.making = m.making[:len(m.making)-1]
		if err != nil {
			return nil, err
		}
		m.parts[name] = parts
	}
	v, ok := parts[part]
	if !ok {
		return nil, fmt.Errorf("made: %q has no part %q: %s", name, part, problem.Nearest(part, partsOf(parts)))
	}
	return v, nil
}

// makeThing makes all parts of the thing called name.
func (sc *scope) makeThing(m *format.Made, name string) (map[string]any, error) {
	field := "make." + name + "."
	switch {
	case m.Authority != nil:
		return sc.makeAuthority(m.Authority, name, field+"authority")
	case m.Certificate != nil:
		return sc.makeCertificate(m.Certificate, name, field+"certificate")
	case m.SSHKey != nil:
		return sc.makeSSHKey(m.SSHKey, name, field+"ssh_key")
	case m.ZoneKey != nil:
		return sc.makeZoneKey(m.ZoneKey, name, field+"zone_key")
	case m.Table != nil:
		return sc.makeTable(m.Table, name, field+"table")
	}
	return sc.makeSite(m.Site, name, field+"site")
}

// partsOf are the parts that templates can name.
func partsOf(parts map[string]any) []string {
	return slices.DeleteFunc(sortedKeys(parts), func(p string) bool { return p == authorityPart })
}

// called finds the declaration of a thing, and the number of a repeated one (else 0).
func (m *made) called(name string) (*format.Made, int, error) {
	declared := m.scope.scenario.Make
	if d, ok := declared[name]; ok && !d.Repeat.Set() {
		return d, 0, nil
	}
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		d := declared[name[:i]]
		number, err := strconv.Atoi(name[i+1:])
		if d != nil && d.Repeat.Set() && err == nil {
			n, err := m.scope.count(d.Repeat, "make."+name[:i]+".repeat")
			if err == nil && (number < 1 || number > n) {
				err = fmt.Errorf("made: there are %s-1 to %s-%d, not %s", name[:i], name[:i], n, name)
			}
			return d, number, err
		}
	}
	return nil, 0, fmt.Errorf("made: nothing called %q is made: %s", name, problem.Nearest(name, strictyaml.InOrder(declared)))
}
