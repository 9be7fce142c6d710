package experiment

import (
	_ "embed" // the plans
	"errors"
	"fmt"
	"slices"
	"strings"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/scenario"
)

//go:embed determinism.yaml
var determinismPlan []byte

//go:embed factors.yaml
var factorsPlan []byte

// Plan is what the determinism experiment compares.
type Plan struct {
	Types []*Type `yaml:"types"`
}

// Type is a kind of traffic: the samples of all its configurations are what its dissimilarities are put in relation to.
type Type struct {
	Name           string           `yaml:"name"`
	Host           string           `yaml:"host"`  // whose capture is compared
	Paper          []PaperValues    `yaml:"paper"` // what the paper found
	Configurations []*Configuration `yaml:"configurations"`
}

// PaperValues are means that the paper gives, in % of the type's maximum, in the order of similarity.Metrics.
type PaperValues struct {
	Setup string     `yaml:"setup" json:"setup"`
	Means [3]float64 `yaml:"means" json:"means"`
}

// Configuration is one combination of factors.
type Configuration struct {
	Name       string         `yaml:"name"`
	Activity   string         `yaml:"activity"`
	Data       string         `yaml:"data"`
	Load       string         `yaml:"load"`
	Congestion string         `yaml:"congestion"`
	Spec       *scenario.Spec `yaml:"spec"`
}

// FactorPlan is what the factor experiment compares.
type FactorPlan struct {
	Factors []*Factor `yaml:"factors"`
}

// Factor is one thing changed.
type Factor struct {
	Name   string         `yaml:"name"`
	Factor string         `yaml:"factor"` // which of the paper's factors it is
	Host   string         `yaml:"host"`   // whose capture is compared
	Base   *scenario.Spec `yaml:"base"`
	With   *scenario.Spec `yaml:"with"` // what is changed in it: its "set" is added to that of the base, other fields replace it
}

// ReadPlan reads a plan of the determinism experiment; nil gives the paper's. name is for messages.
func ReadPlan(name string, text []byte) (*Plan, []byte, error) {
	if text == nil {
		name, text = "the built-in plan", determinismPlan
	}
	var p Plan
	if err := readYAML(name, text, &p); err != nil {
		return nil, nil, err
	}
	var types []string
	for _, t := range p.Types {
		types = append(types, t.Name)
		var names []string
		for _, c := range t.Configurations {
			names = append(names, c.Name)
			if c.Spec == nil {
				return nil, nil, fmt.Errorf("%s: type %q: configuration %q: spec is missing", name, t.Name, c.Name)
			}
		}
		if err := distinct(names); err != nil {
			return nil, nil, fmt.Errorf("%s: type %q: configurations: %w", name, t.Name, err)
		}
	}
	if err := distinct(types); err != nil {
		return nil, nil, fmt.Errorf("%s: types: %w", name, err)
	}
	return &p, text, nil
}

// ReadFactors reads a plan of the factor experiment; nil gives the one that is built in.
func ReadFactors(name string, text []byte) (*FactorPlan, []byte, error) {
	if text == nil {
		name, text = "the built-in plan", factorsPlan
	}
	var p FactorPlan
	if err := readYAML(name, text, &p); err != nil {
		return nil, nil, err
	}
	var names []string
	for _, f := range p.Factors {
		names = append(names, f.Name)
		if f.Base == nil || f.With == nil {
			return nil, nil, fmt.Errorf("%s: factor %q: base or with is missing", name, f.Name)
		}
	}
	if err := distinct(names); err != nil {
		return nil, nil, fmt.Errorf("%s: factors: %w", name, err)
	}
	return &p, text, nil
}

func readYAML(name string, text []byte, into any) error {
	ps := &problem.List{}
	strictyaml.Read(name, text, into, ps)
	return ps.Err()
}

// distinct makes sure that names differ as folders.
func distinct(names []string) error {
	if len(names) == 0 {
		return errors.New("there are none")
	}
	seen := map[string]bool{}
	for _, n := range names {
		f := folder(n)
		if f == "" {
			return fmt.Errorf("%q is no name", n)
		}
		if seen[f] {
			return fmt.Errorf("%q is there twice", n)
		}
		seen[f] = true
	}
	return nil
}

// folder makes a folder's name of a name.
func folder(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "-")
}

// Only keeps the types of these names, in the plan's order.
func (p *Plan) Only(names []string) error {
	for _, n := range names {
		if !slices.ContainsFunc(p.Types, func(t *Type) bool { return t.Name == n }) {
			var all []string
			for _, t := range p.Types {
				all = append(all, t.Name)
			}
			return fmt.Errorf("type %q: there are %q", n, all)
		}
	}
	p.Types = slices.DeleteFunc(p.Types, func(t *Type) bool { return !slices.Contains(names, t.Name) })
	return nil
}

// changed gives the spec of a factor's second side.
func (f *Factor) changed() *scenario.Spec {
	s := *f.Base
	s.Set = f.With.Set.Over(f.Base.Set)
	if f.With.Task != "" {
		s.Task = f.With.Task
	}
	if f.With.LinkDriver != "" {
		s.LinkDriver = f.With.LinkDriver
	}
	if f.With.Background != nil {
		s.Background = f.With.Background
	}
	return &s
}
