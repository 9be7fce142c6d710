package flow

import (
	"time"

	"detgen/packet"
)

// Accumulator measures one connection whose packets the caller chooses, in mode Default and without
// timeouts. It is for one goroutine at a time.
type Accumulator struct {
	settings     settings
	flow         Flow
	item         item
	conversation packet.Conversation
	streams      packet.Streams
	begun        bool
}

// NewAccumulator makes an empty accumulator. activity is the silence that divides active from idle times,
// CICFlowMeter's 5 s when it is 0.
func NewAccumulator(activity time.Duration) *Accumulator {
	o := NewOptions(Default)
	if activity != 0 {
		o.ActivityTimeout = activity
	}
	return &Accumulator{settings: newSettings(o)}
}

// Add takes in the connection's next packet, a frame with the headers that were decoded from it, and says
// whether it could be used: whether it has an IP header that is not cut or broken. d is its direction; the sender of the
// forward packets is the flow's source.
func (a *Accumulator) Add(f *packet.Frame, h *packet.Headers, d Direction) bool {
	a.item.headers = *h
	if !a.item.fill(f) {
		return false
	}
	p := a.item.fromHeaders()
	if a.begun {
		a.flow.activity(&a.settings, p.time)
		a.flow.add(&a.settings, p, d)
	} else {
		a.begun = true
		a.flow = Flow{key: p.key, mode: Default, sourceIsB: p.reversed != (d == Backward)}
		a.flow.begin(&a.settings, p, d)
	}
	a.flow.progress(p, d)
	if analysis, ok := a.item.analyse(&a.conversation, &a.streams); ok {
		a.flow.note(&analysis, d)
	}
	return true
}

// Flow is what was measured so far; nil before the first packet.
func (a *Accumulator) Flow() *Flow {
	if !a.begun {
		return nil
	}
	return &a.flow
}
