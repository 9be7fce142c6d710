package resolve

import (
	"strings"
	"time"

	"detgen/record"
	"detgen/scenario/spec"
	"detgen/scenario/value"
	"detgen/seed"
)

// wholeRun is what concerns the run as a whole.
type wholeRun struct {
	fixed   bool // addresses are the same in every run
	epoch   time.Time
	timeout time.Duration // of the main activity; 0: the task's
	path    spec.Path
}

// decideRun decides the keys that concern the run as a whole.
func decideRun(main *scope) wholeRun {
	var whole wholeRun
	for _, d := range spec.RunKeys {
		s, ok := main.last(spec.RunKey, func(k spec.Key) bool { return k.Name == d.Name })
		var v value.Value
		if ok {
			if v, ok = main.evaluate(s); !ok {
				continue
			}
		}
		switch d.Name {
		case "addresses":
			if !ok {
				main.note(record.Value{Name: d.Name, Value: "drawn", Origin: record.Default})
			}
			whole.fixed = v.Plain() == "fixed"
		case "epoch":
			if whole.epoch = drawEpoch(main.seed); ok {
				whole.epoch, _ = spec.ParseEpoch(v.Plain()) // checked by evaluate
			} else {
				main.note(record.Value{Name: d.Name, Value: whole.epoch.Format(time.RFC3339), Origin: record.Drawn})
			}
		case "timeout":
			if ok {
				whole.timeout = v.Duration()
			}
		default:
			if ok {
				whole.path.Set(d.Name, v)
			}
			if ok && d.Name != "path.hops" && strings.HasPrefix(d.Name, "path.") && whole.path.Hops == 0 {
				main.problems.Add(s.at, s.Text, s.value, "there is no path: set path.hops, too")
			}
		}
	}
	return whole
}

// drawEpoch draws a second within 2022 to 2031.
func drawEpoch(s uint64) time.Time {
	from := time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
	to := time.Date(2032, 1, 1, 0, 0, 0, 0, time.UTC)
	return from.Add(time.Duration(seed.Stream(s, "epoch").Int64N(int64(to.Sub(from)/time.Second))) * time.Second)
}
