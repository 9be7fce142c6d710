// Package scenario reads the catalogue and what a user asks for, checks both, draws what is
// left open, and makes a record.Run in which nothing is random but its seed (design:
// "Randomness", "Errors").
//
// A scenario is a folder: scenario.yaml (type Scenario), the shell scripts of its tasks, and
// files for its hosts. A Catalogue finds scenarios by name; a Spec asks for a task with factors;
// Catalogue.Resolve joins the two. This package is the front of four rooms, each of which can be
// read alone and knows only those before it:
//
//	value    types, units, bounds and laws of values
//	spec     what is asked for: the spec file, settings and their keys
//	format   scenario.yaml: types, catalogue, checks
//	resolve  from a spec to a run, by stages
//
// docs/adding-a-scenario.md describes the format for authors, docs/spec.md the keys of a spec.
package scenario
