package link

import "math"

// codel is a queue that CoDel manages (RFC 8289, section 5): first in, first out, but when frames have waited for longer
// than a target all along for an interval, some are lost where they would leave, ever faster until the wait is short
// again. Times are ns by the driver's clock.
type codel struct {
	frames []*frame
	bytes  int
	busy   bool // a frame is on the wire

	dropping   bool
	firstAbove int64 // when the wait will have been too long for an interval; 0: it is not too long
	dropNext   int64
	count      uint32 // of frames lost since dropping began
	lastCount  uint32 // count when it began
}

// Target and interval are those of RFC 8289, section 4.2 and 4.3, and of the kernel's sch_codel.
const (
	codelTarget   = 5e6
	codelInterval = 100e6
)

// add puts a frame at the end.
func (q *codel) add(f *frame, now int64) {
	f.entered = now
	q.frames = append(q.frames, f)
	q.bytes += len(f.data)
}

// take takes the first frame out, and says whether it may be lost: it, and those before it for an interval, have waited
// for too long, and more than one frame's worth is left.
func (q *codel) take(now int64) (f *frame, late bool) {
	if len(q.frames) == 0 {
		q.firstAbove = 0
		return nil, false
	}
	f = q.frames[0]
	q.frames[0] = nil
	q.frames = q.frames[1:]
	q.bytes -= len(f.data)
	switch {
	case now-f.entered < codelTarget || q.bytes <= maxOrdinary:
		q.firstAbove = 0
	case q.firstAbove == 0:
		q.firstAbove = now + codelInterval
	default:
		late = now >= q.firstAbove
	}
	return f, late
}

// maxOrdinary is a full frame of Ethernet.
const maxOrdinary = 1514

// next takes out the frame that leaves next, nil when none is left, and hands those that are lost to lose.
func (q *codel) next(now int64, lose func(*frame)) *frame {
	f, late := q.take(now)
	if f == nil {
		q.dropping = false
		return nil
	}
	switch {
	case q.dropping && !late:
		q.dropping = false
	case q.dropping:
		for q.dropping && now >= q.dropNext {
			lose(f)
			q.count++
			if f, late = q.take(now); !late {
				q.dropping = false
			} else {
				q.dropNext = q.law(q.dropNext)
			}
		}
	case late:
		lose(f)
		f, _ = q.take(now)
		q.dropping = true
		// Where it began again soon, it goes on at the pace that it had.
		delta := q.count - q.lastCount
		q.count = 1
		if delta > 1 && now-q.dropNext < 16*codelInterval {
			q.count = delta
		}
		q.dropNext = q.law(now)
		q.lastCount = q.count
	}
	return f
}

// law is when the next frame is lost after one at a time.
func (q *codel) law(at int64) int64 {
	return at + int64(codelInterval/math.Sqrt(float64(q.count)))
}
