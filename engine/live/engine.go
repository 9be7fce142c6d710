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

// Live is the engine: this machine's kernel. It keeps nothing between runs.
type Live struct {
	config      engine.Config
	attribution func() error // whether owners of connections can be noted, for a user
}

// New gives the engine.
func New(c engine.Config) *Live { return &Live{c, sync.OnceValue(userAttribution)} }

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
func (*Live) Jobs(asked int) int                      { return asked }
func (*Live) Disturbs() bool                          { return true }
func (*Live) Repeats() bool                           { return false }
func (*Live) Version(context.Context) (string, error) { return "", nil }
func (*Live) TwinDriver() string                      { return "" }
func (*Live) Close() error                            { return nil }

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
	return Run(ctx, run, o)
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
