// Package site makes a time line of activities from the habits of people: users with hosts and hours, chains of tasks
// with think times, services, and attacks at given times. One lab plays it ("detgen run --timeline"). It is what the
// paper leaves to future work (section 8): activities that follow from each other over hours.
package site

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"detgen/internal/beneath"
	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/scenario"
	"detgen/scenario/value"
)

// Site is the content of a site's file.
type Site struct {
	// Name of the site: letters, digits and dashes.
	Site string `yaml:"site" jsonschema:"required"`
	// One line: what it is.
	Title string `yaml:"title"`
	// Seed of the time line.
	Seed uint64 `yaml:"seed" jsonschema:"required"`
	// Time of the day at which the time line begins: "08:00".
	Begins strictyaml.Text `yaml:"begins" jsonschema:"required"`
	// Time of the day after which no activity starts: "17:00".
	Ends strictyaml.Text `yaml:"ends" jsonschema:"required"`
	// What users work with: hosts that play parts of scenarios.
	Services map[string]*Service `yaml:"services"`
	// Chains of tasks, by name.
	Habits map[string]*Habit `yaml:"habits" jsonschema:"required"`
	// Who works, by name.
	Users map[string]*User `yaml:"users" jsonschema:"required"`
	// What happens at given times.
	Attacks []*Attack `yaml:"attacks"`

	At problem.Position `yaml:"-"`

	begins, ends time.Duration // since midnight
	catalogue    *scenario.Catalogue
}

// Service is hosts of the lab that play parts of scenarios.
type Service struct {
	// Which host plays which part: PART: HOST. A part that is not named is played by a host of its own.
	Hosts map[string]strictyaml.Text `yaml:"hosts" jsonschema:"required"`
	// Factors of every task that uses the service, as in a spec. A parameter that a task does not have is left out.
	Set scenario.Settings `yaml:"set"`

	At problem.Position `yaml:"-"`
}

// Habit is a chain of tasks.
type Habit struct {
	// The tasks, one after the other.
	Chain []*Step `yaml:"chain" jsonschema:"required"`

	At problem.Position `yaml:"-"`
}

// Step is a task of a chain.
type Step struct {
	// SCENARIO/TASK.
	Task strictyaml.Text `yaml:"task" jsonschema:"required"`
	// The service that it uses.
	Service strictyaml.Text `yaml:"service"`
	// The part that the user's host plays; without it client.
	Part strictyaml.Text `yaml:"part"`
	// How often, a number or a law: uniform(1, 5); without it once.
	Times strictyaml.Text `yaml:"times"`
	// Time before the next task, a time or a law: exp(20s, min=5s); without it 10s. The task's own time is in it.
	Think strictyaml.Text `yaml:"think"`
	// Factors, as in a spec.
	Set scenario.Settings `yaml:"set"`

	At problem.Position `yaml:"-"`

	times, think value.Law
}

// User is somebody with a host.
type User struct {
	// The user's host.
	Host strictyaml.Text `yaml:"host" jsonschema:"required"`
	// Image of the host, when its tasks need clients of several scenarios: workstation.
	Image strictyaml.Text `yaml:"image"`
	// When the user works: ["08:30-12:00", "13:00-17:00"]; without it all the time.
	Hours []strictyaml.Text `yaml:"hours"`
	// Chains that the user starts in an hour, in the mean.
	Rate float64 `yaml:"rate" jsonschema:"required"`
	// Factor of the rate in an hour of the day: {9: 1.5, 12: 0.2}; without it 1.
	ByHour map[string]float64 `yaml:"by_hour"`
	// How often each habit, relative to the others.
	Habits map[string]float64 `yaml:"habits" jsonschema:"required"`

	At problem.Position `yaml:"-"`

	hours [][2]time.Duration
}

// Attack is a task at given times.
type Attack struct {
	// Times of the day: ["14:00", "15:30:10"].
	Times []strictyaml.Text `yaml:"at" jsonschema:"required"`
	// SCENARIO/TASK.
	Task strictyaml.Text `yaml:"task" jsonschema:"required"`
	// Who does it, for the label; without it attacker.
	User strictyaml.Text `yaml:"user"`
	// The service whose hosts play the other parts.
	Service strictyaml.Text `yaml:"service"`
	// Which host plays which part: PART: HOST.
	Hosts map[string]strictyaml.Text `yaml:"hosts" jsonschema:"required"`
	// Factors, as in a spec.
	Set scenario.Settings `yaml:"set"`

	At problem.Position `yaml:"-"`

	times []time.Duration
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

const nameForm = "must be small letters, digits and single hyphens, at most 40"

func isName(s string) bool { return namePattern.MatchString(s) && len(s) <= 40 }

// ReadFile reads the site in a file, and checks it against a catalogue.
func ReadFile(path string, c *scenario.Catalogue) (*Site, error) {
	data, err := beneath.ReadNamed(path, strictyaml.MaxSize)
	if err != nil {
		return nil, err
	}
	return Read(path, data, c)
}

// Read reads a site's file. name is its name for messages. The error has every problem that was found, one a line.
func Read(name string, data []byte, c *scenario.Catalogue) (*Site, error) {
	ps := &problem.List{}
	s := &Site{catalogue: c}
	strictyaml.Read(name, data, s, ps)
	if ps.Empty() {
		check{s, ps, c}.all()
	}
	return s, ps.Err()
}

// check finds what is wrong with a site that is well-formed.
type check struct {
	*Site
	ps *problem.List
	c  *scenario.Catalogue
}

func (k check) all() {
	if !isName(k.Site.Site) {
		k.ps.Add(k.At, "site", k.Site.Site, nameForm)
	}
	k.begins = k.clock(k.Begins, "begins")
	k.ends = k.clock(k.Ends, "ends")
	if k.ps.Empty() && k.ends <= k.begins {
		k.ps.Add(k.Ends.At, "ends", k.Ends.Text, "must be after begins, %s", k.Begins.Text)
	}
	for name, s := range k.Services {
		field := problem.Join("services", name)
		k.hosts(s.Hosts, field)
		k.settings(s.Set, field)
	}
	for name, h := range k.Habits {
		field := problem.Join("habits", name)
		if !isName(name) {
			k.ps.Add(h.At, field, "", nameForm)
		}
		if len(h.Chain) == 0 {
			k.ps.Add(h.At, field+".chain", "", "is empty: a habit has a task at least")
		}
		for i, s := range h.Chain {
			k.step(s, fmt.Sprintf("%s.chain[%d]", field, i))
		}
	}
	for name, u := range k.Users {
		k.user(u, name)
	}
	for i, a := range k.Attacks {
		field := fmt.Sprintf("attacks[%d]", i)
		for _, t := range a.Times {
			at := k.clock(t, field+".at")
			if k.ps.Empty() && (at < k.begins || at > k.ends) {
				k.ps.Add(t.At, field+".at", t.Text, "must be within the site's time, %s to %s", k.Begins.Text, k.Ends.Text)
			}
			a.times = append(a.times, at)
		}
		if a.User.Set() && !isName(a.User.Text) {
			k.ps.Add(a.User.At, field+".user", a.User.Text, nameForm)
		}
		k.hosts(a.Hosts, field)
		k.settings(a.Set, field)
		k.task(a.Task, a.Service, a.Hosts, field)
	}
}

func (k check) user(u *User, name string) {
	field := problem.Join("users", name)
	if !isName(name) {
		k.ps.Add(u.At, field, "", nameForm)
	}
	if !isName(u.Host.Text) {
		k.ps.Add(u.Host.At, field+".host", u.Host.Text, nameForm)
	}
	if !(u.Rate > 0 && u.Rate <= 3600) {
		k.ps.Add(u.At, field+".rate", fmt.Sprint(u.Rate), "must be above 0 and at most 3600: chains an hour")
	}
	for _, t := range u.Hours {
		from, to, ok := strings.Cut(t.Text, "-")
		if !ok {
			k.ps.Add(t.At, field+".hours", t.Text, "must be from and to, as 08:30-12:00")
			continue
		}
		span := [2]time.Duration{k.clock(strictyaml.Text{Text: from, At: t.At}, field+".hours"), k.clock(strictyaml.Text{Text: to, At: t.At}, field+".hours")}
		if span[1] <= span[0] && k.ps.Empty() {
			k.ps.Add(t.At, field+".hours", t.Text, "must end after it begins")
		}
		u.hours = append(u.hours, span)
	}
	for hour, factor := range u.ByHour {
		if h, err := strconv.Atoi(hour); err != nil || h < 0 || h > 23 {
			k.ps.Add(u.At, field+".by_hour", hour, "must be an hour of the day, 0 to 23")
		}
		if !(factor >= 0 && factor <= 100) {
			k.ps.Add(u.At, field+".by_hour."+hour, fmt.Sprint(factor), "must be from 0 to 100")
		}
	}
	sum := 0.0
	for habit, weight := range u.Habits {
		if k.Habits[habit] == nil {
			k.ps.Add(u.At, field+".habits", habit, "no such habit: %s", problem.Nearest(habit, names(k.Habits)))
		}
		if !(weight >= 0) || math.IsInf(weight, 0) {
			k.ps.Add(u.At, field+".habits."+habit, fmt.Sprint(weight), "must be a number of at least 0")
		}
		sum += weight
	}
	if sum == 0 {
		k.ps.Add(u.At, field+".habits", "", "the user has none with a weight above 0")
	}
}

func (k check) step(s *Step, field string) {
	var err error
	if s.times, err = lawOf(value.Int, s.Times, "1"); err != nil {
		k.ps.Add(s.Times.At, field+".times", s.Times.Text, "must be a number or a law of numbers: %v", err)
	}
	if s.think, err = lawOf(value.Time, s.Think, "10s"); err != nil {
		k.ps.Add(s.Think.At, field+".think", s.Think.Text, "must be a time or a law of times: %v", err)
	}
	k.settings(s.Set, field)
	k.task(s.Task, s.Service, map[string]strictyaml.Text{s.part(): {Text: "user", At: s.At}}, field)
}

// part is the one that the user's host plays.
func (s *Step) part() string {
	if s.Part.Set() {
		return s.Part.Text
	}
	return "client"
}

// task checks a task and the parts that a service and hosts play in it.
func (k check) task(task, service strictyaml.Text, hosts map[string]strictyaml.Text, field string) {
	if service.Set() && k.Services[service.Text] == nil {
		k.ps.Add(service.At, field+".service", service.Text, "no such service: %s", problem.Nearest(service.Text, names(k.Services)))
	}
	name, of, ok := strings.Cut(task.Text, "/")
	if !ok {
		k.ps.Add(task.At, field+".task", task.Text, "must be SCENARIO/TASK")
		return
	}
	s, err := k.c.Scenario(name)
	if err != nil {
		k.ps.Add(task.At, field+".task", task.Text, "no such scenario: %s", problem.Nearest(name, k.c.Names()))
		return
	}
	if s.Tasks[of] == nil {
		k.ps.Add(task.At, field+".task", task.Text, "no such task: %s", problem.Nearest(of, names(s.Tasks)))
	}
	all := map[string]strictyaml.Text{}
	if own := k.Services[service.Text]; own != nil {
		for part := range own.Hosts {
			all[part] = service
		}
	}
	for part, host := range hosts {
		all[part] = host
	}
	for part, at := range all {
		if err := s.KnowHost(part); err != nil {
			k.ps.Add(at.At, field, part, "%v", err)
		}
	}
}

func (k check) hosts(hosts map[string]strictyaml.Text, field string) {
	for part, host := range hosts {
		if !isName(host.Text) {
			k.ps.Add(host.At, field+".hosts."+part, host.Text, nameForm)
		}
	}
}

// settings makes sure that settings can stand in a cell of a time line.
func (k check) settings(set scenario.Settings, field string) {
	for _, s := range set {
		if strings.ContainsAny(s.Value, ";\n\r") || s.Value == "" {
			k.ps.Add(s.At, field+".set."+s.Key, s.Value, "must be text without ; and ends of lines")
		}
	}
}

// clock reads a time of the day.
func (k check) clock(t strictyaml.Text, field string) time.Duration {
	for _, form := range []string{"15:04", "15:04:05"} {
		if at, err := time.Parse(form, strings.TrimSpace(t.Text)); err == nil {
			return at.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC))
		}
	}
	if t.Text == "24:00" {
		return 24 * time.Hour
	}
	k.ps.Add(t.At, field, t.Text, "must be a time of the day, as 08:30 or 08:30:15, at most 24:00")
	return 0
}

// lawOf reads a law, or a value, which is always the same.
func lawOf(t value.Type, text strictyaml.Text, fallback string) (value.Law, error) {
	s := text.Text
	if !text.Set() {
		s = fallback
	}
	if v, err := value.Parse(t, s); err == nil {
		s = "constant(" + v.String() + ")"
	}
	return value.ParseLaw(t, s)
}

func names[T any](m map[string]T) []string {
	var list []string
	for name := range m {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}
