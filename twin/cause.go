package twin

import (
	"fmt"
	"time"

	"detgen/record"
	"detgen/truth"
)

// event is a sent frame to which a link did something.
type event struct {
	capture int
	number  uint64
	after   time.Duration // since the main activity's start
	what    string        // the links' word for it, or the fate
}

// events lists the sent frames of a run to which the links did something, by the index of their
// capture and the key of the frame.
func events(dir string, rec *record.Record, captures []capture) (map[string]event, error) {
	t, err := truth.Read(dir, rec)
	if err != nil {
		return nil, err
	}
	found := map[string]event{}
	for i, c := range t.Captures {
		for n := range c.Frames {
			f := &c.Frames[n]
			what := t.Causes[f.Cause]
			if what == "" && f.Fate != truth.Delivered {
				what = f.Fate.String()
			}
			if !f.Sent || what == "" {
				continue
			}
			one := &captures[i].frames[n]
			found[fmt.Sprintf("%d %s", i, one.key())] = event{i, one.number, time.Duration(one.time - rec.Result.Started.UnixNano()), what}
		}
	}
	return found, nil
}

// cause finds the first frame to which the links did something that they did not do to it in the
// other run, and what they did. It is nil when there is none, as when a factor other than loss,
// corruption, duplication or an intervention differs.
func cause(as, bs []capture, inA, inB map[string]event) *Cause {
	var first *Cause
	look := func(name string, captures []capture, own, other map[string]event) {
		for key, e := range own {
			if o, ok := other[key]; ok && o.what == e.what || first != nil && e.after >= first.After {
				continue
			}
			c := &captures[e.capture]
			f := &c.frames[e.number-1]
			first = &Cause{name, c.host, c.iface, e.number, e.after, f.flow + " " + f.part, e.what}
		}
	}
	look(record.TwinA, as, inA, inB)
	look(record.TwinB, bs, inB, inA)
	return first
}
