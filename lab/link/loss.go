package link

// The states of the loss chains. For Gilbert-Elliott: good and bad. For the 4-state model:
// received in a gap between bursts, received within a burst, lost within a burst, lost alone
// within a gap.
const (
	good uint8 = iota
	bad
)

const (
	gapReceived uint8 = iota
	burstReceived
	burstLost
	gapLost
)

// loses decides whether a frame is lost (loss_event in sch_netem.c).
func (m *model) loses(s *state, v [2]uint32) bool {
	switch m.model {
	case gilbertElliott:
		return m.chain.gilbertElliott(&s.chain, v)
	case fourState:
		return m.chain.fourState(&s.chain, v[0])
	}
	return m.loss > 0 && m.loss >= correlate(v[0], &s.loss, m.lossRho)
}

// transitions are the probabilities of a loss chain, in 2^32, in the order of sch_netem.c.
type transitions [5]uint32

// gilbertElliott moves between good and bad; the first value decides about the move, the
// second about the loss, by the state before the move.
func (a *transitions) gilbertElliott(state *uint8, v [2]uint32) bool {
	p, r, h, k := a[0], a[1], a[2], a[3]
	if *state == good {
		if v[0] < p {
			*state = bad
		}
		return v[1] < k
	}
	if v[0] < r {
		*state = good
	}
	return v[1] > h
}

// fourState moves between the four states; entering a state of loss loses the frame.
func (a *transitions) fourState(state *uint8, v uint32) bool {
	p13, p31, p32, p14, p23 := a[0], a[1], a[2], a[3], a[4]
	switch *state {
	case gapReceived:
		switch {
		case v < p14:
			*state = gapLost
		case v < p13+p14:
			*state = burstLost
		}
	case burstReceived:
		if v < p23 {
			*state = burstLost
		}
	case burstLost:
		switch {
		case v < p32:
			*state = burstReceived
		case v < p31+p32:
			*state = gapReceived
		}
	case gapLost:
		*state = gapReceived
	}
	return *state == burstLost || *state == gapLost
}
