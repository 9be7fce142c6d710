package link

import "detgen/record"

// eventChunk is how many events are allocated at once (4 MiB).
const eventChunk = 1 << 16

// eventList is the log of a driver while it grows. Events stay where they are, so that what
// becomes of a frame later can be added to its event.
type eventList struct{ chunks [][]record.LinkEvent }

// add gives a new, empty event.
func (l *eventList) add() *record.LinkEvent {
	last := len(l.chunks) - 1
	if last < 0 || len(l.chunks[last]) == cap(l.chunks[last]) {
		// The first chunk is small: most labs carry few frames.
		size := eventChunk
		if last < 0 {
			size = 1 << 10
		}
		l.chunks = append(l.chunks, make([]record.LinkEvent, 0, size))
		last++
	}
	chunk := l.chunks[last]
	chunk = chunk[:len(chunk)+1]
	l.chunks[last] = chunk
	return &chunk[len(chunk)-1]
}

// all gives a copy of the events in order.
func (l *eventList) all() []record.LinkEvent {
	n := 0
	for _, c := range l.chunks {
		n += len(c)
	}
	events := make([]record.LinkEvent, 0, n)
	for _, c := range l.chunks {
		events = append(events, c...)
	}
	return events
}
