// Package page writes for people what is known of scenarios: as text for a terminal and as
// Markdown for the documentation, both from the same items.
package page

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"detgen/internal/markdown"
	"detgen/scenario/format"
)

// page is a title, a lead, and sections of named items.
type page struct {
	title    string
	facts    []string
	lead     string
	sections []section
}

type section struct {
	title string
	items []item
}

// item is one named thing, what it is, and details, each a short sentence without a full stop.
type item struct {
	name    string
	what    string
	details []string
}

// of makes the page of a scenario, or of one task when about has only one and task is true.
func of(about *format.About, task bool) page {
	p := page{title: about.Scenario + ": " + about.Title, lead: about.Description}
	class, family, technique := about.Class, about.Family, about.Technique
	if task {
		t := about.Tasks[0]
		p.title = about.Scenario + "/" + t.Name + ": " + t.Title
		if t.Description != "" {
			p.lead = t.Description
		}
		class, family, technique = t.Class, t.Family, t.Technique
	}
	p.facts = append(p.facts, strings.Join(slices.DeleteFunc([]string{class, family, technique}, func(s string) bool { return s == "" }), ", "))
	if len(about.Networks) > 1 {
		p.facts = append(p.facts, "networks "+strings.Join(about.Networks, ", "))
	}
	if about.Extends != "" {
		p.facts = append(p.facts, "starts from "+about.Extends)
	}
	p.sections = []section{
		{"Tasks", items(about.Tasks, taskItem)},
		{"Hosts", items(about.Hosts, hostItem)},
		{"Parameters", slices.Concat(items(about.Parameters, parameterItem), ownParameters(about.Tasks))},
		{"Failures", items(about.Failures, variantItem("failure="))},
		{"Caching", items(about.Caching, variantItem("caching="))},
		{"Other defaults than usual", items(about.Set, settingItem)},
	}
	return p
}

func items[T any](list []T, make func(T) item) []item {
	var out []item
	for _, x := range list {
		out = append(out, make(x))
	}
	return out
}

func settingItem(s format.AboutSetting) item { return item{name: s.Key, what: s.Value} }

func taskItem(t format.AboutTask) item {
	i := item{name: t.Name, what: t.Title}
	i.details = append(i.details, "hosts "+strings.Join(t.Hosts, ", "))
	if len(t.Phases) > 0 {
		var phases []string
		for _, phase := range t.Phases {
			phases = append(phases, plain(phase))
		}
		i.details = append(i.details, "phases "+strings.Join(phases, ", "))
	}
	i.details = append(i.details, expectations(t.Expect)...)
	i.details = append(i.details, implementations(t.Implementations)...)
	if t.Family != "" {
		i.details = append(i.details, strings.TrimSpace(t.Class+", "+t.Family+" "+t.Technique))
	}
	if t.Twin != "" {
		i.details = append(i.details, "benign twin "+t.Twin)
	}
	if len(t.Set) > 0 {
		i.details = append(i.details, "with "+settings(t.Set))
	}
	return i
}

var (
	// inserted is a template's reference to one value: a parameter, or a host's implementation.
	inserted = regexp.MustCompile(`\{\{-? *\.(?:params\.)?([a-z_]+(?:\.[a-z_]+)*) *-?\}\}`)
	// steps are a template's conditions and sums.
	steps = regexp.MustCompile(`(\{\{[^}]*\}\})+`)
)

// plain is a value for a reader: what is inserted stands as <name>. A value that takes more than that to work out is
// told by the texts that it can come to.
func plain(value string) string {
	value = inserted.ReplaceAllString(value, "<$1>")
	if !strings.Contains(value, "{{") {
		return value
	}
	texts := slices.DeleteFunc(steps.Split(value, -1), func(text string) bool { return strings.TrimSpace(text) == "" })
	slices.Sort(texts)
	texts = slices.Compact(texts)
	if len(texts) == 0 {
		return "by what is set"
	}
	return strings.Join(texts, " or ") + " (by what is set)"
}

// expectations tells what a run must come to. Outcomes that are not one value are only named, after the others.
func expectations(list []format.AboutSetting) []string {
	var single []format.AboutSetting
	var others []string
	for _, s := range list {
		if strings.Contains(inserted.ReplaceAllString(s.Value, ""), "{{") {
			others = append(others, s.Key)
		} else {
			single = append(single, s)
		}
	}
	var out []string
	if len(single) > 0 {
		out = append(out, "expects "+settings(single))
	}
	if len(others) > 0 {
		out = append(out, "expects, by what is set: "+strings.Join(others, ", "))
	}
	return out
}

func settings(list []format.AboutSetting) string {
	var out []string
	for _, s := range list {
		value := plain(s.Value)
		if value == "" {
			value = "(empty)"
		}
		out = append(out, s.Key+" "+value)
	}
	return strings.Join(out, ", ")
}

func hostItem(h format.AboutHost) item {
	i := item{name: h.Name, what: h.Description}
	if h.Image != "" {
		i.details = append(i.details, "image "+h.Image)
	}
	if len(h.Implementations) > 0 {
		var names []string
		for _, impl := range h.Implementations {
			name := impl.Name
			if impl.Title != "" && !strings.EqualFold(impl.Title, impl.Name) {
				name += " (" + impl.Title + ")"
			}
			if impl.Default {
				name += " [default]"
			}
			names = append(names, name)
		}
		i.details = append(i.details, h.Name+".implementation="+strings.Join(names, ", "))
	}
	if h.Count != "" {
		i.details = append(i.details, "as many as "+plain(h.Count))
	}
	if h.Forward {
		i.details = append(i.details, "router between "+strings.Join(h.Networks, ", "))
	} else if len(h.Networks) > 1 {
		i.details = append(i.details, "on "+strings.Join(h.Networks, ", "))
	}
	return i
}

func parameterItem(p format.AboutParameter) item {
	i := item{name: "params." + p.Name, what: p.Description}
	switch {
	case p.Of != "":
		i.details = append(i.details, "law of "+string(p.Of)+", or one value")
	case len(p.Values) > 0:
		i.details = append(i.details, "one of "+strings.Join(p.Values, ", "))
	case p.Min != "" && p.Max != "":
		i.details = append(i.details, fmt.Sprintf("%s from %s to %s", p.Type, p.Min, p.Max))
	case p.Min != "":
		i.details = append(i.details, fmt.Sprintf("%s, at least %s", p.Type, p.Min))
	case p.Max != "":
		i.details = append(i.details, fmt.Sprintf("%s, at most %s", p.Type, p.Max))
	default:
		i.details = append(i.details, string(p.Type))
	}
	switch {
	case p.Drawn && p.Law != "":
		i.details = append(i.details, "drawn by "+p.Law)
	case p.Law != "":
		i.details = append(i.details, "default "+quoted(plain(p.Default))+", ~ draws by "+p.Law)
	case p.Drawn:
		i.details = append(i.details, "must be given")
	default:
		i.details = append(i.details, "default "+quoted(plain(p.Default)))
	}
	for _, need := range p.Needs {
		i.details = append(i.details, need.Key+" not always: "+need.Value)
	}
	if len(p.Tasks) > 0 {
		i.details = append(i.details, "for "+strings.Join(p.Tasks, ", "))
	}
	return i
}

// quoted makes an empty text visible.
func quoted(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

// ownParameters are the parameters of single tasks; one that several tasks declare alike is
// shown once.
func ownParameters(tasks []format.AboutTask) []item {
	var out []item
	for _, t := range tasks {
		for _, p := range t.Own {
			p.Tasks = []string{t.Name}
			out = append(out, parameterItem(p))
		}
	}
	return out
}

func variantItem(key string) func(format.AboutVariant) item {
	return func(v format.AboutVariant) item {
		i := item{name: key + v.Name, what: v.Title}
		i.details = append(i.details, "for "+strings.Join(v.Tasks, ", "))
		i.details = append(i.details, implementations(v.Implementations)...)
		if len(v.Without) > 0 {
			i.details = append(i.details, "without "+strings.Join(v.Without, ", "))
		}
		if len(v.Set) > 0 {
			i.details = append(i.details, "sets "+settings(v.Set))
		}
		i.details = append(i.details, expectations(v.Expect)...)
		return i
	}
}

// implementations names the programs that something is offered for.
func implementations(offered map[string][]string) []string {
	var out []string
	for _, host := range slices.Sorted(maps.Keys(offered)) {
		out = append(out, "with "+host+" "+strings.Join(offered[host], " or "))
	}
	return out
}

// Text writes the page of a scenario, or of one task (About.Task), for a terminal.
func Text(w io.Writer, about *format.About, task bool) error {
	p := of(about, task)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", p.title, strings.Join(p.facts, "; "))
	if p.lead != "" {
		fmt.Fprintf(&b, "\n%s\n", p.lead)
	}
	for _, s := range p.sections {
		if len(s.items) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s\n", s.title)
		width := 0
		for _, i := range s.items {
			width = max(width, len(i.name))
		}
		for _, i := range s.items {
			lines := i.details
			if i.what != "" {
				lines = append([]string{i.what}, lines...)
			}
			name := i.name
			for _, line := range lines {
				fmt.Fprintf(&b, "  %-*s  %s\n", width, name, line)
				name = ""
			}
		}
	}
	b.WriteString("\nEvery task also has link.HOST.up|down|both.KEY, transport.KEY, load.cpu, load.memory, HOST.cpu, addresses, timeout: docs/spec.md.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// Markdown writes the page of a scenario for the documentation.
func Markdown(w io.Writer, about *format.About) error {
	p := of(about, false)
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n", p.title, strings.Join(p.facts, "; "))
	if p.lead != "" {
		b.WriteString("\n" + markdown.Paragraph(escape(p.lead)))
	}
	for _, s := range p.sections {
		if len(s.items) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n", s.title)
		for _, i := range s.items {
			text := "`" + i.name + "`"
			if i.what != "" {
				text += ": " + escape(i.what)
			}
			b.WriteString(markdown.Item("", text))
			for _, d := range i.details {
				b.WriteString(markdown.Item("  ", escape(d)))
			}
		}
	}
	b.WriteString("\nEvery task also has the keys of [spec.md](../spec.md): links, transport, load.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// escape makes a text fit for Markdown: templates are code, and nothing is markup.
func escape(s string) string {
	s = strings.NewReplacer("\n", " ", "{{", "`{{", "}}", "}}`", "<", "&lt;").Replace(s)
	return strings.ReplaceAll(s, "``", "") // templates that follow each other are one piece of code
}

// classes are the classes in the order of the catalogue.
var classes = []string{"benign", "attack"}

// List writes the catalogue by class, with counts.
func List(w io.Writer, all []*format.About) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, class := range classes {
		scenarios, tasks := counts(all, class)
		if scenarios == 0 {
			continue
		}
		fmt.Fprintf(t, "%s: %s, %s\n", class, plural(scenarios, "scenario"), plural(tasks, "task"))
		for _, a := range all {
			if a.Class == class {
				fmt.Fprintf(t, "  %s\t%s\t%s\n", a.Scenario, a.Title, strings.Join(taskNames(a), " "))
				for _, pair := range twins(a) {
					fmt.Fprintf(t, "  \t\t%s: benign twin of %s\n", pair.twin, strings.Join(pair.attacks, " "))
				}
			}
		}
	}
	tasks := 0
	for _, a := range all {
		tasks += len(a.Tasks)
	}
	fmt.Fprintf(t, "together: %s, %s; the paper has %d and %d\n", plural(len(all), "scenario"), plural(tasks, "task"), paperScenarios, paperTasks)
	return t.Flush()
}

// What the paper claims (4.3).
const paperScenarios, paperTasks = 31, 101

// pair is a benign task, SCENARIO/TASK or the name of one of the same scenario, and the attacks that it is the twin of.
type pair struct {
	twin    string
	attacks []string
}

// twins gives the pairs of a scenario in the order of its attacks.
func twins(a *format.About) []pair {
	var pairs []pair
	for _, t := range a.Tasks {
		if t.Twin == "" {
			continue
		}
		twin := strings.TrimPrefix(t.Twin, a.Scenario+"/")
		i := slices.IndexFunc(pairs, func(p pair) bool { return p.twin == twin })
		if i < 0 {
			i, pairs = len(pairs), append(pairs, pair{twin: twin})
		}
		pairs[i].attacks = append(pairs[i].attacks, t.Name)
	}
	return pairs
}

// Index writes the catalogue as Markdown, with a link to each scenario's page.
func Index(w io.Writer, all []*format.About) error {
	var b strings.Builder
	b.WriteString("# The catalogue\n")
	for _, class := range classes {
		scenarios, tasks := counts(all, class)
		if scenarios == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## Class %s: %s, %s\n\n", class, plural(scenarios, "scenario"), plural(tasks, "task"))
		for _, a := range all {
			if a.Class != class {
				continue
			}
			b.WriteString(markdown.Item("", fmt.Sprintf("[%s](%s.md): %s", a.Scenario, a.Scenario, escape(a.Title))))
			b.WriteString(markdown.Item("  ", "tasks "+strings.Join(taskNames(a), ", ")))
			for _, pair := range twins(a) {
				b.WriteString(markdown.Item("  ", fmt.Sprintf("benign twin %s of %s", pair.twin, strings.Join(pair.attacks, ", "))))
			}
			for _, list := range []struct {
				name     string
				variants []format.AboutVariant
			}{{"failures", a.Failures}, {"caching", a.Caching}} {
				var names []string
				for _, v := range list.variants {
					names = append(names, v.Name)
				}
				if len(names) > 0 {
					b.WriteString(markdown.Item("  ", list.name+" "+strings.Join(names, ", ")))
				}
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func taskNames(a *format.About) []string {
	var names []string
	for _, t := range a.Tasks {
		names = append(names, t.Name)
	}
	return names
}

func counts(all []*format.About, class string) (scenarios, tasks int) {
	for _, a := range all {
		if a.Class == class {
			scenarios++
			tasks += len(a.Tasks)
		}
	}
	return scenarios, tasks
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
