package vm

import (
	"context"
	"sync"

	"detgen/engine"
	"detgen/image"
	"detgen/record"
)

// VM is the engine as a command uses it: its machines' disk is made, or found, by the first run.
type VM struct {
	config engine.Config

	mu     sync.Mutex
	opened *Engine
}

// New gives the engine.
func New(c engine.Config) *VM { return &VM{config: c} }

// Name implements engine.Engine, and so do the methods below.
func (*VM) Name() string { return Name }

func (*VM) Requirements(_ context.Context, driver string) []engine.Requirement {
	return Requirements(driver)
}

func (*VM) Prepare(context.Context) error { return nil }

// Defaults fixes addresses: a system notices when its own changes, and says so on the network.
func (*VM) Defaults() map[string]string { return map[string]string{"addresses": "fixed"} }

func (*VM) Supports(run *record.Run) error { return Supports(run) }

// Jobs is 1: what a machine's system has done goes from run to run.
func (*VM) Jobs(int) int                            { return 1 }
func (*VM) Disturbs() bool                          { return true }
func (*VM) Repeats() bool                           { return false }
func (*VM) TwinDriver() string                      { return "" }
func (*VM) Version(context.Context) (string, error) { return "", nil }

// Layers gives packed layers, which the machines have as disks.
func (v *VM) Layers(ctx context.Context, i image.Image) ([]string, error) {
	return v.config.Store.Pack(ctx, i)
}

func (v *VM) Run(ctx context.Context, run *record.Run, o engine.Options) (*record.Result, error) {
	opened, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	return opened.Run(ctx, run, o)
}

func (v *VM) open(ctx context.Context) (*Engine, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.opened == nil {
		images, err := v.config.Store.Ensure(ctx, Image)
		if err != nil {
			return nil, err
		}
		opened, err := Open(ctx, Config{Cache: v.config.Cache, Digest: images[0].Digest, Layers: images[0].Layers})
		if err != nil {
			return nil, err
		}
		v.opened = opened
	}
	return v.opened, nil
}

func (v *VM) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.opened == nil {
		return nil
	}
	return v.opened.Close()
}
