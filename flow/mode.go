package flow

import (
	"fmt"
	"strings"
	"time"
)

// Mode says whose rules split packets into flows and define the columns.
type Mode uint8

// The modes.
const (
	Default  Mode = iota // corrected: see docs/flow-features.md
	CIC2017              // CICFlowMeter as first published (February 2018, commit eaa853d): the logic behind the CICIDS-17 files
	CIC2021              // upstream's last version (July 2021, commit d212d6c)
	CICFixed             // the corrected fork (June 2024, commit 4dd5319)
	CNS2022              // the corrected release of CICIDS-2017 and CSE-CIC-IDS2018 (Liu et al., CNS 2022), as its rows tell
)

var modeNames = [...]string{Default: "default", CIC2017: "cic2017", CIC2021: "cic2021", CICFixed: "cic-fixed", CNS2022: "cns2022"}

// String gives the name that ParseMode reads.
func (m Mode) String() string { return modeNames[m] }

// corrected tells whether the mode splits and counts as the corrected fork does, in one of its versions.
func (m Mode) corrected() bool { return m == CICFixed || m == CNS2022 }

// ParseMode gives the mode of a name.
func ParseMode(name string) (Mode, error) {
	for m, n := range modeNames {
		if n == name {
			return Mode(m), nil
		}
	}
	return 0, fmt.Errorf("mode %q: there are %s", name, strings.Join(modeNames[:], ", "))
}

// Options say how a Meter works.
type Options struct {
	Mode Mode

	// FlowTimeout ends a flow when a packet comes later than that after its first one. In mode
	// Default, 0 means never; the other modes need a positive time. CICFlowMeter's is 120 s.
	FlowTimeout time.Duration

	// ActivityTimeout is the silence that divides a flow's active from its idle times. CICFlowMeter's is 5 s.
	ActivityTimeout time.Duration

	// IdleTimeout ends a flow that was silent for longer, whether or not another packet comes. Mode Default only;
	// 0 means never, and then flows that never end stay in memory.
	IdleTimeout time.Duration

	// LingerTimeout is the IdleTimeout of TCP connections that were closed or reset. Mode Default only.
	LingerTimeout time.Duration

	// CountPadding counts Ethernet padding as payload, as the capture library did with which
	// the CICIDS-17 files were made. Mode CIC2017 only.
	CountPadding bool

	// Tunnels measures what is inside tunnels (packet.Decoder.Tunnels) instead of the tunnel. Mode Default only.
	Tunnels bool

	// IgnoreVLAN makes the same endpoints in different VLANs one flow. Mode Default only; the others always do.
	IgnoreVLAN bool

	// MaxFlows bounds how many flows are open at once: when there would be more, the one that began first ends. 0
	// means no bound. Mode Default only. One goroutine then does the work of all jobs but writing.
	MaxFlows int
}

// NewOptions gives the options of a mode with its usual timeouts.
func NewOptions(mode Mode) Options {
	return Options{
		Mode:            mode,
		FlowTimeout:     120 * time.Second,
		ActivityTimeout: 5 * time.Second,
		IdleTimeout:     120 * time.Second,
		LingerTimeout:   60 * time.Second, // Linux's TIME-WAIT (TCP_TIMEWAIT_LEN in include/net/tcp.h)
	}
}

// Validate finds settings that make no sense.
func (o Options) Validate() error {
	switch {
	case int(o.Mode) >= len(modeNames):
		return fmt.Errorf("mode %d does not exist", o.Mode)
	case o.FlowTimeout < 0:
		return fmt.Errorf("flow timeout %v: must not be negative", o.FlowTimeout)
	case o.FlowTimeout == 0 && o.Mode != Default:
		return fmt.Errorf("flow timeout 0 (never): only mode %v has it", Default)
	case o.ActivityTimeout <= 0:
		return fmt.Errorf("activity timeout %v: must be positive", o.ActivityTimeout)
	case o.IdleTimeout < 0:
		return fmt.Errorf("idle timeout %v: must not be negative", o.IdleTimeout)
	case o.LingerTimeout < 0:
		return fmt.Errorf("linger timeout %v: must not be negative", o.LingerTimeout)
	case o.CountPadding && o.Mode != CIC2017:
		return fmt.Errorf("counting padding: only mode %v has it", CIC2017)
	case o.IgnoreVLAN && o.Mode != Default:
		return fmt.Errorf("ignoring VLANs: only mode %v does not anyway", Default)
	case o.MaxFlows < 0:
		return fmt.Errorf("at most %d flows: must not be negative", o.MaxFlows)
	case o.MaxFlows > 0 && o.Mode != Default:
		return fmt.Errorf("a bound of flows: only mode %v has it", Default)
	case o.Tunnels && o.Mode != Default:
		return fmt.Errorf("tunnels: only mode %v reads through them", Default)
	}
	return nil
}

// ticks is the number of units of a flow's times per second: nanoseconds in mode Default, the
// microseconds of CICFlowMeter in the others.
func (m Mode) ticks() int64 {
	if m == Default {
		return 1e9
	}
	return 1e6
}
