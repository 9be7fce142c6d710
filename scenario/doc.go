// Package scenario reads the catalogue and what a user asks for, checks both, draws what is
// left open, and makes a record.Run in which nothing is random but its seed (design:
// "Randomness", "Errors").
//
// A scenario is a folder: scenario.yaml (type Scenario), the shell scripts of its tasks, and
// files for its hosts. A Catalogue finds scenarios by name; a Spec says which task to run with
// which factors; Catalogue.Resolve joins the two. docs/adding-a-scenario.md describes the
// format for authors, docs/spec.md the keys of a spec.
package scenario
