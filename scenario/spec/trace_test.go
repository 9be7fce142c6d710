package spec

import (
	"strings"
	"testing"
	"time"

	"detgen/record"
)

func TestTracesBecomeSchedules(t *testing.T) {
	second := func(s float64) record.Duration { return record.Duration(s * 1e9) }
	base := record.Link{Delay: second(0.001), Limit: 50}
	for _, c := range []struct {
		name, text, format string
		period             record.Duration
		want               []record.LinkChange
	}{
		{"CSV with and without units", "# measured\ntime,rate,delay,loss\n0,12mbit,20ms,\n2.5,3000000,,0.5%\n4s,,0.08,0\n", "csv", 0, []record.LinkChange{
			{At: 0, Link: record.Link{Rate: 12e6, Delay: second(0.02), Limit: 50}},
			{At: second(2.5), Link: record.Link{Rate: 3e6, Delay: second(0.02), Loss: 0.005, Limit: 50}},
			{At: second(4), Link: record.Link{Rate: 3e6, Delay: second(0.08), Limit: 50}},
		}},
		// 12 packets in 100 ms, none in 200 ms, one in the next 100 ms.
		{"Mahimahi", strings.Repeat("10\n", 4) + strings.Repeat("60\n", 8) + "400\n", "mahimahi", second(0.4), []record.LinkChange{
			{At: 0, Link: record.Link{Rate: 12 * 1514 * 8 * 10, Delay: second(0.001), Limit: 50}},
			{At: second(0.1), Link: record.Link{Rate: 40373, Delay: second(0.001), Limit: 50}},
		}},
		{"Mahimahi: a packet leaves at the end of what it is counted in", "100\n200\n", "mahimahi", second(0.2), []record.LinkChange{
			{At: 0, Link: record.Link{Rate: 1514 * 8 * 10, Delay: second(0.001), Limit: 50}},
		}},
		{"Mahimahi of one line: a packet each millisecond", "1\n", "mahimahi", second(0.001), []record.LinkChange{
			{At: 0, Link: record.Link{Rate: 1514 * 8 * 1000, Delay: second(0.001), Limit: 50}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			trace, err := ParseTrace("folder/x.trace", c.text)
			if err != nil {
				t.Fatal(err)
			}
			l := base
			trace.Apply(&l)
			if l.Trace == nil || l.Trace.File != "x.trace" || l.Trace.Format != c.format || len(l.Trace.SHA256) != 64 || l.Period != c.period {
				t.Errorf("trace %+v, period %v", l.Trace, l.Period)
			}
			if len(l.Schedule) != len(c.want) {
				t.Fatalf("%d changes, want %d: %+v", len(l.Schedule), len(c.want), l.Schedule)
			}
			for i, want := range c.want {
				got := l.Schedule[i]
				if got.At != want.At || got.Link.String() != want.Link.String() {
					t.Errorf("change %d: at %v %v, want at %v %v", i, time.Duration(got.At), got.Link.String(), time.Duration(want.At), want.Link.String())
				}
			}
			if err := l.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBadTracesNameFileLineAndValue(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"time goes back", "time,rate\n1,1mbit\n0.5,2mbit\n", `x:3: time: "0.5": times must rise: the row before has 1s`},
		{"negative rate", "time,rate\n0,1mbit\n1,-2mbit\n", `x:3: rate: "-2mbit": must be from 0 to 100gbit`},
		{"negative plain rate", "time,rate\n0,-5\n", `x:2: rate: "-5": must be from 0 to 100gbit`},
		{"no rate", "time,rate\n0,0\n", `x:2: rate: "0": must be above 0`},
		{"loss above all", "time,loss\n0,1.5\n", `x:2: loss: "1.5": must be from 0 to 100%`},
		{"unknown column", "time,rat\n0,1\n", `x:1: header: "rat": no such setting of a link: did you mean "rate"?`},
		{"no time", "rate\n1mbit\n", `x:1: must have a header with a column "time"`},
		{"a cell too many", "time,rate\n0,1mbit,2\n", "x: record on line 2: wrong number of fields"},
		{"empty", "", `x:1: must have a header`},
		{"no rows", "time,rate\n", "x: has no line of a trace"},
		{"Mahimahi goes back", "5\n7\n6\n", `x:3: time: "6": times must not go back: the line before has 7`},
		{"Mahimahi below 0", "5\n-7\n", `x:2: time: "-7": must be a whole number of milliseconds`},
		{"Mahimahi with words", "5\nseven\n", `x:2: time: "seven": must be a whole number of milliseconds`},
		{"Mahimahi without a period", "0\n0\n", `x:2: time: "0": the last time is the period`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := ParseTrace("x", c.text); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
