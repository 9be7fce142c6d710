package flow

// begun names a key's place in the table by the first frame that was there.
type begun struct {
	hash   uint64
	index  uint32
	number uint64 // Flow.entered
}

// makeRoom ends the flow that entered the table first when there are Options.MaxFlows of them.
func (m *Meter) makeRoom() {
	if m.options.MaxFlows == 0 {
		return
	}
	for m.table.used >= m.options.MaxFlows {
		b := m.oldest[0]
		m.oldest = m.oldest[1:]
		f := m.table.at(b.index)
		if f.entered != b.number {
			continue // it has left the table
		}
		if f.dormant {
			m.asleep--
		} else {
			m.finish(f, EndFull)
		}
		f.entered = 0
		m.table.remove(b.index, uint32(b.hash))
	}
}

// enter notes a flow that is new in the table.
func (m *Meter) enter(f *Flow, index uint32, hash, number uint64) {
	if m.options.MaxFlows == 0 {
		return
	}
	f.entered = number
	if len(m.oldest) >= 2*m.options.MaxFlows { // most have left
		kept := make([]begun, 0, 2*m.options.MaxFlows)
		for _, b := range m.oldest {
			if m.table.at(b.index).entered == b.number {
				kept = append(kept, b)
			}
		}
		m.oldest = kept
	}
	m.oldest = append(m.oldest, begun{hash, index, number})
}
