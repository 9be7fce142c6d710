package link

// model makes the random decisions about the frames of one line: those of netem_enqueue in
// net/sched/sch_netem.c, in its order and arithmetic. It knows no time and no queue: the n-th
// call gives the decisions for the n-th frame. It departs from the kernel where the kernel's
// decisions for a frame depend on what became of others: values are drawn for lost frames
// too, and a copy's decisions leave the state of the next frame's untouched.
type model struct {
	parameters
	streams streams
	state   state
}

// state is what one frame's decisions leave to the next's: the last value of each correlated
// draw, the loss chain's state, and the frames since the last that overtook.
type state struct {
	duplicate, loss, corrupt, reorder, delay uint32
	chain                                    uint8
	counter                                  uint32
}

// decision is what the model wants done to one frame.
type decision struct {
	lost    bool
	corrupt bool
	octet   int   // of the frame, to corrupt
	bit     uint8 // of the octet
	ahead   bool  // overtakes the queue: no delay
	delay   int64 // ns; may be negative
}

func newModel(p parameters, s streams) *model {
	m := &model{parameters: p, streams: s}
	m.state = state{
		duplicate: draw(s.duplicate), loss: draw(s.loss), corrupt: draw(s.corrupt),
		reorder: draw(s.reorder), delay: draw(s.delay),
	}
	return m
}

// change replaces the settings from the next frame on. Loss chain and overtaking start
// afresh, as after "tc qdisc change".
func (m *model) change(p parameters) {
	m.parameters = p
	m.state.chain = 0
	m.state.counter = 0
}

// next decides about the next frame, which has length bytes. When copied is true, the frame
// is to be sent twice: the copy first, as decided by copy. A frame that is both duplicated
// and lost goes through once, as in the kernel.
func (m *model) next(length int) (original, copy decision, copied bool) {
	copied = m.duplicate >= correlate(draw(m.streams.duplicate), &m.state.duplicate, m.duplicateRho) && m.duplicate > 0
	values := m.streams.frame()
	original = m.mangle(&m.state, values, length)
	if original.lost && copied {
		original.lost, copied = false, false
	}
	if copied {
		apart := m.state
		values := m.streams.copy()
		copy = m.mangle(&apart, values, length)
		m.time(&apart, values, &copy)
	}
	m.time(&m.state, values, &original)
	return original, copy, copied
}

// mangle decides about loss and corruption.
func (m *model) mangle(s *state, v draws, length int) decision {
	d := decision{lost: m.loses(s, v.loss)}
	if m.corrupt > 0 {
		d.corrupt = m.corrupt >= correlate(v.corrupt, &s.corrupt, m.corruptRho)
		d.octet = below(v.octet, length)
		d.bit = uint8(below(v.bit, 8))
	}
	return d
}

// time decides when a frame that is not lost may leave.
func (m *model) time(s *state, v draws, d *decision) {
	d.delay = m.delayOf(correlate(v.delay, &s.delay, m.delayRho))
	if d.lost {
		return
	}
	if m.gap == 0 || s.counter < m.gap-1 || m.reorder < correlate(v.reorder, &s.reorder, m.reorderRho) {
		s.counter++
		return
	}
	d.ahead = true
	d.delay = 0
	s.counter = 0
}

// delayOf turns a random value into a delay: the distribution's quantile, scaled by the
// jitter (tabledist).
func (m *model) delayOf(value uint32) int64 {
	if m.jitter == 0 {
		return m.latency
	}
	if m.table == nil {
		return int64(value%uint32(2*m.jitter)) + m.latency - m.jitter
	}
	t := int64(m.table[value%uint32(len(m.table))])
	fine := m.jitter % tableScale * t
	if fine >= 0 {
		fine += tableScale / 2
	} else {
		fine -= tableScale / 2
	}
	return fine/tableScale + m.jitter/tableScale*t + m.latency
}

// wireTime is how long a frame takes at the line's rate, in ns.
func (p *parameters) wireTime(length int) int64 {
	return int64(uint64(length) * 1e9 / p.rate)
}
