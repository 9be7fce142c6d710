package flow

// expiry says when flows are looked for that were silent for too long. That depends on nothing but the frames'
// numbers and times, so that it is the same however a capture is worked on.
type expiry struct {
	every int64 // ns of the capture's clock; 0: never
	next  int64 // ns since the Unix epoch
	began bool
}

// expiryFrames is how often, in frames, the clock is looked at.
const expiryFrames = 1024

func newExpiry(o Options) expiry {
	every := int64(o.IdleTimeout)
	if o.LingerTimeout > 0 && (every == 0 || int64(o.LingerTimeout) < every) {
		every = int64(o.LingerTimeout)
	}
	if o.Mode != Default {
		every = 0
	}
	return expiry{every: (every + 3) / 4}
}

// due reports whether it is time after a frame.
func (e *expiry) due(frame uint64, time int64) bool {
	if e.every == 0 || frame%expiryFrames != 0 {
		return false
	}
	if e.began && time < e.next && e.next-time <= e.every { // a clock that went far back starts again
		return false
	}
	first := !e.began
	e.began = true
	e.next = time + e.every
	return !first
}

// expire ends the flows that were silent for too long at a time, in the order of their first packets.
func (m *Meter) expire(now int64) {
	old := m.table.ordered(func(f *Flow) bool {
		if f.dormant {
			return now-f.end > dormantTime
		}
		limit := m.silence(f)
		return limit > 0 && now-f.end > limit
	})
	for _, s := range old {
		f := m.table.at(s.flow - 1)
		if !f.dormant {
			m.finish(f, EndIdle)
			if f.dormant = f.mayGoOn() && now-f.end <= dormantTime; f.dormant {
				m.asleep++
				continue
			}
		} else {
			m.asleep--
		}
		f.entered = 0
		m.table.remove(s.flow-1, s.hash)
	}
}
