// Package resolve makes the complete run of a spec: every value given, taken from the scenario or
// drawn, every template filled in (design: "Randomness").
//
// It goes by stages, each in a file of its own, which hand on what they decide:
//
//	choose      SCENARIO/TASK                        -> choice: scenario and task
//	layer       choice, settings of all layers       -> factors: failure, caching, settings in force
//	setParameters  scope (what templates see)        -> parameters: a value each
//	decideRun   scope                                -> addresses, epoch, timeout of the whole run
//	plug        scope, lab                           -> parts: hosts, programs, images, addresses
//	background  spec's entries, the main activity    -> more activities, in the same lab
//	shape       activity                             -> links, transport, load of its hosts
//	setUp       activity                             -> files, users, services of its hosts
//	finish      lab, activities                      -> the run: routes, order of services, scripts
package resolve

import (
	"detgen/internal/problem"
	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/spec"
)

// Digests gives the digest ("sha256:<hex>") of the image called name, or an error that says
// what is wrong with the name and what would be right.
type Digests func(image string) (string, error)

// mainActivity is the name of the main activity.
const mainActivity = "main"

// Resolve makes the complete run of a spec for one seed, with every image named by its digest. The
// same catalogue, spec, seed and digests always give the same run. The error holds every
// problem.Problem that is found, one a line; nothing has been started then.
func Resolve(catalogue *format.Catalogue, asked *spec.Spec, seed uint64, digests Digests) (*record.Run, error) {
	d := &draft{catalogue: catalogue, seed: seed, digests: digests, family: record.IPv4, problems: &problem.List{Places: asked.Places}}
	run := resolve(d, asked)
	if err := d.problems.Err(); err != nil {
		return nil, err
	}
	return run, nil
}

// resolve goes through the stages; nil when something is wrong.
func resolve(d *draft, asked *spec.Spec) *record.Run {
	var lab *lab
	var whole wholeRun
	var activities []*activity
	if asked.Timeline.Set() {
		lab, whole, activities = timeLine(d, asked)
	} else {
		lab, whole, activities = mainAndBackground(d, asked)
	}
	if d.failed() {
		return nil
	}
	for _, stage := range []func(*activity){shape, setUp} {
		for _, a := range activities {
			if !d.failed() {
				stage(a)
			}
		}
	}
	if d.failed() {
		return nil
	}
	run := &record.Run{Seed: d.seed, LinkDriver: asked.LinkDriver, Epoch: whole.epoch}
	finish(run, d, lab, activities)
	if d.failed() {
		return nil
	}
	return run
}

// mainAndBackground prepares the task of a spec, and the activities that go on with it.
func mainAndBackground(d *draft, asked *spec.Spec) (*lab, wholeRun, []*activity) {
	main, ok := decide(d, request{task: asked.Task, at: asked.At, field: "task", set: asked.Set})
	if !ok {
		return nil, wholeRun{}, nil
	}
	whole := decideRun(main.scope)
	lab := newLab(d.seed, whole, d.family)
	lab.first = main
	main.timeout, main.names, main.starts = whole.timeout, []string{mainActivity}, []record.Duration{0}
	main.parts = plug(main.scope, lab, nil)
	activities := []*activity{main}
	if !d.failed() {
		activities = append(activities, background(lab, asked.Background, main)...)
	}
	return lab, whole, activities
}

// decide makes everything of an activity that does not need hosts.
func decide(d *draft, q request) (*activity, bool) {
	c, ok := choose(d, q)
	if !ok {
		return nil, false
	}
	a := &activity{scope: layer(c, q.set)}
	if !d.failed() {
		decideFamily(a.scope)
	}
	if !d.failed() {
		a.parameters = setParameters(a.scope)
	}
	if !d.failed() {
		checkLimits(a.scope)
	}
	return a, !d.failed()
}
