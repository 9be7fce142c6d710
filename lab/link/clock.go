package link

import "time"

// clock gives times as nanoseconds since it was made, by the monotonic clock.
type clock struct{ base time.Time }

func newClock() clock { return clock{time.Now()} }

func (c clock) now() int64 { return int64(time.Since(c.base)) }

// at gives the same for a time. A wall time without a monotonic reading is taken by the wall
// clock.
func (c clock) at(t time.Time) int64 { return int64(t.Sub(c.base)) }
