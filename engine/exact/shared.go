package exact

import (
	"context"
	"encoding/json"
	"sync"

	"detgen/engine"
	"detgen/image"
	"detgen/lab/link"
	"detgen/record"
)

// Exact is the engine as a command uses it: its machine's snapshot is opened, or made, by Prepare or the first run.
type Exact struct {
	config engine.Config

	mu     sync.Mutex
	opened *Engine
}

// New gives the engine.
func New(c engine.Config) *Exact {
	if c.Store != nil { // the command line asks engines for their requirements without one
		c.Store.TakePacked()
	}
	return &Exact{config: c}
}

// Name implements engine.Engine, and so do the methods below.
func (*Exact) Name() string { return Name }

func (e *Exact) Requirements(ctx context.Context, _ string) []engine.Requirement {
	return Requirements(ctx, e.config.Cache)
}

func (e *Exact) Prepare(ctx context.Context) error {
	_, err := e.open(ctx)
	return err
}

func (*Exact) Defaults() map[string]string    { return nil }
func (*Exact) Supports(run *record.Run) error { return Supports(run) }
func (*Exact) Jobs(asked int) int             { return asked }
func (*Exact) Disturbs() bool                 { return false }
func (*Exact) Repeats() bool                  { return true }

// Version is the description of the machine, as run.json has it.
func (e *Exact) Version(ctx context.Context) (string, error) {
	opened, err := e.open(ctx)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(opened.describe())
	return string(text), err
}

// TwinDriver is the soft driver: it decides frame by frame, so that two runs are the same up to the first frame that a
// link treats differently.
func (*Exact) TwinDriver() string { return link.Soft }

// Layers gives packed layers, which the machine has as memory devices.
func (e *Exact) Layers(ctx context.Context, i image.Image) ([]string, error) {
	return e.config.Store.Pack(ctx, i)
}

func (e *Exact) Run(ctx context.Context, run *record.Run, o engine.Options) (*record.Result, error) {
	opened, err := e.open(ctx)
	if err != nil {
		return nil, err
	}
	return opened.Run(ctx, run, o)
}

func (e *Exact) open(ctx context.Context) (*Engine, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.opened == nil {
		opened, err := Open(ctx, Config{Cache: e.config.Cache, Log: e.config.Log})
		if err != nil {
			return nil, err
		}
		e.opened = opened
	}
	return e.opened, nil
}

func (e *Exact) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.opened == nil {
		return nil
	}
	return e.opened.Close()
}
