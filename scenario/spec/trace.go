package spec

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"detgen/internal/problem"
	"detgen/record"
	"detgen/scenario/value"
)

// The keys of a link that say how it changes: in so many words, and by the name of a trace.
const (
	ScheduleKey = "schedule"
	TraceKey    = "trace"
)

// Trace is how a link changes over time, as measured.
type Trace struct {
	record.Trace
	period record.Duration
	rows   []row
}

// row is what changes at a time.
type row struct {
	at   record.Duration
	rate uint64 // of a Mahimahi trace
	set  []func(*record.Link)
}

// Apply makes the trace a link's schedule. What a row does not name stays as it was before.
func (t *Trace) Apply(l *record.Link) {
	now := *l
	now.Schedule, now.Period, now.Trace, now.Interventions = nil, 0, nil, nil
	l.Schedule, l.Period = nil, t.period
	about := t.Trace
	l.Trace = &about
	for _, r := range t.rows {
		for _, set := range r.set {
			set(&now)
		}
		l.Schedule = append(l.Schedule, record.LinkChange{At: r.at, Link: now})
	}
}

// ParseTrace reads a trace: a Mahimahi trace when its first line is a number alone, else a CSV file. An error is a
// problem.Problem with the line. file is its name, for messages and the record.
func ParseTrace(file, text string) (*Trace, error) {
	sum := sha256.Sum256([]byte(text))
	t := &Trace{Trace: record.Trace{File: filepath.Base(file), Format: "csv", SHA256: hex.EncodeToString(sum[:])}}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if _, err := strconv.ParseFloat(line, 64); err == nil {
			t.Format = "mahimahi"
		}
		break
	}
	read := t.readCSV
	if t.Format == "mahimahi" {
		read = t.readMahimahi
	}
	if err := read(file, text); err != nil {
		return nil, err
	}
	if len(t.rows) == 0 {
		return nil, &problem.Problem{At: problem.Position{File: file}, Message: "has no line of a trace"}
	}
	if n := len(t.rows); n > record.MaxChanges {
		return nil, &problem.Problem{At: problem.Position{File: file}, Message: fmt.Sprintf("makes %d changes of a link: at most %d", n, record.MaxChanges)}
	}
	return t, nil
}

// A Mahimahi trace (mm-link(1)): each line is a millisecond at which one packet of 1500 bytes can leave, several lines of
// the same one as many packets; the last is the period after which it begins anew.
const (
	opportunity = 8 * (1500 + 14)        // bits of the frame
	bin         = 100 * time.Millisecond // in which the rate is that of the packets that can leave
	longest     = 24 * time.Hour
)

// readMahimahi makes a rate of each 100 ms. Where no packet can leave for longer, the rate is that of the whole time until
// one can, as a link of no rate has no end of it.
func (t *Trace) readMahimahi(file, text string) error {
	var counts []int // by bin
	last, number := int64(0), 0
	wrong := func(value, message string, arguments ...any) error {
		return &problem.Problem{At: problem.Position{File: file, Line: number}, Field: "time", Value: value, Message: fmt.Sprintf(message, arguments...)}
	}
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		at, err := strconv.ParseInt(line, 10, 64)
		switch {
		case err != nil || at < 0 || at > int64(longest/time.Millisecond):
			return wrong(line, "must be a whole number of milliseconds from 0 to %d", int64(longest/time.Millisecond))
		case at < last:
			return wrong(line, "times must not go back: the line before has %d", last)
		}
		last = at
		n := int(max(0, at-1) / int64(bin/time.Millisecond))
		for len(counts) <= n {
			counts = append(counts, 0)
		}
		counts[n]++
	}
	if last == 0 {
		return wrong("0", "the last time is the period of the trace: it must be above 0")
	}
	t.period = record.Duration(last * int64(time.Millisecond))
	start := 0
	for n, count := range counts {
		if count == 0 {
			continue
		}
		from, to := time.Duration(start)*bin, min(time.Duration(n+1)*bin, time.Duration(t.period))
		rate := uint64(float64(count*opportunity) / (to - from).Seconds())
		if k := len(t.rows); k == 0 || t.rows[k-1].rate != rate {
			t.rows = append(t.rows, row{at: record.Duration(from), rate: rate, set: []func(*record.Link){func(l *record.Link) { l.Rate = rate }}})
		}
		start = n + 1
	}
	return nil
}

// readCSV reads a table with a header: time, and names of settings. Times and durations without a unit are seconds, rates
// bit/s, shares fractions of 1; an empty cell leaves things as they are.
func (t *Trace) readCSV(file, text string) error {
	rows := csv.NewReader(strings.NewReader(text))
	rows.Comment = '#'
	rows.TrimLeadingSpace = true
	wrong := func(line int, field, value, message string) error {
		return &problem.Problem{At: problem.Position{File: file, Line: line}, Field: field, Value: value, Message: message}
	}
	header, err := rows.Read()
	timeAt := slices.Index(header, "time")
	if err != nil || timeAt < 0 {
		return wrong(1, "", "", `must have a header with a column "time" and others of rate, delay, loss and further settings of a link, or be a Mahimahi trace`)
	}
	columns := make([]control[record.Link], len(header))
	for i, name := range header {
		if i == timeAt {
			continue
		}
		var ok bool
		if columns[i], ok = find(netemKeys, name); !ok {
			return wrong(1, "header", name, "no such setting of a link: "+problem.Nearest(name, namesOf(netemKeys)))
		}
	}
	at := value.Definition{Type: value.Time, Min: "0s", Max: MaxTime}
	for {
		cells, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return &problem.Problem{At: problem.Position{File: file}, Message: err.Error()}
		}
		line, _ := rows.FieldPos(0)
		when, err := at.Parse(inBaseUnit(at.Type, cells[timeAt]))
		if err != nil {
			return wrong(line, "time", cells[timeAt], err.Error())
		}
		r := row{at: record.Duration(when.Duration())}
		if n := len(t.rows); n > 0 && r.at <= t.rows[n-1].at {
			return wrong(line, "time", cells[timeAt], fmt.Sprintf("times must rise: the row before has %v", time.Duration(t.rows[n-1].at)))
		}
		for i, cell := range cells {
			if i == timeAt || cell == "" {
				continue
			}
			v, err := columns[i].Parse(inBaseUnit(columns[i].Type, cell))
			if err != nil {
				return wrong(line, header[i], cell, err.Error())
			}
			if columns[i].Type == value.Rate && v.Number() == 0 {
				return wrong(line, header[i], cell, "must be above 0: a link of rate 0 has no limit; write loss 100% where nothing gets through")
			}
			set := columns[i].set
			r.set = append(r.set, func(l *record.Link) { set(l, v) })
		}
		t.rows = append(t.rows, r)
	}
}

// inBaseUnit adds the base unit to a plain number.
func inBaseUnit(typ value.Type, text string) string {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	switch typ {
	case value.Time:
		return text + "s"
	case value.Rate:
		return strconv.FormatFloat(n, 'f', 0, 64) + "bit"
	case value.Fraction:
		return strconv.FormatFloat(100*n, 'g', 12, 64) + "%"
	}
	return text
}
