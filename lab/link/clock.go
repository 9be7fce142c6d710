package link

import "time"

// clock gives times as nanoseconds since it was made, by the monotonic clock.
type clock struct{ base time.Time }

func newClock() clock { return clock{time.Now()} }

func (c clock) now() int64 { return int64(time.Since(c.base)) }
