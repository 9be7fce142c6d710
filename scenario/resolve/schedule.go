package resolve

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/problem"
	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/spec"
	"detgen/scenario/value"
	"detgen/seed"
)

// maxStarts bounds the activities of the background, of one entry and of all together.
const maxStarts = 10_000

// startTime is when an activity can start, after the main one.
var startTime = value.Definition{Type: value.Time, Min: "0s", Max: spec.MaxTime}

// starts gives the times at which an entry of the background starts, by task.
func (d *draft) starts(b *spec.Background, name, field string) (map[string][]record.Duration, error) {
	s := b.Schedule
	if s == nil {
		return map[string][]record.Duration{b.Task: {0}}, nil
	}
	field += ".schedule"
	given := 0
	for _, set := range []bool{len(s.Times) > 0, s.Poisson != nil, s.CSV.Set()} {
		if set {
			given++
		}
	}
	if given != 1 {
		return nil, &problem.Problem{At: s.At, Field: field, Message: "must have exactly one of at, poisson and csv"}
	}
	switch {
	case s.Poisson != nil:
		times, err := d.poisson(s.Poisson, name, field+".poisson")
		return map[string][]record.Duration{b.Task: times}, err
	case s.CSV.Set():
		return timeline(s.CSV, b.Task, field+".csv")
	}
	var times []record.Duration
	for _, t := range s.Times {
		v, err := startTime.Parse(t.Text)
		if err != nil {
			return nil, &problem.Problem{At: t.At, Field: field + ".at", Value: t.Text, Message: err.Error()}
		}
		times = append(times, record.Duration(v.Duration()))
	}
	slices.Sort(times)
	return map[string][]record.Duration{b.Task: times}, nil
}

// poisson draws the starts of a Poisson process.
func (d *draft) poisson(p *spec.Poisson, name, field string) ([]record.Duration, error) {
	mean, err := value.Definition{Type: value.Time, Min: "1us", Max: startTime.Max}.Parse(p.Mean.Text)
	if err != nil {
		return nil, &problem.Problem{At: p.Mean.At, Field: field + ".mean", Value: p.Mean.Text, Message: err.Error()}
	}
	until, err := startTime.Parse(p.Until.Text)
	if err != nil {
		return nil, &problem.Problem{At: p.Until.At, Field: field + ".until", Value: p.Until.Text, Message: err.Error()}
	}
	if until.Number()/mean.Number() > maxStarts/2 {
		return nil, &problem.Problem{At: p.At, Field: field, Message: fmt.Sprintf("makes about %.0f activities: at most %d", until.Number()/mean.Number(), maxStarts/2)}
	}
	r := seed.Stream(d.seed, name+".schedule")
	var times []record.Duration
	for at := r.ExpFloat64() * mean.Number(); at <= until.Number(); at += r.ExpFloat64() * mean.Number() {
		times = append(times, record.Duration(math.Round(at*1e9)))
	}
	return times, nil // none is chance as well
}

// timeline reads a CSV file of times and, in a second column, tasks.
func timeline(file format.Text, task, field string) (map[string][]record.Duration, error) {
	content, err := readUserFile(file.At, file.Text)
	if err != nil {
		return nil, &problem.Problem{At: file.At, Field: field, Value: file.Text, Message: err.Error()}
	}
	rows := csv.NewReader(strings.NewReader(content))
	rows.Comment = '#'
	header, err := rows.Read()
	timeColumn, taskColumn := slices.Index(header, "time"), slices.Index(header, "task")
	if err != nil || timeColumn < 0 {
		return nil, &problem.Problem{At: problem.Position{File: file.Text, Line: 1}, Message: "must have a header with a column \"time\" and, optionally, one \"task\""}
	}
	starts := map[string][]record.Duration{}
	for n := 0; ; n++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, &problem.Problem{At: problem.Position{File: file.Text}, Message: err.Error()}
		}
		line, _ := rows.FieldPos(0)
		at := problem.Position{File: file.Text, Line: line}
		if n == maxStarts {
			return nil, &problem.Problem{At: at, Message: fmt.Sprintf("more than %d activities", maxStarts)}
		}
		text := row[timeColumn]
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			text += "s"
		}
		v, err := startTime.Parse(text)
		if err != nil {
			return nil, &problem.Problem{At: at, Field: "time", Value: row[timeColumn], Message: err.Error()}
		}
		what := task
		if taskColumn >= 0 && row[taskColumn] != "" {
			what = row[taskColumn]
		}
		starts[what] = append(starts[what], record.Duration(v.Duration()))
	}
	for _, times := range starts {
		slices.Sort(times)
	}
	return starts, nil
}
