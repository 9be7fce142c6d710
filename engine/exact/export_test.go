package exact

import (
	"context"
	"time"

	"detgen/engine/exact/internal/page"
	"detgen/engine/exact/internal/qemu"
	"detgen/record"
)

// WithLimits gives the engine with limits of its own for every run.
func (e *Engine) WithLimits(cpu, stall time.Duration) *Engine {
	limited := *e
	limited.limits = func(*record.Run) qemu.Limits { return qemu.Limits{CPU: cpu, Stall: stall} }
	return &limited
}

// LoadSnapshot says what is wrong with a snapshot.
func LoadSnapshot(path string) error {
	s, err := loadSnapshot(path)
	if err != nil {
		return err
	}
	return s.Close()
}

// Restore starts a machine from the snapshot, up to where it could go on, and ends it.
func (e *Engine) Restore(ctx context.Context) error {
	state, err := e.snapshot.openState()
	if err != nil {
		return err
	}
	defer state.Close()
	device, err := memoryFile("page", page.Size)
	if err != nil {
		return err
	}
	defer device.Close()
	p, err := qemu.Start(ctx, e.binary.Path, qemu.Machine{
		RAM: e.snapshot.ram, State: state, Empty: e.empty, Page: device, PageSize: page.Size,
	}, nil)
	if err != nil {
		return err
	}
	p.Kill()
	return nil
}
