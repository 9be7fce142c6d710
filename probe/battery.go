package probe

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"detgen/dataset"
	"detgen/dataset/plan"
	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/runner"
	"detgen/scenario"

	"go.yaml.in/yaml/v3"
)

//go:embed battery-2.yaml
var batteryText []byte

// battery is the fixed set of factors and severities that a card is made with.
type battery struct {
	Version int              `yaml:"version"`
	Factors []*batteryFactor `yaml:"factors"`
}

// batteryFactor is one thing that changes. Its severities are values of a key, or sets of settings, or what the
// catalogue offers for a task, or background activities.
type batteryFactor struct {
	Name       string              `yaml:"name"`
	Key        string              `yaml:"key"`
	Clean      string              `yaml:"clean"`
	Severities []string            `yaml:"severities"`
	Settings   []scenario.Settings `yaml:"settings"`
	Each       string              `yaml:"each"`       // "implementation" or "caching": what the catalogue has of it
	Background []string            `yaml:"background"` // mean times between two starts
	Attacks    bool                `yaml:"attacks"`    // for attacks only
}

// severities is how many a factor has at most.
const severities = 5

func readBattery() (*battery, error) {
	b, ps := &battery{}, &problem.List{}
	strictyaml.Read("battery-2.yaml", batteryText, b, ps)
	return b, ps.Err()
}

// severity is one point of a factor, for one task.
type severity struct {
	level      string // as people read it
	set        scenario.Settings
	background []*scenario.Background
}

func setting(key, value string) scenario.Settings {
	return scenario.Settings{{Key: key, Value: value}}
}

// written is a text as if it had been read from the battery.
func written(text string) strictyaml.Text {
	return strictyaml.Text{Text: text, At: problem.Position{File: "battery"}}
}

// candidates lists what a factor may be for a task, before it is known whether the task can. other is what goes on in the
// background.
func (f *batteryFactor) candidates(about *scenario.About, task *scenario.AboutTask, other string) (list []severity) {
	add := func(set scenario.Settings) {
		var words []string
		for _, s := range set {
			words = append(words, s.Key+"="+s.Value)
		}
		list = append(list, severity{level: strings.Join(words, " "), set: set})
	}
	if f.Attacks && task.Class != "attack" {
		return nil
	}
	for _, v := range f.Severities {
		list = append(list, severity{level: v, set: setting(f.Key, v)})
	}
	for _, set := range f.Settings {
		add(set)
	}
	for _, mean := range f.Background {
		list = append(list, severity{level: "every " + mean, background: []*scenario.Background{{
			Name: "others", Task: other, Set: setting("params.size", "20kB"),
			Schedule: &scenario.Schedule{Poisson: &scenario.Poisson{Mean: written(mean), Until: written("3s")}},
		}}})
	}
	switch f.Each {
	case "implementation":
		for _, h := range about.Hosts {
			if !slices.Contains(task.Hosts, h.Name) {
				continue
			}
			for _, i := range h.Implementations {
				if can := task.Implementations[h.Name]; !i.Default && (can == nil || slices.Contains(can, i.Name)) {
					add(setting(h.Name+".implementation", i.Name))
				}
			}
		}
	case "caching":
		for _, name := range task.Caching {
			add(setting("caching", name))
		}
	}
	return list
}

// cardEntry is an entry of the card's plan.
type cardEntry struct {
	Name       string           `yaml:"name"`
	Task       string           `yaml:"task"`
	Runs       int              `yaml:"runs"`
	Seeds      string           `yaml:"seeds,omitempty"`
	Set        *yaml.Node       `yaml:"set"`
	Background []map[string]any `yaml:"background,omitempty"`
}

// backgroundTasks are what background activities do: the first that has nothing in common with the task, so that it
// brings hosts of its own.
var backgroundTasks = []string{"ftp/get", "web/get"}

// backgroundOf chooses the background of a scenario.
func backgroundOf(c *scenario.Catalogue, name string) (string, error) {
	family := map[string]bool{}
	for name != "" {
		s, err := c.Scenario(name)
		if err != nil {
			return "", err
		}
		family[name] = true
		name = s.About().Extends
	}
	i := slices.IndexFunc(backgroundTasks, func(t string) bool { s, _, _ := strings.Cut(t, "/"); return !family[s] })
	return backgroundTasks[max(i, 0)], nil
}

// plan writes the battery as the plan of a dataset: for each task a clean entry, and one for each severity of each
// chosen factor that the task has, with the seeds of the clean one. can tells whether a spec makes sense.
func (b *battery) plan(o *CardOptions, c *scenario.Catalogue, can func(*scenario.Spec) error) ([]byte, error) {
	factors, err := b.chosen(o.Factors)
	if err != nil {
		return nil, err
	}
	var entries []cardEntry
	for _, task := range slices.Concat(o.Benign, o.Attacks) {
		name, word, _ := strings.Cut(task, "/")
		s, err := c.Scenario(name)
		if err != nil {
			return nil, runner.RequestError{Err: err}
		}
		about := s.About()
		i := slices.IndexFunc(about.Tasks, func(t scenario.AboutTask) bool { return t.Name == word })
		if i < 0 {
			return nil, request("scenario %s has no task %q (detgen list %s shows them)", name, word, name)
		}
		if isAttack := about.Tasks[i].Class == "attack"; isAttack != slices.Contains(o.Attacks, task) {
			return nil, request("%s is of class %s: --benign takes benign tasks, --attack attacks", task, about.Tasks[i].Class)
		}
		other, err := backgroundOf(c, name)
		if err != nil {
			return nil, err
		}
		clean := b.clean()
		entryName := strings.ReplaceAll(task, "/", "-")
		if err := can(&scenario.Spec{Task: task, Set: clean}); err != nil {
			return nil, runner.RequestError{Err: fmt.Errorf("%s as the clean set has it: %w", task, err)}
		}
		entries = append(entries, cardEntry{Name: entryName, Task: task, Runs: o.Runs, Set: nodeOf(clean)})
		for _, f := range factors {
			n := 0
			for k, v := range f.candidates(about, &about.Tasks[i], other) {
				set := v.set.Over(clean)
				e := cardEntry{Name: fmt.Sprintf("%s-%s-%d", entryName, f.slug(), n+1), Task: task, Runs: o.Runs, Seeds: entryName}
				if can(&scenario.Spec{Task: task, Set: set, Background: v.background}) != nil {
					continue // the task does not have it, or the engine cannot
				}
				for _, other := range v.background {
					e.Background = append(e.Background, map[string]any{"name": other.Name, "task": other.Task, "set": nodeOf(other.Set),
						"schedule": map[string]any{"poisson": map[string]any{"mean": other.Schedule.Poisson.Mean.Text, "until": other.Schedule.Poisson.Until.Text}}})
				}
				// Severities of a key, and settings that are listed for all tasks, keep their places on every task.
				if f.Each == "" && !f.Attacks {
					e.Name = fmt.Sprintf("%s-%s-%d", entryName, f.slug(), k+1)
				}
				e.Set = nodeOf(set)
				entries = append(entries, e)
				if n++; n == severities {
					break
				}
			}
		}
	}
	p := map[string]any{"dataset": b.dataset(), "title": fmt.Sprintf("Battery %d of the robustness card", b.Version), "seed": o.Seed, "fail_above": 0.2, "entries": entries}
	if o.Engine != "" {
		p["engine"] = o.Engine
	}
	return yaml.Marshal(p)
}

// dataset is the name of the card's dataset.
func (b *battery) dataset() string { return fmt.Sprintf("card-%d", b.Version) }

// clean is the values of the clean set.
func (b *battery) clean() (set scenario.Settings) {
	for _, f := range b.Factors {
		if f.Key != "" {
			set = append(set, scenario.Setting{Key: f.Key, Value: f.Clean})
		}
	}
	return set
}

// slug is the factor's name in names of entries.
func (f *batteryFactor) slug() string { return slug(f.Name) }

func slug(name string) string { return strings.ToLower(strings.ReplaceAll(name, " ", "-")) }

// chosen gives the factors with some names, in the battery's order; all of them without names.
func (b *battery) chosen(names []string) ([]*batteryFactor, error) {
	if len(names) == 0 {
		return b.Factors, nil
	}
	var known []string
	for _, f := range b.Factors {
		known = append(known, f.slug())
	}
	wanted := map[string]bool{}
	for _, name := range names {
		if !slices.Contains(known, slug(name)) {
			return nil, request("--factors: battery %d has no factor %q: %s", b.Version, name, problem.Nearest(slug(name), known))
		}
		wanted[slug(name)] = true
	}
	return slices.DeleteFunc(slices.Clone(b.Factors), func(f *batteryFactor) bool { return !wanted[f.slug()] }), nil
}

// nodeOf writes settings in their order.
func nodeOf(set scenario.Settings) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	for _, s := range set {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: s.Key}, &yaml.Node{Kind: yaml.ScalarNode, Value: s.Value, Style: yaml.DoubleQuotedStyle})
	}
	return n
}

// place is what an entry of the card's plan is.
type place struct {
	task   string
	factor *batteryFactor // nil: clean
	at     int            // severity, from 0
	level  string
}

// places reads which entry is which cell from the plan of a card's dataset.
func (b *battery) places(dir string) (map[string]place, error) {
	text, err := dataset.ReadPlan(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, request(`%s is no dataset of the card: it has no plan; "detgen probe card" builds one`, dir)
	}
	if err != nil {
		return nil, runner.RequestError{Err: err}
	}
	p, err := plan.Read(filepath.Join(dir, dataset.PlanFile), text)
	if err != nil {
		return nil, runner.RequestError{Err: err}
	}
	if p.Dataset != b.dataset() {
		return nil, request(`%s is no dataset of the card: its plan is %q, and battery %d's is %q; "detgen probe card" builds one`, dir, p.Dataset, b.Version, b.dataset())
	}
	clean := b.clean()
	list := map[string]place{}
	for _, e := range p.Entries {
		found := place{task: e.Task}
		for _, f := range b.Factors {
			for k := range severities {
				if e.Name == fmt.Sprintf("%s-%s-%d", strings.ReplaceAll(e.Task, "/", "-"), f.slug(), k+1) {
					found.factor, found.at, found.level = f, k, levelOf(e, f, clean)
				}
			}
		}
		list[e.Name] = found
	}
	return list, nil
}

// levelOf names what an entry has otherwise than the clean set.
func levelOf(e *plan.Entry, f *batteryFactor, clean scenario.Settings) string {
	if len(e.Background) > 0 && e.Background[0].Schedule != nil && e.Background[0].Schedule.Poisson != nil {
		return "every " + e.Background[0].Schedule.Poisson.Mean.Text
	}
	var words []string
	for _, s := range e.Set {
		same := slices.ContainsFunc(clean, func(c scenario.Setting) bool { return c.Key == s.Key && c.Value == s.Value })
		switch {
		case s.Key == f.Key && f.Key != "":
			return s.Value
		case !same:
			words = append(words, s.Key+"="+s.Value)
		}
	}
	return cmp.Or(strings.Join(words, " "), "clean")
}

// BuildCard makes the card's dataset, or goes on with it. Without tasks it makes nothing: the dataset must be there.
func BuildCard(ctx context.Context, dir string, with runner.Config, o CardOptions) error {
	if len(o.Benign)+len(o.Attacks) == 0 {
		return nil
	}
	if len(o.Benign) == 0 || len(o.Attacks) == 0 {
		return request("a card takes at least one benign task and one attack: --benign web/get --attack SCENARIO/TASK")
	}
	if o.Runs < leastSeeds {
		return request("--runs %d: a card takes at least %d runs of each point", o.Runs, leastSeeds)
	}
	b, err := readBattery()
	if err != nil {
		return err
	}
	c, err := runner.OpenScenarios(with.Catalogue)
	if err != nil {
		return err
	}
	r, err := runner.Open(with)
	if err != nil {
		return err
	}
	defer r.Close()
	text, err := b.plan(&o, c, func(s *scenario.Spec) error {
		_, err := r.Resolve(s, 1)
		return err
	})
	if err != nil {
		return err
	}
	_, err = dataset.Build(ctx, dir, "battery", text, r, o.Build)
	return err
}
