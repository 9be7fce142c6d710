package scenario

import (
	"detgen/internal/beneath"
	"detgen/internal/strictyaml"
	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/resolve"
	"detgen/scenario/spec"
)

// What the rooms give to others.
type (
	// Source is a place where scenarios are.
	Source = format.Source
	// Scenario is a scenario of the catalogue, read and checked.
	Scenario = format.Scenario
	// About is what there is to know of a scenario before it is run.
	About = format.About
	// AboutTask is a task of it.
	AboutTask = format.AboutTask
	// AboutParameter is a parameter of it.
	AboutParameter = format.AboutParameter
	// AboutVariant is a failure or a caching option of it.
	AboutVariant = format.AboutVariant
	// Spec is what a user asks for.
	Spec = spec.Spec
	// Background is an activity that goes on with the main one.
	Background = spec.Background
	// Schedule says when a background activity starts.
	Schedule = spec.Schedule
	// Poisson is a schedule by chance.
	Poisson = spec.Poisson
	// Setting is a value for a key of "-s".
	Setting = spec.Setting
	// Settings are settings in the order in which they are written.
	Settings = spec.Settings
	// Digests gives the digest of an image.
	Digests = resolve.Digests
)

// Catalogue finds scenarios by name. It is safe for use by several goroutines.
type Catalogue struct{ *format.Catalogue }

// Open lists the scenarios of all sources; see format.Open.
func Open(sources ...Source) (*Catalogue, error) {
	c, err := format.Open(sources...)
	if err != nil {
		return nil, err
	}
	return &Catalogue{c}, nil
}

// Resolve makes the complete run of a spec for one seed; see resolve.Resolve.
func (c *Catalogue) Resolve(s *Spec, seed uint64, digests Digests) (*record.Run, error) {
	return resolve.Resolve(c.Catalogue, s, seed, digests)
}

// ReadSpec reads a spec file. name is its name for messages.
func ReadSpec(name string, data []byte) (*Spec, error) { return spec.Read(name, data) }

// ReadSpecFile reads the spec file at path.
func ReadSpecFile(path string) (*Spec, error) {
	content, err := beneath.ReadNamed(path, strictyaml.MaxSize)
	if err != nil {
		return nil, err
	}
	return ReadSpec(path, content)
}

// ParseSettings reads several KEY=VALUE.
func ParseSettings(texts ...string) ([]Setting, error) {
	settings := make([]Setting, len(texts))
	for i, text := range texts {
		var err error
		if settings[i], err = ParseSetting(text); err != nil {
			return nil, err
		}
	}
	return settings, nil
}

// ParseSetting reads KEY=VALUE from the command line.
func ParseSetting(text string) (Setting, error) { return spec.ParseSetting(text) }
