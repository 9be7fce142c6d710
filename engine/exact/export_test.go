package exact

import (
	"time"

	"detgen/engine/exact/internal/qemu"
	"detgen/record"
)

// WithLimits gives the engine with limits of its own for every run.
func (e *Engine) WithLimits(cpu, stall time.Duration) *Engine {
	limited := *e
	limited.limits = func(*record.Run) qemu.Limits { return qemu.Limits{CPU: cpu, Stall: stall} }
	return &limited
}
