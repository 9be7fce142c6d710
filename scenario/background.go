package scenario

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"detgen/record"
	"detgen/seed"
)

// ownHost is the word for a part that gets a host of its own.
const ownHost = "own"

// maxStarts bounds the activities that one entry of the background makes.
const maxStarts = 10_000

// background prepares the activities beside the main one and gives them their machines.
func (st *stage) background(list []*Background, main *resolver) []cast {
	var casts []cast
	taken := map[string]bool{mainActivity: true}
	for i, b := range list {
		field := fmt.Sprintf("background[%d]", i)
		name := b.Name
		if name == "" {
			name = "background-" + strconv.Itoa(i+1)
		}
		if !hostName.MatchString(name) || len(name) > 40 {
			st.problems.add(b.At, field+".name", name, "must be small letters, digits and single hyphens, at most 40")
			continue
		}
		starts, err := st.starts(b, name, field)
		if err != nil {
			st.problems.wrap(b.At, field+".schedule", "", err)
			continue
		}
		for _, task := range sortedKeys(starts) {
			own := name
			if len(starts) > 1 {
				own = name + "-" + strings.ReplaceAll(task, "/", "-")
			}
			c, ok := st.castBackground(b, own, task, field, main)
			if !ok {
				return nil
			}
			c.starts = starts[task]
			for n := range c.starts {
				activity := own
				if len(c.starts) > 1 {
					activity += "-" + strconv.Itoa(n+1)
				}
				if taken[activity] {
					st.problems.add(b.At, field+".name", activity, "another activity has this name")
				}
				taken[activity] = true
				c.names = append(c.names, activity)
			}
			casts = append(casts, c)
		}
	}
	return casts
}

// castBackground prepares one background task and gives it its machines.
func (st *stage) castBackground(b *Background, name, task, field string, main *resolver) (cast, bool) {
	r := &resolver{stage: st, name: name, main: main}
	if !r.prepare(task, b.At, field+".task", b.Set) {
		return cast{}, false
	}
	for _, s := range r.settings {
		switch {
		case s.kind == runKey && s.name != "timeout":
			if s.layer == userLayer {
				st.problems.add(s.at, s.text, s.value, "concerns the whole run: set it for the main activity")
			}
		case s.kind == runKey:
			if v, ok := r.evaluate(s); ok {
				r.timeout = v.Duration()
			}
		}
	}
	for _, part := range sortedKeys(b.Hosts) {
		if err := r.scenario.knowHost(part); err != nil {
			st.problems.add(b.Hosts[part].At, field+".hosts."+part, "", "%v", err)
		}
	}
	r.plug(func(p *part) (*machine, error) { return r.sharedMachine(p, b, field) })
	return cast{resolver: r}, !st.failed()
}

// sharedMachine gives the machine of another activity that plays a part, or nil when the part
// gets one of its own: the one that the spec names, else the main activity's host of the same
// declaration.
func (r *resolver) sharedMachine(p *part, b *Background, field string) (*machine, error) {
	asked, ok := b.Hosts[p.part]
	if !ok {
		asked, ok = b.Hosts[p.group]
	}
	if ok && asked.Text == ownHost {
		return nil, nil
	}
	if ok {
		var names []string
		for _, m := range r.machines {
			if m.Name == asked.Text && !m.absent {
				return m, nil
			}
			names = append(names, m.Name)
		}
		return nil, &Problem{At: asked.At, Field: field + ".hosts." + p.part, Value: asked.Text, Message: "no such host in the lab: " + nearest(asked.Text, append(names, ownHost))}
	}
	for _, mains := range r.main.parts {
		if mains.part == p.part && mains.declared == p.declared && !mains.absent {
			return mains.machine, nil
		}
	}
	return nil, nil
}

// starts gives the times at which an entry of the background starts, by task.
func (st *stage) starts(b *Background, name, field string) (map[string][]record.Duration, error) {
	s := b.Schedule
	if s == nil {
		return map[string][]record.Duration{b.Task: {0}}, nil
	}
	field += ".schedule"
	given := 0
	for _, set := range []bool{len(s.Times) > 0, s.Poisson != nil, s.CSV.set()} {
		if set {
			given++
		}
	}
	if given != 1 {
		return nil, &Problem{At: s.At, Field: field, Message: "must have exactly one of at, poisson and csv"}
	}
	switch {
	case s.Poisson != nil:
		times, err := st.poisson(s.Poisson, name, field+".poisson")
		return map[string][]record.Duration{b.Task: times}, err
	case s.CSV.set():
		return timeline(s.CSV, b.Task, field+".csv")
	}
	var times []record.Duration
	for _, t := range s.Times {
		v, err := definition{typ: Time}.parse(t.Text)
		if err != nil {
			return nil, &Problem{At: t.At, Field: field + ".at", Value: t.Text, Message: err.Error()}
		}
		times = append(times, record.Duration(v.Duration()))
	}
	slices.Sort(times)
	return map[string][]record.Duration{b.Task: times}, nil
}

// poisson draws the starts of a Poisson process.
func (st *stage) poisson(p *Poisson, name, field string) ([]record.Duration, error) {
	mean, err := definition{typ: Time, min: "1us"}.parse(p.Mean.Text)
	if err != nil {
		return nil, &Problem{At: p.Mean.At, Field: field + ".mean", Value: p.Mean.Text, Message: err.Error()}
	}
	until, err := definition{typ: Time}.parse(p.Until.Text)
	if err != nil {
		return nil, &Problem{At: p.Until.At, Field: field + ".until", Value: p.Until.Text, Message: err.Error()}
	}
	if until.number/mean.number > maxStarts/2 {
		return nil, &Problem{At: p.At, Field: field, Message: fmt.Sprintf("makes about %.0f activities: at most %d", until.number/mean.number, maxStarts/2)}
	}
	r := seed.Stream(st.seed, name+".schedule")
	var times []record.Duration
	for at := r.ExpFloat64() * mean.number; at <= until.number; at += r.ExpFloat64() * mean.number {
		times = append(times, record.Duration(math.Round(at*1e9)))
	}
	if len(times) == 0 {
		return nil, &Problem{At: p.At, Field: field, Message: "this seed draws no start at all: raise until, or lower mean"}
	}
	return times, nil
}

// timeline reads a CSV file of times and, in a second column, tasks.
func timeline(file Text, task, field string) (map[string][]record.Duration, error) {
	content, err := readUserFile(file.At, file.Text)
	if err != nil {
		return nil, &Problem{At: file.At, Field: field, Value: file.Text, Message: err.Error()}
	}
	rows := csv.NewReader(strings.NewReader(content))
	rows.Comment = '#'
	header, err := rows.Read()
	timeColumn, taskColumn := slices.Index(header, "time"), slices.Index(header, "task")
	if err != nil || timeColumn < 0 {
		return nil, &Problem{At: Position{File: file.Text, Line: 1}, Message: "must have a header with a column \"time\" and, optionally, one \"task\""}
	}
	starts := map[string][]record.Duration{}
	for n := 0; ; n++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, &Problem{At: Position{File: file.Text}, Message: err.Error()}
		}
		line, _ := rows.FieldPos(0)
		at := Position{File: file.Text, Line: line}
		if n == maxStarts {
			return nil, &Problem{At: at, Message: fmt.Sprintf("more than %d activities", maxStarts)}
		}
		text := row[timeColumn]
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			text += "s"
		}
		v, err := definition{typ: Time}.parse(text)
		if err != nil {
			return nil, &Problem{At: at, Field: "time", Value: row[timeColumn], Message: err.Error()}
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
