package mirror

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"detgen/dataset/plan"
	"detgen/internal/beneath"
	"detgen/internal/plain"
	"detgen/internal/problem"
	"detgen/record"
)

// PlanOptions say how a plan follows from a profile.
type PlanOptions struct {
	Name    string
	Seed    uint64
	Engine  string  // "" for none in the plan
	Flows   int     // that the dataset is to have, about
	Fewest  float64 // mean packets that a service's flows must exceed: the paper's rule has 15
	Keep    []string
	Without []string
	Sizes   string            // from which to which size connections are kept: "all" (least and most of the target), "p5-p95", or "none"
	Mix     map[string][]Task // of services, or of labels of attacks, instead of the usual ones
	Benign  float64           // share of benign flows; below 0: the target's
}

// Planned is a plan with what it leaves out.
type Planned struct {
	Text     []byte // the plan's file
	Entries  int
	Runs     int
	Services int
	Covered  float64  // share of the target's benign flows whose service is in the plan
	Missing  []string // what cannot be mirrored, or is left out, and why
}

// maxProfile is the most that is read of a profile, bytes.
const maxProfile = 64 << 20

// ReadProfile reads what WriteFile has written.
func ReadProfile(path string) (*Profile, error) {
	text, err := beneath.ReadNamed(path, maxProfile)
	if err != nil {
		return nil, err
	}
	p := &Profile{}
	switch err := record.ParseJSON(text, p); {
	case err != nil:
		return nil, fmt.Errorf("%s: is no profile that detgen mirror profile writes: %w", path, err)
	case p.Format != 1:
		return nil, fmt.Errorf("%s: format: %d: must be 1; measure the target again", path, p.Format)
	}
	return p, nil
}

// PlanFile makes the plan of a dataset with the properties of a profile's file, with mixes as ParseMix reads them. What is
// wrong is a problem.Request.
func PlanFile(path string, mixes []string, o PlanOptions) (*Planned, error) {
	p, err := ReadProfile(path)
	if err != nil {
		return nil, problem.InRequest(err)
	}
	o.Mix = map[string][]Task{}
	for _, text := range mixes {
		name, mix, err := ParseMix(text)
		if err != nil {
			return nil, problem.InRequest(fmt.Errorf("--mix: %w", err))
		}
		o.Mix[name] = mix
	}
	made, err := p.Plan(o)
	return made, problem.InRequest(err)
}

// ParseMix reads "NAME=SCENARIO/TASK:WEIGHT,..." into a service or label and its tasks. A weight that is not said is 1.
func ParseMix(text string) (string, []Task, error) {
	name, list, ok := strings.Cut(text, "=")
	if !ok || name == "" || list == "" {
		return "", nil, fmt.Errorf("%q: must be NAME=SCENARIO/TASK:WEIGHT,..., as ssh=ssh/upload:2,ssh/interactive", text)
	}
	var mix []Task
	for one := range strings.SplitSeq(list, ",") {
		task, weight, given := strings.Cut(one, ":")
		t := Task{Task: task, Weight: 1}
		if given {
			var err error
			if t.Weight, err = strconv.ParseFloat(weight, 64); err != nil || !(t.Weight > 0) || math.IsInf(t.Weight, 0) {
				return "", nil, fmt.Errorf("%q: weight %q must be a number above 0", text, weight)
			}
		}
		if s, n, ok := strings.Cut(task, "/"); !ok || s == "" || n == "" {
			return "", nil, fmt.Errorf("%q: %q must be SCENARIO/TASK", text, task)
		}
		mix = append(mix, t.known(name))
	}
	return name, mix, nil
}

// known gives a task the flows and settings that it has in the usual mix.
func (t Task) known(name string) Task {
	for _, list := range [][]Task{tasks[name], TasksOfAttack(name)} {
		for _, usual := range list {
			if usual.Task == t.Task {
				t.Flows, t.Set = usual.Flows, usual.Set
			}
		}
	}
	return t
}

// planned is an entry of the plan in the making.
type planned struct {
	Task
	of     string // the service, or the label of an attack
	attack bool
	name   string
	runs   int
	set    []string
	sizes  *[2]float64 // least and most bytes of a connection; nil: any
}

// Plan makes the plan of a dataset with the properties of a profile. Services whose flows have too few packets, and
// what no task makes, are left out and named. The error tells what is wrong with the options.
func (p *Profile) Plan(o PlanOptions) (*Planned, error) {
	var missing []string
	var kept []Service
	benign := 0
	for _, s := range p.Services {
		name, mix := s.Service, o.mix(s.Service)
		switch {
		case name == "":
			missing = append(missing, fmt.Sprintf("%d flows (%.2f %%): of no service that is known", s.Flows, 100*s.Share))
		case slices.Contains(o.Without, name):
			missing = append(missing, fmt.Sprintf("%s, %d flows (%.2f %%): left out by --without", name, s.Flows, 100*s.Share))
		case len(mix) == 0:
			missing = append(missing, fmt.Sprintf("%s, %d flows (%.2f %%): no task here makes it", name, s.Flows, 100*s.Share))
		case s.Packets.Mean <= o.Fewest && !slices.Contains(o.Keep, name):
			missing = append(missing, fmt.Sprintf("%s, %d flows (%.2f %%): %.1f packets a flow, not more than %g (--keep %s keeps it)", name, s.Flows, 100*s.Share, s.Packets.Mean, o.Fewest, name))
		default:
			kept = append(kept, s)
			benign += s.Flows
		}
	}
	for _, name := range slices.Concat(o.Keep, o.Without) {
		if !slices.ContainsFunc(p.Services, func(s Service) bool { return s.Service == name }) {
			return nil, fmt.Errorf("%q is no service of the profile: it has %s", name, strings.Join(p.names(), ", "))
		}
	}
	for name := range o.Mix {
		if !slices.Contains(p.names(), name) && !slices.ContainsFunc(p.Attacks, func(a Attack) bool { return a.Label == name }) {
			return nil, fmt.Errorf("%q is neither a service nor a label of the profile: it has %s", name, strings.Join(p.names(), ", "))
		}
	}
	attacks := 0
	var known []Attack
	for _, a := range p.Attacks {
		if len(o.attack(a.Label)) == 0 {
			missing = append(missing, fmt.Sprintf("attack %q, %d flows: no task here does it", a.Label, a.Flows))
			continue
		}
		known = append(known, a)
		attacks += a.Flows
	}
	if benign+attacks == 0 {
		return nil, fmt.Errorf("nothing of the profile is left for a plan:\n%s", strings.Join(missing, "\n"))
	}
	share := o.Benign
	if share < 0 {
		share = float64(benign) / float64(benign+attacks)
	}
	switch {
	case attacks == 0:
		share = 1
	case benign == 0:
		share = 0
	}
	var entries []*planned
	for _, s := range kept {
		list, notes, err := o.service(s, share*float64(o.Flows)*float64(s.Flows)/float64(benign))
		if err != nil {
			return nil, err
		}
		entries, missing = append(entries, list...), append(missing, notes...)
	}
	for _, a := range known {
		if share >= 1 {
			break
		}
		entries = append(entries, split(o.attack(a.Label), (1-share)*float64(o.Flows)*float64(a.Flows)/float64(attacks), a.Label, true)...)
	}
	out := &Planned{Services: len(kept), Missing: missing}
	if p.Benign > 0 {
		out.Covered = float64(benign) / float64(p.Benign)
	}
	nameAll(entries)
	for _, e := range entries {
		out.Entries, out.Runs = out.Entries+1, out.Runs+e.runs
	}
	out.Text = p.write(o, entries, out)
	_, err := plan.Read("plan", out.Text) // names, and an engine, that cannot be
	return out, err
}

func (p *Profile) names() []string {
	var names []string
	for _, s := range p.Services {
		if s.Service != "" {
			names = append(names, s.Service)
		}
	}
	return names
}

func (o *PlanOptions) mix(service string) []Task {
	if mix := o.Mix[service]; mix != nil {
		return mix
	}
	return tasks[service]
}

func (o *PlanOptions) attack(label string) []Task {
	if mix := o.Mix[label]; mix != nil {
		return mix
	}
	return TasksOfAttack(label)
}

// service makes the entries of a service.
func (o *PlanOptions) service(s Service, flows float64) ([]*planned, []string, error) {
	sizes, err := o.sizes(s)
	if err != nil {
		return nil, nil, err
	}
	set, notes := implementations(s)
	switch {
	case sizes == nil:
	case s.Flows < Fewest:
		sizes, notes = nil, append(notes, fmt.Sprintf("%s: cut-offs of sizes: %d flows are too few for them", s.Service, s.Flows))
	case severalKinds[s.Service]:
		sizes, notes = nil, append(notes, fmt.Sprintf("%s: cut-offs of sizes: its runs have connections of other kinds too", s.Service))
	}
	entries := split(o.mix(s.Service), flows, s.Service, false)
	for _, e := range entries {
		e.sizes = sizes
		for _, setting := range set {
			if key, _, _ := strings.Cut(setting, "="); !slices.ContainsFunc(e.Set, func(own string) bool { return strings.HasPrefix(own, key+"=") }) {
				e.set = append(e.set, setting)
			}
		}
		for _, setting := range e.Set {
			e.set = append(e.set, fill(setting, s))
		}
	}
	return entries, notes, nil
}

// split shares flows among tasks. Each has one run at least.
func split(mix []Task, flows float64, of string, attack bool) []*planned {
	sum := 0.0
	for _, t := range mix {
		sum += t.Weight
	}
	var list []*planned
	for _, t := range mix {
		e := &planned{Task: t, of: of, attack: attack, runs: max(1, int(math.Round(flows*t.Weight/sum/t.flows())))}
		if attack {
			e.set = t.Set
		}
		list = append(list, e)
	}
	return list
}

// sizes gives the cut-offs of a service's connections.
func (o *PlanOptions) sizes(s Service) (*[2]float64, error) {
	switch b := s.Bytes; o.Sizes {
	case "all":
		return &[2]float64{b.Min, b.Max}, nil
	case "p5-p95":
		return &[2]float64{b.P5, b.P95}, nil
	case "none":
		return nil, nil
	}
	return nil, fmt.Errorf("sizes %q: must be all, p5-p95 or none", o.Sizes)
}

// implementations gives the factors for the programs that the profile has seen, and those that are not here.
func implementations(s Service) (set, missing []string) {
	weights, order := map[string]int{}, []string(nil)
	key := ""
	for _, c := range s.Servers {
		found := false
		for _, p := range programs[s.Service] {
			if strings.Contains(strings.ToLower(c.Value), strings.ToLower(p.word)) {
				if weights[p.value] == 0 {
					order = append(order, p.value)
				}
				weights[p.value] += c.Flows
				key, found = p.key, true
				break
			}
		}
		if !found {
			missing = append(missing, fmt.Sprintf("%s: the server %q, %d flows: not among the implementations here", s.Service, c.Value, c.Flows))
		}
	}
	switch len(order) {
	case 0:
		return nil, missing
	case 1:
		return []string{key + "=" + order[0]}, missing
	}
	var choices []string
	for _, value := range order {
		choices = append(choices, fmt.Sprintf("%s:%d", value, weights[value]))
	}
	return []string{key + "=~choice(" + strings.Join(choices, ", ") + ")"}, missing
}

// fill fills in the laws of sizes in a setting.
func fill(setting string, s Service) string {
	setting = strings.Replace(setting, "{size}", "~"+sizeLaw(s, 1), 1)
	return strings.Replace(setting, "{part}", sizeLaw(s, 8), 1)
}

// sizeLaw is the log-normal law with the target's median and 95 % quantile, without what the protocol itself takes,
// of one of so many parts.
func sizeLaw(s Service, parts float64) string {
	own := func(b float64) float64 { return max(b-overhead[s.Service], 100) / parts }
	median, high, most := own(s.Bytes.P50), own(s.Bytes.P95), min(own(s.Bytes.Max), 100e6)
	sigma := max(math.Log(high/median)/1.645, 0.1) // 95 % of a normal law are below 1.645 standard deviations
	return fmt.Sprintf("lognormal(%.0fB, %.2f, min=%dB, max=%.0fB)", max(median, 3), sigma, 2, max(most, 4))
}

// nameAll gives each entry a name of its own, after its task.
func nameAll(entries []*planned) {
	times := map[string]int{}
	for _, e := range entries {
		e.name = strings.ReplaceAll(e.Task.Task, "/", "-")
		if !e.attack && !strings.HasPrefix(e.name, e.of) {
			e.name = e.of + "-" + e.name
		}
		if times[e.name]++; times[e.name] > 1 {
			e.name += "-" + strconv.Itoa(times[e.name])
		}
	}
}

// write writes the plan.
func (p *Profile) write(o PlanOptions, entries []*planned, out *Planned) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# A plan with the properties of %s: %d flows, %d of them benign.\n", oneLine(p.Target), p.Flows, p.Benign)
	fmt.Fprintf(&b, "# It has the services of %.2f %% of the benign flows. Numbers of runs follow from about how many flows a run has.\n", 100*out.Covered)
	for _, m := range out.Missing {
		fmt.Fprintf(&b, "# Not mirrored: %s\n", oneLine(m))
	}
	fmt.Fprintf(&b, "dataset: %s\ntitle: %s\nseed: %d\n", o.Name, quote("Mirror of "+oneLine(p.Target)), o.Seed)
	if o.Engine != "" {
		fmt.Fprintf(&b, "engine: %s\n", o.Engine)
	}
	b.WriteString("entries:\n")
	last := ""
	for _, e := range entries {
		if e.of != last {
			fmt.Fprintf(&b, "  # %s\n", oneLine(e.of))
			last = e.of
		}
		fmt.Fprintf(&b, "  - name: %s\n    task: %s\n    runs: %d\n", e.name, e.Task.Task, e.runs)
		if len(e.set) > 0 {
			b.WriteString("    set:\n")
			for _, setting := range e.set {
				key, value, _ := strings.Cut(setting, "=")
				fmt.Fprintf(&b, "      %s: %s\n", key, quote(value))
			}
		}
		if e.sizes != nil {
			fmt.Fprintf(&b, "    filter: {bytes: {min: %.0f, max: %.0f}}\n", math.Floor(e.sizes[0]), math.Ceil(e.sizes[1]))
		}
	}
	b.WriteString("splits:\n  shares: {train: 0.8, test: 0.2}\n  stratify: entry\n")
	return []byte(b.String())
}

// quote writes a text as a double-quoted YAML scalar.
func quote(s string) string { return strconv.Quote(s) }

// oneLine is a text for a comment: without ends of lines, which would end it, and without what is no text.
func oneLine(s string) string {
	return plain.Text(strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "?"))
}
