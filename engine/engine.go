// Package engine is what the engines have in common. An engine is a kernel and a clock that labs run on; what differs
// from one to another, it says itself, so that nobody else needs to know which one it is. Package engine/engines opens
// them by name.
package engine

import (
	"context"
	"log/slog"

	"detgen/image"
	"detgen/lab"
	"detgen/record"
)

// Engine makes runs happen. It may be used by several goroutines at once. The one who opened it closes it, after the
// last run.
type Engine interface {
	// Name is how users call it.
	Name() string
	// Requirements checks, without changing anything, what the engine needs of this computer, with a link driver ("" for
	// any).
	Requirements(ctx context.Context, driver string) []Requirement
	// Prepare makes what all runs share, when it is not there yet: a virtual machine's saved state.
	Prepare(ctx context.Context) error
	// Defaults are settings (as of "-s") that a spec has on this engine where the user says nothing.
	Defaults() map[string]string
	// Supports finds what a run asks for and the engine does not have. The error names the host and the key.
	Supports(run *record.Run) error
	// Jobs is how many runs may go on at once, when a user asks for so many. With 1 their order matters too.
	Jobs(asked int) int
	// Disturbs tells whether a run takes part in what another one at the same time measures.
	Disturbs() bool
	// Repeats tells whether the same run gives the same bytes again.
	Repeats() bool
	// Version is what the bytes of a run depend on besides the run itself: the virtual machine's description. It is "" where they
	// depend on chance.
	Version(ctx context.Context) (string, error)
	// TwinDriver is the link driver for two runs that differ in links only, when the user leaves it open; "" for any.
	TwinDriver() string
	// Layers gives an image's layers in the form in which Run takes them, top layer first.
	Layers(ctx context.Context, i image.Image) ([]string, error)
	// Run executes a run. The result is not nil when the lab got as far as starting; an error with it tells why the run
	// failed. An engine that was not prepared is prepared by its first run.
	Run(ctx context.Context, run *record.Run, o Options) (*record.Result, error)
	// Close lets go of what runs share. No run may be going on.
	Close() error
}

// Config is what an engine is opened with.
type Config struct {
	Cache string // directory of what is kept between runs
	Store *image.Store
	Log   *slog.Logger // may be nil
}

// Options say where a run finds and leaves things.
type Options struct {
	Dir      string              // an existing directory that receives captures/ and logs/
	Images   map[string][]string // image digest -> what Layers gave
	Progress func(stage string)  // called when a stage begins; may be nil
	Log      *slog.Logger        // may be nil
}

// Requirement is one thing that an engine needs of this computer: its name, and what is missing and how to get it.
type Requirement = lab.Requirement
