package spec

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/scenario/value"
)

// MaxRows is how many activities a time line can have.
const MaxRows = 10_000

// TimelineColumns are the columns of a time line's CSV file. Only time and task must be there.
var TimelineColumns = []string{"time", "task", "activity", "user", "hosts", "set"}

// Timeline is activities of one lab at their times, as "detgen site" writes them.
type Timeline struct {
	Rows []*Row // by time
}

// Row is one activity of a time line.
type Row struct {
	Time  time.Duration              // after the start of the lab's task
	Task  string                     // SCENARIO/TASK
	Name  string                     // of the activity; "" for one made of user and task
	User  string                     // who does it; "" for nobody
	Hosts map[string]strictyaml.Text // PART: HOST of the lab
	Set   Settings                   // factors of this activity
	At    problem.Position
}

// Kind is what rows have in common that do the same on the same hosts, and differ in their time only.
func (r *Row) Kind() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q %q", r.Task, r.Name, r.User)
	for _, part := range strictyaml.InOrder(r.Hosts) {
		fmt.Fprintf(&b, " %q=%q", part, r.Hosts[part].Text)
	}
	for _, s := range r.Set {
		fmt.Fprintf(&b, " %q:%q", s.Key, s.Value)
	}
	return b.String()
}

// rowName is the form of names of activities, users and hosts.
var rowName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

const longestName = 40

func named(name string) bool { return rowName.MatchString(name) && len(name) <= longestName }

// rowTime is when an activity can start.
var rowTime = value.Definition{Type: value.Time, Min: "0s", Max: MaxTime}

// ReadTimeline reads a time line's CSV file. name is its name for messages. The error has every problem that was found,
// one a line, with the file, the line, the column and the value.
func ReadTimeline(name, content string) (*Timeline, error) {
	ps := &problem.List{}
	rows := csv.NewReader(strings.NewReader(content))
	rows.Comment = '#'
	wrong := func(err error) (*Timeline, error) {
		at := problem.Position{File: name}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			at.Line, err = parse.Line, parse.Err
		}
		ps.Add(at, "", "", "%v", err)
		return nil, ps.Err()
	}
	header, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return wrong(fmt.Errorf("is empty: the first line must name the columns, %s", strings.Join(TimelineColumns, ",")))
	}
	if err != nil {
		return wrong(err)
	}
	line, _ := rows.FieldPos(0)
	first := problem.Position{File: name, Line: line}
	column := map[string]int{}
	for i, h := range header {
		_, twice := column[h]
		switch {
		case !slices.Contains(TimelineColumns, h):
			ps.Add(first, h, "", "no such column: %s", problem.Nearest(h, TimelineColumns))
		case twice:
			ps.Add(first, h, "", "is there twice")
		}
		column[h] = i
	}
	for _, must := range TimelineColumns[:2] {
		if _, ok := column[must]; !ok {
			ps.Add(first, must, "", "this column is missing")
		}
	}
	if err := ps.Err(); err != nil {
		return nil, err
	}
	t := &Timeline{}
	for {
		fields, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return wrong(err)
		}
		line, _ := rows.FieldPos(0)
		at := problem.Position{File: name, Line: line}
		if len(t.Rows) == MaxRows {
			ps.Add(at, "", "", "more than %d activities", MaxRows)
			break
		}
		cell := func(name string) string {
			if i, ok := column[name]; ok {
				return strings.TrimSpace(fields[i])
			}
			return ""
		}
		t.Rows = append(t.Rows, readRow(at, cell, ps))
	}
	if len(t.Rows) == 0 {
		ps.Add(first, "", "", "there is no activity below the names of the columns")
	}
	slices.SortStableFunc(t.Rows, func(a, b *Row) int { return cmp.Compare(a.Time, b.Time) })
	return t, ps.Err()
}

// readRow reads the cells of a line.
func readRow(at problem.Position, cell func(column string) string, ps *problem.List) *Row {
	r := &Row{Task: cell("task"), Name: cell("activity"), User: cell("user"), Hosts: map[string]strictyaml.Text{}, At: at}
	text := cell("time")
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		text += "s"
	}
	if v, err := rowTime.Parse(text); err == nil {
		r.Time = v.Duration()
	} else {
		ps.Add(at, "time", cell("time"), "%v", err)
	}
	if scenario, task, ok := strings.Cut(r.Task, "/"); !ok || scenario == "" || task == "" {
		ps.Add(at, "task", r.Task, "must be SCENARIO/TASK")
	}
	for field, name := range map[string]string{"activity": r.Name, "user": r.User} {
		if name != "" && !named(name) {
			ps.Add(at, field, name, "must be small letters, digits and single hyphens, at most 40")
		}
	}
	pairs := func(column, form string, each func(key, value string)) {
		seen := map[string]bool{}
		for pair := range strings.SplitSeq(cell(column), ";") {
			if pair = strings.TrimSpace(pair); pair == "" {
				continue
			}
			key, value, ok := strings.Cut(pair, "=")
			switch key, value = strings.TrimSpace(key), strings.TrimSpace(value); {
			case !ok || key == "" || value == "":
				ps.Add(at, column, pair, "must be %s, with ; between several", form)
			case seen[key]:
				ps.Add(at, column, pair, "%s is given twice", key)
			default:
				seen[key] = true
				each(key, value)
			}
		}
	}
	pairs("hosts", "PART=HOST", func(part, host string) {
		if !named(host) {
			ps.Add(at, "hosts", host, "must be small letters, digits and single hyphens, at most 40")
		}
		r.Hosts[part] = strictyaml.Text{Text: host, At: at}
	})
	pairs("set", "KEY=VALUE", func(key, value string) { r.Set = append(r.Set, Setting{Key: key, Value: value, At: at}) })
	return r
}
