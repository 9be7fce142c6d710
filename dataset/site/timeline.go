package site

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/internal/whole"
	"detgen/runner"
	"detgen/scenario"
	"detgen/scenario/spec"
	"detgen/seed"
)

// Timeline draws the time line of a site. Each user has a random stream of their own, so that a user who is added moves
// nobody else's activities. The error says that there are too many activities, or none.
func (s *Site) Timeline() ([]*spec.Row, error) {
	var rows []*spec.Row
	for _, name := range slices.Sorted(maps.Keys(s.Users)) {
		u := s.Users[name]
		random := seed.Stream(s.Seed, "site."+name)
		free := s.begins // when the user has nothing to do
		for _, start := range s.starts(u, random) {
			at := max(start, free)
			habit := s.Habits[weighted(u.Habits, random)]
			for _, step := range habit.Chain {
				times, err := step.times.Draw(random, 1, 1000)
				if err != nil {
					return nil, fmt.Errorf("%s: times: %w", step.Times.At, err)
				}
				for range int(times.Number()) {
					if at >= s.ends || !u.works(at) {
						break
					}
					rows = append(rows, s.row(name, u, step, at))
					if len(rows) > spec.MaxRows {
						return nil, fmt.Errorf("%s: the site has more than %d activities: lower rates, or the time", s.At.File, spec.MaxRows)
					}
					think, err := step.think.Draw(random, 0.001, 86400)
					if err != nil {
						return nil, fmt.Errorf("%s: think: %w", step.Think.At, err)
					}
					at += time.Duration(think.Number() * float64(time.Second)).Round(time.Millisecond)
				}
			}
			free = at
		}
	}
	for _, a := range s.Attacks {
		for _, at := range a.times {
			user := "attacker"
			if a.User.Set() {
				user = a.User.Text
			}
			hosts, set := s.with(a.Service, a.Task.Text)
			maps.Copy(hosts, a.Hosts)
			rows = append(rows, &spec.Row{Time: at - s.begins, Task: a.Task.Text, User: user, Hosts: hosts, Set: a.Set.Over(set)})
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: this seed draws no activity at all: raise the rates, or the time", s.At.File)
	}
	slices.SortStableFunc(rows, func(a, b *spec.Row) int { return cmp.Compare(a.Time, b.Time) })
	return rows, nil
}

// starts draws when a user starts chains: a Poisson process whose rate follows the hours, by thinning (Lewis and
// Shedler, 1979).
func (s *Site) starts(u *User, random *rand.Rand) []time.Duration {
	most := 1.0
	for _, factor := range u.ByHour {
		most = max(most, factor)
	}
	var list []time.Duration
	for at := s.begins; ; {
		at += time.Duration(random.ExpFloat64() / (u.Rate * most) * float64(time.Hour)).Round(time.Millisecond)
		if at >= s.ends {
			return list
		}
		factor, ok := u.ByHour[strconv.Itoa(int(at/time.Hour))]
		if !ok {
			factor = 1
		}
		if random.Float64()*most < factor && u.works(at) {
			list = append(list, at)
		}
	}
}

// works is true at a time of the day at which the user works.
func (u *User) works(at time.Duration) bool {
	return len(u.hours) == 0 || slices.ContainsFunc(u.hours, func(h [2]time.Duration) bool { return at >= h[0] && at < h[1] })
}

// row is an activity of a user.
func (s *Site) row(name string, u *User, step *Step, at time.Duration) *spec.Row {
	hosts, set := s.with(step.Service, step.Task.Text)
	hosts[step.part()] = u.Host
	set = step.Set.Over(set)
	if u.Image.Set() {
		set = set.Default(step.part()+".image", u.Image.Text)
	}
	return &spec.Row{Time: at - s.begins, Task: step.Task.Text, User: name, Hosts: hosts, Set: set}
}

// with gives the hosts of a service, and those of its factors that a task has; none when there is none.
func (s *Site) with(service strictyaml.Text, task string) (map[string]strictyaml.Text, scenario.Settings) {
	hosts := map[string]strictyaml.Text{}
	own := s.Services[service.Text]
	if own == nil {
		return hosts, nil
	}
	maps.Copy(hosts, own.Hosts)
	name, task, _ := strings.Cut(task, "/")
	of, err := s.catalogue.Scenario(name)
	if err != nil {
		return hosts, own.Set // which check has said
	}
	var set scenario.Settings
	for _, one := range own.Set {
		if _, err := of.ParseKey(one.Key, of.Tasks[task]); err == nil || !strings.HasPrefix(one.Key, "params.") {
			set = append(set, one)
		}
	}
	return hosts, set
}

// weighted draws a name by weights.
func weighted(weights map[string]float64, random *rand.Rand) string {
	names := slices.Sorted(maps.Keys(weights))
	sum := 0.0
	for _, n := range names {
		sum += weights[n]
	}
	at := random.Float64() * sum
	for _, n := range names {
		if at -= weights[n]; at < 0 {
			return n
		}
	}
	return names[len(names)-1]
}

// Write writes a time line as the CSV file that spec.ReadTimeline reads.
func Write(out io.Writer, rows []*spec.Row) error {
	w := csv.NewWriter(out)
	if err := w.Write([]string{"time", "task", "user", "hosts", "set"}); err != nil {
		return err
	}
	for _, r := range rows {
		var hosts, set []string
		for _, part := range slices.Sorted(maps.Keys(r.Hosts)) {
			hosts = append(hosts, part+"="+r.Hosts[part].Text)
		}
		for _, one := range r.Set {
			set = append(set, one.Key+"="+one.Value)
		}
		at := strconv.FormatFloat(r.Time.Seconds(), 'f', 3, 64)
		if err := w.Write([]string{at, r.Task, r.User, strings.Join(hosts, "; "), strings.Join(set, "; ")}); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// Draw reads a site's file and draws its time line, with the scenarios of the catalogue and of a user's folder, if one is
// named. What is wrong with the file is a problem.Request.
func Draw(path, folder string) ([]*spec.Row, error) {
	c, err := runner.OpenScenarios(folder)
	if err != nil {
		return nil, err
	}
	s, err := ReadFile(path, c)
	if err != nil {
		return nil, problem.InRequest(err)
	}
	rows, err := s.Timeline()
	return rows, problem.InRequest(err)
}

// Save writes a time line to the file at path and prints what it comes to; without a path it prints the time line.
func Save(out io.Writer, path string, rows []*spec.Row) error {
	if path == "" {
		return Write(out, rows)
	}
	var text bytes.Buffer
	if err := Write(&text, rows); err != nil {
		return err
	}
	if err := whole.WriteFile(path, text.Bytes()); err != nil {
		return err
	}
	WriteText(out, rows)
	return nil
}

// WriteText prints what a time line comes to: activities by user and by task, and hosts that rows name.
func WriteText(out io.Writer, rows []*spec.Row) {
	users, tasks, hosts := map[string]int{}, map[string]int{}, map[string]bool{}
	for _, r := range rows {
		users[r.User]++
		tasks[r.Task]++
		for _, h := range r.Hosts {
			hosts[h.Text] = true
		}
	}
	fmt.Fprintf(out, "%d activities of %d users on %d hosts that are named, the last after %s\n", len(rows), len(users), len(hosts), rows[len(rows)-1].Time)
	for _, list := range []map[string]int{users, tasks} {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(list)) {
			parts = append(parts, fmt.Sprintf("%s %d", name, list[name]))
		}
		fmt.Fprintf(out, "  %s\n", strings.Join(parts, ", "))
	}
}
