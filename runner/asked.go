package runner

import (
	"errors"
	"fmt"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/scenario"
)

// Asked is what a user asks for on a command line: what a spec file says, and what is said besides it.
type Asked struct {
	File     string   // of the spec; "": none
	Task     string   // SCENARIO/TASK; "": the file's
	Timeline string   // a CSV file of activities, instead of a task; "": the file's
	Settings []string // KEY=VALUE; they override the file's
	Seed     *uint64  // nil: the file's, else one is drawn
}

// Spec gives the spec that is asked for. It has a seed.
func (a *Asked) Spec() (*scenario.Spec, error) {
	spec := &scenario.Spec{}
	if a.File != "" {
		var err error
		if spec, err = scenario.ReadSpecFile(a.File); err != nil {
			return nil, request(err)
		}
	}
	if a.Task != "" {
		spec.Task = a.Task
	}
	if a.Timeline != "" {
		spec.Timeline = strictyaml.Text{Text: a.Timeline, At: problem.Position{File: a.Timeline}}
	}
	switch {
	case spec.Timeline.Set() && (spec.Task != "" || len(spec.Background) > 0):
		return nil, request(errors.New("a time line names all activities: give no task and no background with it"))
	case !spec.Timeline.Set() && spec.Task == "":
		return nil, request(errors.New("what to run? give SCENARIO/TASK (detgen list shows them), --spec FILE or --timeline FILE"))
	}
	settings, err := scenario.ParseSettings(a.Settings...)
	if err == nil {
		err = spec.Override(settings...)
	}
	if err != nil {
		return nil, request(err)
	}
	switch {
	case a.Seed != nil:
		spec.Seed = a.Seed
	case spec.Seed == nil:
		seed := NewSeed()
		spec.Seed = &seed
	}
	return spec, nil
}

// Varied gives a spec with one factor changed by a setting KEY=VALUE.
func Varied(spec *scenario.Spec, setting string) (*scenario.Spec, error) {
	if setting == "" {
		return nil, request(errors.New("--vary KEY=VALUE is missing: the factor in which the second run differs"))
	}
	s, err := scenario.ParseSetting(setting)
	if err != nil {
		return nil, request(err)
	}
	varied := *spec
	return &varied, request(varied.Override(s))
}

// Fill takes the runs that a spec asks for into a batch: as the run directory out, or when they are several in the folder
// out, where those that are there already count as made. With no name for it, it is one below runs/ that is not taken.
func (b *Batch) Fill(spec *scenario.Spec, out string) error {
	if spec.Count < 1 {
		return request(fmt.Errorf("--count %d: must be 1 or more", spec.Count))
	}
	if out == "" {
		out = FreeName(batchName(spec))
	}
	b.Jobs, b.Count, b.Resume = jobs(spec, out), spec.Count, spec.Count > 1
	return nil
}
