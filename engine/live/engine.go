package live

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"detgen/engine"
	"detgen/image"
	"detgen/lab"
	"detgen/record"
)

// Live is the engine: this machine's kernel. It keeps nothing between runs but the program of their labs.
type Live struct {
	config      engine.Config
	attribution func() error // whether owners of connections can be noted, for a user

	open  sync.Once // of what follows
	parts parts
	err   error

	// Labs take turns when Jobs was called: so many are made and measured at once, and so many there are with those that
	// are being taken down.
	measured, there chan struct{}
	ending          sync.WaitGroup // labs that are being taken down
}

// New gives the engine.
func New(c engine.Config) *Live {
	return &Live{config: c, attribution: sync.OnceValue(userAttribution)}
}

// Name implements engine.Engine, and so do the methods below.
func (*Live) Name() string { return Name }

func (*Live) Requirements(ctx context.Context, driver string) []engine.Requirement {
	if os.Geteuid() != 0 {
		return userRequirements(ctx, driver)
	}
	return lab.Requirements(driver)
}

func (*Live) Prepare(context.Context) error           { return nil }
func (*Live) Defaults() map[string]string             { return nil }
func (*Live) Disturbs() bool                          { return true }
func (*Live) Repeats() bool                           { return false }
func (*Live) Version(context.Context) (string, error) { return "", nil }
func (*Live) TwinDriver() string                      { return "" }

// Jobs implements engine.Engine. As many labs are made and measured at once; beside them another run may be labelled, and
// labs are taken down, which is waiting for the kernel more than work. With one job there is nothing beside a lab.
func (l *Live) Jobs(asked int) int {
	if asked <= 1 {
		l.there = make(chan struct{}, 1)
		return asked
	}
	l.measured, l.there = make(chan struct{}, asked), make(chan struct{}, 2*asked)
	return asked + 1
}

// enter waits for a lab's turn in a queue, nil for none, and gives what lets go of it.
func enter(ctx context.Context, queue chan struct{}) (leave func(), err error) {
	if queue == nil {
		return func() {}, nil
	}
	select {
	case queue <- struct{}{}:
		return func() { <-queue }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Close implements engine.Engine.
func (l *Live) Close() error {
	l.ending.Wait()
	l.parts.close()
	return nil
}

// Layers gives directories: the kernel's overlay file system takes them. A user's must be the user's own.
func (l *Live) Layers(_ context.Context, i image.Image) ([]string, error) {
	if os.Geteuid() != 0 {
		return i.Layers, l.config.Store.Own(i)
	}
	return i.Layers, nil
}

func (l *Live) Run(ctx context.Context, run *record.Run, o engine.Options) (*record.Result, error) {
	if o.Log == nil {
		o.Log = l.config.Log
	}
	if l.open.Do(func() { l.parts, l.err = openParts() }); l.err != nil {
		return nil, l.err
	}
	gone, err := enter(ctx, l.there)
	if err != nil {
		return nil, err
	}
	measured, err := enter(ctx, l.measured)
	if err != nil {
		gone()
		return nil, err
	}
	defer measured()
	result, end, err := execute(ctx, run, o, l.parts)
	l.ending.Go(func() {
		defer gone()
		end()
	})
	return result, err
}

// Supports finds a congestion control that this kernel does not have, and what takes root that this user is not.
func (l *Live) Supports(run *record.Run) error {
	if os.Geteuid() != 0 {
		if err := lab.CheckUser(run, l.attribution); err != nil {
			return err
		}
	}
	text, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
	if err != nil {
		return fmt.Errorf("read this kernel's congestion controls: %w", err)
	}
	known := strings.Fields(string(text))
	for _, h := range run.Hosts {
		if c := h.Transport.Congestion; c != "" && !slices.Contains(known, c) {
			return fmt.Errorf("host %q: transport.congestion %q: this kernel has %s", h.Name, c, strings.Join(known, ", "))
		}
	}
	return nil
}
