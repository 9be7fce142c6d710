package format

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/record"
	"detgen/scenario/spec"
	"detgen/scenario/value"
)

var (
	// HostName is the form of the names of hosts, tasks and activities.
	HostName      = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	parameterName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	techniqueForm = regexp.MustCompile(`^T[0-9]{4}(\.[0-9]{3})?$`)
)

// reservedVariables are environment variables that a parameter of that name would break.
var reservedVariables = []string{
	"PATH", "HOME", "SHELL", "IFS", "ENV", "PWD", "OLDPWD", "TERM", "LANG", "TZ", "TMPDIR", "MAIL", "PS1", "PS2", "PS4", "OPTIND", "PPID",
	"SCENARIO", "TASK", "FAILURE", "CACHING", "HOST", "IMPLEMENTATION", "INDEX", "NETWORK_FAMILY", "HOST_ROOT",
}

// check finds everything that is wrong with a scenario and can be known before values are
// chosen.
func (s *Scenario) check(ps *problem.List) {
	if s.Name != s.Folder.name {
		ps.Add(s.At, "scenario", s.Name, "must be the name of its folder, %q", s.Folder.name)
	}
	s.checkNames(ps)
	require(ps, s.At, "title", s.Title)
	s.checkLabels(ps, s.At, "", s.Labels)
	if s.Class == "" {
		ps.Add(s.At, "class", "", "is missing: benign or attack")
	}
	names := s.NetworkNames()
	for i, n := range names {
		if slices.Contains(names[:i], n) {
			ps.Add(s.At, "networks", n, "given twice: remove one")
		}
	}
	for _, name := range strictyaml.InOrder(s.Parameters) {
		s.checkParameter(ps, name, s.Parameters[name], "parameters."+name)
	}
	for _, name := range strictyaml.InOrder(s.Limits) {
		l, field := s.Limits[name], "limits."+name
		require(ps, l.At, field+".of", l.Of.Text)
		require(ps, l.At, field+".because", l.Because.Text)
		if l.Max < 1 {
			ps.Add(l.At, field+".max", "", "must be a whole number of 1 or more")
		}
	}
	for _, name := range strictyaml.InOrder(s.Make) {
		if kinds := s.Make[name].Kinds(); len(kinds) != 1 {
			ps.Add(s.Make[name].At, "make."+name, "", "must have exactly one kind, not %d: authority, certificate, ssh_key, zone_key, table or site", len(kinds))
		}
	}
	for _, name := range strictyaml.InOrder(s.Hosts) {
		s.checkHost(ps, name, s.Hosts[name])
	}
	if len(s.Hosts) == 0 {
		ps.Add(s.At, "hosts", "", "is missing: a scenario has hosts")
	}
	s.checkSettings(ps, "set", s.Set, nil)
	if len(s.Tasks) == 0 {
		ps.Add(s.At, "tasks", "", "is missing: a scenario has tasks")
	}
	for _, name := range strictyaml.InOrder(s.Tasks) {
		s.checkTask(ps, name, s.Tasks[name])
	}
	for _, name := range strictyaml.InOrder(s.Failures) {
		f := s.Failures[name]
		s.checkVariant(ps, "failures."+name, f)
		if len(f.Expect) == 0 {
			ps.Add(f.At, "failures."+name+".expect", "", "is missing: say what must be observed when it fails")
		}
	}
	for _, name := range strictyaml.InOrder(s.Caching) {
		s.checkVariant(ps, "caching."+name, s.Caching[name])
	}
	s.checkFamilies(ps)
	s.checkTemplates(ps)
}

// twinOf gives the benign twin of a task, as written and in full, SCENARIO/TASK; "" is none.
func (s *Scenario) twinOf(t *Task) (written Text, full string) {
	written = t.Twin
	if !written.Set() && OverLabels(s.Labels, t.Labels).Class == "attack" {
		written = s.Twin
	}
	full = written.Text
	if full != "" && !strings.Contains(full, "/") {
		full = s.Name + "/" + full
	}
	return written, full
}

// checkTwins checks that twins of attacks are benign tasks that exist. other gives a scenario by its name.
func (s *Scenario) checkTwins(ps *problem.List, other func(name string) (*Scenario, error)) {
	used := false
	for _, name := range strictyaml.InOrder(s.Tasks) {
		t, field := s.Tasks[name], "tasks."+name+".twin"
		if t.Twin.Set() && OverLabels(s.Labels, t.Labels).Class != "attack" {
			ps.Add(t.Twin.At, field, t.Twin.Text, "only an attack has a benign twin, and this task is benign: remove it")
			continue
		}
		written, full := s.twinOf(t)
		if full == "" {
			continue
		}
		if !t.Twin.Set() {
			if used {
				continue // the scenario's own, checked before
			}
			used, field = true, "twin"
		}
		s.checkTwin(ps, written, full, field, other)
	}
	if s.Twin.Set() && !used {
		ps.Add(s.Twin.At, "twin", s.Twin.Text, "no attack of this scenario takes it: remove it")
	}
}

func (s *Scenario) checkTwin(ps *problem.List, written Text, full, field string, other func(name string) (*Scenario, error)) {
	scenario, task, _ := strings.Cut(full, "/")
	of := s
	if scenario != s.Name {
		var err error
		if of, err = other(scenario); err != nil {
			ps.Add(written.At, field, written.Text, "%v", err)
			return
		}
	}
	t, ok := of.Tasks[task]
	switch {
	case !ok:
		ps.Add(written.At, field, written.Text, "no such task of %s: %s", of.Name, problem.Nearest(task, strictyaml.InOrder(of.Tasks)))
	case OverLabels(of.Labels, t.Labels).Class != "benign":
		ps.Add(written.At, field, written.Text, "this task is an attack itself: name a benign one")
	}
}

// checkFamilies checks the families that something cannot have.
func (s *Scenario) checkFamilies(ps *problem.List) {
	check := func(field string, cannot map[string]Text) {
		for _, family := range slices.Sorted(maps.Keys(cannot)) {
			if !slices.Contains(spec.Families, family) {
				ps.Add(cannot[family].At, field+".no_family", family, "must be %s", strings.Join(spec.Families, ", "))
			}
			require(ps, cannot[family].At, field+".no_family."+family, cannot[family].Text)
		}
		if len(cannot) == len(spec.Families) {
			ps.Add(s.At, field+".no_family", "", "names every family: leave one out")
		}
	}
	check("scenario", s.NoFamily)
	for name, h := range s.Hosts {
		check("hosts."+name, h.NoFamily)
		for of, i := range h.Implementations {
			check("hosts."+name+".implementations."+of, i.NoFamily)
		}
	}
	for name, t := range s.Tasks {
		check("tasks."+name, t.NoFamily)
	}
	for name, v := range s.Failures {
		check("failures."+name, v.NoFamily)
	}
	for name, v := range s.Caching {
		check("caching."+name, v.NoFamily)
	}
}

func require(ps *problem.List, at problem.Position, field, value string) {
	if strings.TrimSpace(value) == "" {
		ps.Add(at, field, "", "is missing")
	}
}

// checkNames checks the form of all names.
func (s *Scenario) checkNames(ps *problem.List) {
	name := func(at problem.Position, field, name string, form *regexp.Regexp, how string) {
		if !form.MatchString(name) || len(name) > 40 {
			ps.Add(at, problem.Join(field, name), "", "must be named by %s, at most 40", how)
		}
	}
	const words, underscores = "small letters, digits and single hyphens", "small letters, digits and single underscores"
	for n, h := range s.Hosts {
		name(h.At, "hosts", n, HostName, words)
		if slices.Contains(spec.ReservedHosts(), n) {
			ps.Add(h.At, "hosts."+n, "", "is a word of the keys of -s: choose another name")
		}
		for in, i := range h.Implementations {
			name(i.At, "hosts."+n+".implementations", in, HostName, words)
		}
	}
	for n, t := range s.Tasks {
		name(t.At, "tasks", n, HostName, words)
		for pn, p := range t.Parameters {
			name(p.At, "tasks."+n+".parameters", pn, parameterName, underscores)
		}
	}
	for _, n := range s.NetworkNames() {
		name(s.At, "networks", n, HostName, words)
	}
	for n, v := range s.Failures {
		name(v.At, "failures", n, HostName, words)
	}
	for n, v := range s.Caching {
		name(v.At, "caching", n, HostName, words)
	}
	for n, p := range s.Parameters {
		name(p.At, "parameters", n, parameterName, underscores)
	}
	for n, l := range s.Limits {
		name(l.At, "limits", n, parameterName, underscores)
	}
	for n, m := range s.Make {
		name(m.At, "make", n, parameterName, underscores)
	}
	for variants, field := range map[string]map[string]*Variant{"failures": s.Failures, "caching": s.Caching} {
		if v, ok := field[spec.None]; ok {
			ps.Add(v.At, variants+"."+spec.None, "", "is what the absence of one is called: choose another name")
		}
	}
}

func (s *Scenario) checkLabels(ps *problem.List, at problem.Position, field string, l Labels) {
	if l.Class != "" && l.Class != "benign" && l.Class != "attack" {
		ps.Add(at, problem.Join(field, "class"), l.Class, "must be benign or attack")
	}
	if l.Class == "attack" && l.Family == "" {
		ps.Add(at, problem.Join(field, "family"), "", "is missing: an attack belongs to a family, like bruteforce or dos")
	}
	if l.Technique != "" && !techniqueForm.MatchString(l.Technique) {
		ps.Add(at, problem.Join(field, "technique"), l.Technique, "must be a MITRE ATT&CK technique like T1110.001")
	}
}

func (s *Scenario) checkParameter(ps *problem.List, name string, p *Parameter, field string) {
	if slices.Contains(reservedVariables, VariableName(name)) {
		ps.Add(p.At, field, "", "would set the environment variable %s of scripts: choose another name", VariableName(name))
	}
	if !slices.Contains(value.Types, p.Type) {
		var known []string
		for _, t := range value.Types {
			known = append(known, string(t))
		}
		ps.Add(p.At, field+".type", string(p.Type), "must be one of %s", strings.Join(known, ", "))
		return
	}
	if (p.Type == value.Choice) != (len(p.Values) > 0) {
		ps.Add(p.At, field+".values", "", "a choice has values, other types have none")
		return
	}
	if of := slices.Contains(value.Types, p.Of) && p.Of != value.LawType && p.Of != value.Choice; (p.Type == value.LawType) != of {
		ps.Add(p.At, field+".of", string(p.Of), "a law is of a type of values, like bytes or duration; other types are of none")
		return
	}
	for _, v := range slices.Sorted(maps.Keys(p.Needs)) {
		if !slices.ContainsFunc(p.Values, func(t Text) bool { return t.Text == v }) {
			ps.Add(p.Needs[v].At, field+".needs."+v, "", "is not a value of this choice")
		}
		require(ps, p.Needs[v].At, field+".needs."+v+".when", p.Needs[v].When.Text)
		require(ps, p.Needs[v].At, field+".needs."+v+".because", p.Needs[v].Because.Text)
	}
	for bound, t := range map[string]Text{"min": p.Min, "max": p.Max} {
		if !t.Set() {
			continue
		}
		if !p.Type.Numeric() {
			ps.Add(t.At, field+"."+bound, t.Text, "type %s has no order: leave it out", p.Type)
		} else if _, err := value.Parse(p.Type, t.Text); err != nil {
			ps.Add(t.At, field+"."+bound, t.Text, "%v", err)
		}
	}
	if p.Pattern.Set() {
		if _, err := regexp.Compile(p.Pattern.Text); err != nil {
			ps.Add(p.Pattern.At, field+".pattern", p.Pattern.Text, "must be a regular expression: %v", err)
			return
		}
	}
	d := p.Definition(name)
	if lo, hi := d.Bounds(); lo > hi {
		ps.Add(p.Min.At, field+".min", p.Min.Text, "is above max, %s", p.Max.Text)
	}
	if p.Law.Set() {
		if _, err := value.ParseLaw(p.Type, p.Law.Text); err != nil {
			ps.Add(p.Law.At, field+".law", p.Law.Text, "%v", err)
		}
	}
	if p.Default.Set() && !IsTemplate(p.Default.Text) {
		if _, err := d.Parse(p.Default.Text); err != nil {
			ps.Add(p.Default.At, field+".default", p.Default.Text, "%v", err)
		}
	}
	s.knowTasks(ps, p.Tasks, field+".tasks")
}

func (s *Scenario) knowTasks(ps *problem.List, tasks []Text, field string) {
	for _, t := range tasks {
		if _, ok := s.Tasks[t.Text]; !ok {
			ps.Add(t.At, field, t.Text, "no such task: %s", problem.Nearest(t.Text, strictyaml.InOrder(s.Tasks)))
		}
	}
}

func (s *Scenario) checkSettings(ps *problem.List, field string, settings spec.Settings, tasks []*Task) {
	for _, setting := range settings {
		if len(tasks) == 0 {
			tasks = []*Task{nil}
		}
		for _, task := range tasks {
			k, err := s.ParseKey(setting.Key, task)
			if err == nil && !IsTemplate(setting.Value) && !strings.HasPrefix(setting.Value, "~") {
				_, err = k.Parse(setting.Value)
			}
			if err != nil {
				ps.Add(setting.At, problem.Join(field, setting.Key), setting.Value, "%v", err)
				break
			}
		}
	}
}

func (s *Scenario) checkScripts(ps *problem.List, scripts map[string]*Script, dir Folder, field string) {
	for _, host := range strictyaml.InOrder(scripts) {
		script := scripts[host]
		if err := s.KnowHost(host); err != nil {
			ps.Add(script.At, field+"."+host, "", "%v", err)
		}
		s.checkLabels(ps, script.At, field+"."+host, script.Labels)
		data, err := dir.ReadFile(field+"."+host, script.File)
		if err == nil && script.Template {
			_, err = ParseTemplate(problem.Position{File: dir.Path(script.File.Text), Line: 1}, "", string(data), Functions{})
		}
		if err != nil {
			ps.Wrap(script.File.At, field+"."+host, script.File.Text, err)
		}
	}
}

func checkExpect(ps *problem.List, expect map[string]Text, field string) {
	for _, key := range strictyaml.InOrder(expect) {
		if IsTemplate(expect[key].Text) {
			continue
		}
		if err := CheckExpectation(expect[key].Text); err != nil {
			ps.Add(expect[key].At, field+"."+key, expect[key].Text, "%v", err)
		}
	}
}

func (s *Scenario) checkTask(ps *problem.List, name string, t *Task) {
	field := "tasks." + name
	require(ps, t.At, field+".title", t.Title)
	s.checkLabels(ps, t.At, field, t.Labels)
	for _, p := range strictyaml.InOrder(t.Parameters) {
		s.checkParameter(ps, p, t.Parameters[p], field+".parameters."+p)
	}
	s.checkHosts(ps, t.Hosts, field+".hosts")
	s.checkImplementations(ps, t.At, field+".implementations", t.Implementations)
	if len(t.Scripts) == 0 {
		ps.Add(t.At, field+".scripts", "", "is missing: say what a host does")
	}
	s.checkScripts(ps, t.Scripts, t.Folder, field+".scripts")
	for host, script := range t.Scripts {
		if len(t.Hosts) > 0 && !slices.ContainsFunc(t.Hosts, func(h Text) bool { return h.Text == s.GroupOf(host) }) {
			ps.Add(script.At, field+".scripts."+host, "", "this host does not take part: add it to the task's hosts")
		}
	}
	if len(t.Expect) == 0 {
		ps.Add(t.At, field+".expect", "", "is missing: say what must be observed when it works")
	}
	s.checkChain(ps, t, field+".chain")
	checkExpect(ps, t.Expect, field+".expect")
	checkPhases(ps, field, t.Phases)
	s.checkSettings(ps, field+".set", t.Set, []*Task{t})
}

// checkChain checks a task's way over hosts, all of which take part.
func (s *Scenario) checkChain(ps *problem.List, t *Task, field string) {
	if t.Chain == nil {
		return
	}
	if len(t.Chain.Way) < 2 {
		ps.Add(t.Chain.At, field+".way", "", "must name two hosts or more, or a group")
	}
	s.checkHosts(ps, t.Chain.Way, field+".way")
	for i, h := range t.Chain.Way {
		if slices.ContainsFunc(t.Chain.Way[:i], func(earlier Text) bool { return earlier.Text == h.Text }) {
			ps.Add(h.At, field+".way", h.Text, "given twice: remove one")
		}
		if len(t.Hosts) > 0 && !slices.ContainsFunc(t.Hosts, func(part Text) bool { return part.Text == h.Text }) {
			ps.Add(h.At, field+".way", h.Text, "this host does not take part: add it to the task's hosts")
		}
	}
}

// checkHosts checks a list of declared hosts.
func (s *Scenario) checkHosts(ps *problem.List, hosts []Text, field string) {
	for _, h := range hosts {
		if _, ok := s.Hosts[h.Text]; !ok {
			ps.Add(h.At, field, h.Text, "no such host: %s", problem.Nearest(h.Text, strictyaml.InOrder(s.Hosts)))
		}
	}
}

// checkImplementations checks HOST: [names].
func (s *Scenario) checkImplementations(ps *problem.List, at problem.Position, field string, offered map[string][]Text) {
	for _, host := range slices.Sorted(maps.Keys(offered)) {
		h := s.Hosts[host]
		if h == nil {
			ps.Add(at, field+"."+host, "", "no such host: %s", problem.Nearest(host, strictyaml.InOrder(s.Hosts)))
			continue
		}
		for _, name := range offered[host] {
			if h.Implementations[name.Text] == nil {
				ps.Add(name.At, field+"."+host, name.Text, "no such implementation: %s", problem.Nearest(name.Text, strictyaml.InOrder(h.Implementations)))
			}
		}
	}
}

func checkPhases(ps *problem.List, field string, phases []Text) {
	for i, p := range phases {
		if !IsTemplate(p.Text) && !HostName.MatchString(p.Text) {
			ps.Add(p.At, field+".phases", p.Text, "must be small letters, digits and single hyphens")
		}
		if slices.ContainsFunc(phases[:i], func(earlier Text) bool { return earlier.Text == p.Text }) {
			ps.Add(p.At, field+".phases", p.Text, "given twice: remove one (a phase may happen several times)")
		}
	}
}

func (s *Scenario) checkVariant(ps *problem.List, field string, v *Variant) {
	require(ps, v.At, field+".title", v.Title)
	s.checkLabels(ps, v.At, field, v.Labels)
	s.knowTasks(ps, v.Tasks, field+".tasks")
	var tasks []*Task
	for _, name := range strictyaml.InOrder(s.Tasks) {
		if v.OfferedFor(s, s.Tasks[name]) {
			tasks = append(tasks, s.Tasks[name])
		}
	}
	s.checkSettings(ps, field+".set", v.Set, tasks)
	s.checkImplementations(ps, v.At, field+".implementations", v.Implementations)
	s.checkHosts(ps, v.Hosts, field+".hosts")
	for _, t := range v.Without {
		s.checkWithout(ps, t, field+".without")
	}
	s.checkScripts(ps, v.Scripts, v.Folder, field+".scripts")
	s.checkScripts(ps, v.Warmup, v.Folder, field+".warmup")
	checkExpect(ps, v.Expect, field+".expect")
	checkPhases(ps, field, v.Phases)
}

// checkWithout checks HOST or HOST/SERVICE.
func (s *Scenario) checkWithout(ps *problem.List, t Text, field string) {
	host, service, both := strings.Cut(t.Text, "/")
	if err := s.KnowHost(host); err != nil {
		ps.Add(t.At, field, t.Text, "%v", err)
		return
	}
	if !both {
		return
	}
	var known []string
	h := s.Hosts[s.GroupOf(host)]
	for _, x := range h.Services {
		known = append(known, x.Name)
	}
	for _, i := range h.Implementations {
		for _, x := range i.Services {
			known = append(known, x.Name)
		}
	}
	if !slices.Contains(known, service) {
		ps.Add(t.At, field, t.Text, "host %q has no such service: %s", host, problem.Nearest(service, slices.Compact(slices.Sorted(slices.Values(known)))))
	}
}

// matchWhole gives an error unless a pattern matches the whole of s.
func matchWhole(pattern, s string) error {
	re, err := regexp.Compile(`^(?:` + pattern + `)$`)
	if err == nil && !re.MatchString(s) {
		err = fmt.Errorf("must match %s", pattern)
	}
	return err
}

// CheckExpectation checks the form of an expectation (record.Match).
func CheckExpectation(expected string) error {
	_, err := record.Match(expected, "")
	return err
}
