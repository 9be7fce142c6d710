package scenario

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"detgen/record"
)

// definition says what values a key takes and what they are when nothing is said.
type definition struct {
	name    string
	typ     Type
	values  []string         // of a Choice
	needs   map[string]*Need // of those values that are not always possible
	min     string           // "" for no bound
	max     string
	law     string // for "~"; "" for what follows from the type and the bounds
	normal  string // the value when nothing is said, for the documentation
	doc     string
	check   func(text string) error // further rule of a String
	link    func(*record.Link, Value)
	carried func(*record.Transport, Value)
	load    func(*record.Load, Value)
}

// transportKeys are the last parts of transport.KEY and transport.HOST.KEY.
var transportKeys = []definition{
	{name: "mtu", typ: Int, min: "576", max: "65535", law: "choice(1500, 1492, 1400, 1280, 576)", normal: "1500", doc: "largest IP packet of the interfaces, bytes",
		carried: func(t *record.Transport, v Value) { t.MTU = int(v.number) }},
	{name: "offload", typ: Bool, normal: "false", doc: "segmentation and receive offloads",
		carried: func(t *record.Transport, v Value) { t.Offload = v.True() }},
	{name: "congestion", typ: String, normal: "the kernel's", doc: "TCP congestion control: reno, cubic, bbr, ... (net.ipv4.tcp_congestion_control)", check: oneWord,
		carried: func(t *record.Transport, v Value) { t.Congestion = v.text }},
	{name: "sack", typ: Bool, normal: "true", doc: "selective acknowledgements (net.ipv4.tcp_sack)",
		carried: func(t *record.Transport, v Value) { t.SACK = v.True() }},
	{name: "timestamps", typ: Bool, normal: "true", doc: "TCP timestamps (net.ipv4.tcp_timestamps)",
		carried: func(t *record.Transport, v Value) { t.Timestamps = v.True() }},
	{name: "ecn", typ: Int, min: "0", max: "2", normal: "2", doc: "explicit congestion notification (net.ipv4.tcp_ecn): 0 never, 1 ask, 2 when asked",
		carried: func(t *record.Transport, v Value) { t.ECN = int(v.number) }},
	{name: "window_scaling", typ: Bool, normal: "true", doc: "TCP window scaling (net.ipv4.tcp_window_scaling)",
		carried: func(t *record.Transport, v Value) { t.WindowScaling = v.True() }},
	{name: "initial_cwnd", typ: Int, min: "0", max: "1000", law: "uniform(1, 40)", normal: "0", doc: "initial congestion window, segments; 0 is the kernel's (10)",
		carried: func(t *record.Transport, v Value) { t.InitialCwnd = int(v.number) }},
	{name: "initial_rwnd", typ: Int, min: "0", max: "1000", law: "uniform(2, 80)", normal: "0", doc: "initial receive window, segments; 0 is the kernel's",
		carried: func(t *record.Transport, v Value) { t.InitialRwnd = int(v.number) }},
	{name: "no_metrics_save", typ: Bool, normal: "true", doc: "connections do not learn from earlier ones (net.ipv4.tcp_no_metrics_save)",
		carried: func(t *record.Transport, v Value) { t.NoMetricsSave = v.True() }},
	{name: "ephemeral_ports", typ: String, normal: "32768-60999", doc: "range of ports for outgoing connections (net.ipv4.ip_local_port_range)",
		check:   func(s string) error { _, err := portRange(s); return err },
		carried: func(t *record.Transport, v Value) { t.EphemeralPorts, _ = portRange(v.text) }}, // checked before
	{name: "ttl", typ: Int, min: "0", max: "255", law: "choice(64, 128, 255)", normal: "0", doc: "IP time to live; 0 is the kernel's (64)",
		carried: func(t *record.Transport, v Value) { t.TTL = int(v.number) }},
	{name: "ipv6", typ: Bool, normal: "false", doc: "IPv6 and its neighbour discovery",
		carried: func(t *record.Transport, v Value) { t.IPv6 = v.True() }},
}

// loadKeys are the last parts of load.KEY and load.HOST.KEY.
var loadKeys = []definition{
	{name: "cpu", typ: Int, min: "0", max: "256", law: "exp(2)", normal: "0", doc: "stress-ng CPU workers on the host",
		load: func(l *record.Load, v Value) { l.CPU = int(v.number) }},
	{name: "memory", typ: Int, min: "0", max: "64", law: "exp(1)", normal: "0", doc: "stress-ng memory workers on the host, 32 MiB each; a quarter of the host's memory must be left",
		load: func(l *record.Load, v Value) { l.Memory = int(v.number) }},
}

// runKeys are the keys without a dot that do not depend on the scenario.
var runKeys = []definition{
	{name: "addresses", typ: Choice, values: []string{"drawn", "fixed"}, normal: "drawn", doc: "IP and MAC addresses drawn from the seed, or the same in every run"},
	{name: "epoch", typ: String, normal: "drawn", doc: "start of the clock on engines that own theirs: RFC 3339, 2020 to 2049",
		check: func(s string) error { _, err := parseEpoch(s); return err }},
	{name: "timeout", typ: Time, min: "1s", max: "24h", normal: "the task's", doc: "time limit of the task"},
}

var cpuKey = definition{name: "cpu", typ: Float, min: "0", max: "1024", law: "uniform(0.1, 1)", normal: "0", doc: "limit in CPUs; 0 is none"}

var imageKey = definition{name: "image", typ: String, normal: "the scenario's", check: oneWord, doc: "image to use instead, which must have the host's programs: for one that several activities share, workstation has many clients"}

// place is what kind of thing a key controls.
type keyKind int

const (
	paramKey keyKind = iota
	failureKey
	cachingKey
	runKey
	implementationKey
	hostCPUKey
	hostImageKey
	linkKey
	transportKey
	loadKey
)

// key is a parsed key of "-s".
type key struct {
	text      string
	kind      keyKind
	host      string // a host, a group of hosts, or "" for all
	network   string // of a link; "" for all of the host's
	direction string // of a link: "up", "down", "both"
	definition
}

// specificity orders keys of one layer: the more specific one counts.
func (k key) specificity() int {
	n := 0
	if k.host != "" {
		n += 4
	}
	if strings.ContainsAny(k.host, "0123456789") {
		n += 4 // a machine of a group, against the group
	}
	if k.network != "" {
		n += 2
	}
	if k.direction != "both" {
		n++
	}
	return n
}

func find(defs []definition, name string) (definition, bool) {
	i := slices.IndexFunc(defs, func(d definition) bool { return d.name == name })
	if i < 0 {
		return definition{}, false
	}
	return defs[i], true
}

func namesOf(defs []definition) []string {
	names := make([]string, len(defs))
	for i, d := range defs {
		names[i] = d.name
	}
	return names
}

// parseKey reads a key for a task of the scenario (nil: for any task). The error says what is
// unknown and what is near.
func (s *Scenario) parseKey(text string, task *Task) (key, error) {
	k := key{text: text, direction: "both"}
	parts := strings.Split(text, ".")
	last := parts[len(parts)-1]
	pick := func(defs []definition, what string) (key, error) {
		d, ok := find(defs, last)
		if !ok {
			return k, fmt.Errorf("no such %s %q: %s", what, last, nearest(last, namesOf(defs)))
		}
		k.definition = d
		return k, nil
	}
	host := func(name string) error {
		if name == "all" {
			return nil
		}
		k.host = name
		return s.knowHost(name)
	}
	switch {
	case parts[0] == "params" && len(parts) == 2:
		return s.paramKey(k, last, task)
	case text == "failure" || text == "caching":
		k.kind, k.definition = failureKey, definition{name: text, typ: Choice, values: s.variants(s.Failures, task)}
		if text == "caching" {
			k.kind, k.values = cachingKey, s.variants(s.Caching, task)
		}
		return k, nil
	case len(parts) == 1 && slices.Contains(namesOf(runKeys), text):
		k.kind = runKey
		return pick(runKeys, "key")
	case parts[0] == "link" && len(parts) >= 4 && len(parts) <= 5:
		k.kind = linkKey
		if err := host(parts[1]); err != nil {
			return k, err
		}
		if len(parts) == 5 {
			k.network = parts[2]
			if !slices.Contains(s.networks(), k.network) {
				return k, fmt.Errorf("no such network %q: %s", k.network, nearest(k.network, s.networks()))
			}
		}
		k.direction = parts[len(parts)-2]
		if !slices.Contains([]string{"up", "down", "both"}, k.direction) {
			return k, fmt.Errorf("no such direction %q: up (from the host), down (towards it) or both", k.direction)
		}
		return pick(linkKeys, "setting of a link")
	case parts[0] == "transport" && (len(parts) == 2 || len(parts) == 3):
		k.kind = transportKey
		if len(parts) == 3 {
			if err := host(parts[1]); err != nil {
				return k, err
			}
		}
		return pick(transportKeys, "setting of transport")
	case parts[0] == "load" && (len(parts) == 2 || len(parts) == 3):
		k.kind = loadKey
		if len(parts) == 3 {
			if err := host(parts[1]); err != nil {
				return k, err
			}
		}
		return pick(loadKeys, "kind of load")
	case len(parts) == 2 && last == "implementation":
		k.kind, k.host = implementationKey, parts[0]
		if err := s.knowHost(parts[0]); err != nil {
			return k, err
		}
		k.definition = definition{name: last, typ: Choice, values: s.implementations(s.groupOf(parts[0]), task)}
		if len(k.values) == 0 {
			return k, fmt.Errorf("host %q has no choice of implementations", parts[0])
		}
		return k, nil
	case len(parts) == 2 && last == "cpu":
		k.kind, k.host, k.definition = hostCPUKey, parts[0], cpuKey
		return k, s.knowHost(parts[0])
	case len(parts) == 2 && last == "image":
		k.kind, k.host, k.definition = hostImageKey, parts[0], imageKey
		return k, s.knowHost(parts[0])
	}
	return k, fmt.Errorf("no such key: %s", s.nearestKey(text, task))
}

// implementations are those of a declared host that can do a task (nil: any task).
func (s *Scenario) implementations(host string, task *Task) []string {
	if task != nil && len(task.Implementations[host]) > 0 {
		var names []string
		for _, t := range task.Implementations[host] {
			names = append(names, t.Text)
		}
		return names
	}
	return inOrder(s.Hosts[host].Implementations)
}

func (s *Scenario) paramKey(k key, name string, task *Task) (key, error) {
	params := s.parameters(task)
	p, ok := params[name]
	if !ok {
		what := "the scenario"
		if task != nil {
			what = "this task"
		}
		return k, fmt.Errorf("%s has no parameter %q: %s", what, name, nearest(name, inOrder(params)))
	}
	k.kind, k.definition = paramKey, p.definition(name)
	return k, nil
}

// definition is what the parameter's values are.
func (p *Parameter) definition(name string) definition {
	d := definition{name: name, typ: p.Type, min: p.Min.Text, max: p.Max.Text, law: p.Law.Text}
	for _, v := range p.Values {
		d.values = append(d.values, v.Text)
	}
	if p.Type == LawType {
		d.check = func(s string) error { return checkLaw(p.Of, s) }
	}
	if p.Pattern.Text != "" {
		d.check = func(s string) error { return matchWhole(p.Pattern.Text, s) }
	}
	return d
}

// parameters gives the parameters that a task has (nil: those of any task).
func (s *Scenario) parameters(task *Task) map[string]*Parameter {
	all := map[string]*Parameter{}
	for name, p := range s.Parameters {
		if task == nil || len(p.Tasks) == 0 || slices.ContainsFunc(p.Tasks, func(t Text) bool { return s.Tasks[t.Text] == task }) {
			all[name] = p
		}
	}
	if task != nil {
		maps.Copy(all, task.Parameters)
		return all
	}
	for _, t := range s.Tasks {
		maps.Copy(all, t.Parameters)
	}
	return all
}

// variants are the names of the failures or caching options that a task offers, "none" first.
func (s *Scenario) variants(all map[string]*Variant, task *Task) []string {
	names := []string{none}
	for _, name := range inOrder(all) {
		if task == nil || all[name].offeredFor(s, task) {
			names = append(names, name)
		}
	}
	return names
}

// none is the value of failure and caching when there is none.
const none = "none"

func (v *Variant) offeredFor(s *Scenario, task *Task) bool {
	return len(v.Tasks) == 0 || slices.ContainsFunc(v.Tasks, func(t Text) bool { return s.Tasks[t.Text] == task })
}

// groupOf gives the declared host that a machine's name belongs to: "peer" for "peer-2".
func (s *Scenario) groupOf(name string) string {
	if _, ok := s.Hosts[name]; ok {
		return name
	}
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		if n, err := strconv.Atoi(name[i+1:]); err == nil && n > 0 {
			if h, ok := s.Hosts[name[:i]]; ok && h.Count.set() {
				return name[:i]
			}
		}
	}
	return ""
}

// knowHost checks the name of a host, of a group, or of a machine of a group.
func (s *Scenario) knowHost(name string) error {
	if s.groupOf(name) == "" {
		return fmt.Errorf("no such host %q: %s", name, nearest(name, inOrder(s.Hosts)))
	}
	return nil
}

// nearestKey says what keys there are when one is quite unknown.
func (s *Scenario) nearestKey(text string, task *Task) string {
	known := []string{"failure", "caching"}
	for _, d := range runKeys {
		known = append(known, d.name)
	}
	for _, name := range inOrder(s.parameters(task)) {
		known = append(known, "params."+name)
	}
	for _, name := range inOrder(s.Hosts) {
		known = append(known, name+".implementation", name+".cpu", name+".image")
	}
	for _, d := range linkKeys {
		known = append(known, "link.all.both."+d.name)
	}
	for _, d := range transportKeys {
		known = append(known, "transport."+d.name)
	}
	for _, d := range loadKeys {
		known = append(known, "load."+d.name)
	}
	if _, bare := s.parameters(task)[text]; bare {
		return fmt.Sprintf("did you mean %q?", "params."+text)
	}
	if n := nearest(text, known); strings.HasPrefix(n, "did you mean") {
		return n
	}
	return "keys are params.NAME, failure, caching, HOST.implementation, HOST.cpu, HOST.image, link.HOST.up|down|both.KEY, load.cpu, load.memory, transport.KEY, addresses, epoch, timeout"
}

// parse reads a value and checks it against the definition.
func (d definition) parse(text string) (Value, error) {
	v, err := ParseValue(d.typ, text)
	if err != nil {
		return v, err
	}
	return v, d.allow(v)
}

// allow checks a value against bounds, choices and further rules.
func (d definition) allow(v Value) error {
	if d.typ == Choice {
		if !slices.Contains(d.values, v.text) {
			if len(d.values) <= 8 {
				return fmt.Errorf("must be one of %s", strings.Join(d.values, ", "))
			}
			return fmt.Errorf("no such value: %s", nearest(v.text, d.values))
		}
		return nil
	}
	lo, hi := d.bounds()
	if d.typ.numeric() && (v.number < lo || v.number > hi) {
		switch {
		case d.min == "":
			return fmt.Errorf("must be at most %s", d.max)
		case d.max == "":
			return fmt.Errorf("must be at least %s", d.min)
		}
		return fmt.Errorf("must be from %s to %s", d.min, d.max)
	}
	if d.check != nil {
		return d.check(v.text)
	}
	return nil
}

// bounds are the definition's bounds in base units; infinite where there is none.
func (d definition) bounds() (lo, hi float64) {
	lo, hi = math.Inf(-1), math.Inf(1)
	if d.typ == Bytes || d.typ == Time || d.typ == Rate || d.typ == Fraction {
		lo = 0 // none of them can be negative
	}
	if v, err := ParseValue(d.typ, d.min); d.min != "" && err == nil {
		lo = v.number
	}
	if v, err := ParseValue(d.typ, d.max); d.max != "" && err == nil {
		hi = v.number
	}
	return lo, hi
}

// lawText is the law for "~": the definition's own, or what follows from its type.
func (d definition) lawText() (string, error) {
	switch {
	case d.law != "":
		return d.law, nil
	case d.typ == Choice:
		return "choice(" + strings.Join(d.values, ", ") + ")", nil
	case d.typ == Bool:
		return "choice(true, false)", nil
	case d.typ.numeric() && d.min != "" && d.max != "":
		return "uniform(" + d.min + ", " + d.max + ")", nil
	}
	return "", fmt.Errorf("has no law to draw from: give one, like ~%s", d.exampleLaw())
}

func (d definition) exampleLaw() string {
	switch d.typ {
	case Bytes:
		return "uniform(1kB, 10kB)"
	case Time:
		return "exp(100ms)"
	case Rate:
		return "choice(1mbit, 10mbit)"
	case Fraction:
		return "uniform(0, 1%)"
	case Int, Float:
		return "uniform(1, 10)"
	}
	return "letters(exp(10)+2)"
}

// checkLaw checks a law of values of a type, or one such value.
func checkLaw(of Type, s string) error {
	if _, err := ParseValue(of, s); err == nil {
		return nil
	}
	if !strings.Contains(s, "(") {
		return fmt.Errorf("must be %s, or a law of such values like %s", of.how(), definition{typ: of}.exampleLaw())
	}
	_, err := ParseLaw(of, s)
	return err
}

func oneWord(s string) error {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '/' || r > '~' }) {
		return fmt.Errorf("must be one word")
	}
	return nil
}

func portRange(s string) ([2]int, error) {
	low, high, _ := strings.Cut(s, "-")
	a, errA := strconv.Atoi(low)
	b, errB := strconv.Atoi(high)
	if errA != nil || errB != nil || a < 1 || b > 65535 || a >= b {
		return [2]int{}, fmt.Errorf("must be two ports like 32768-60999")
	}
	return [2]int{a, b}, nil
}

func parseEpoch(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Before(firstEpoch) || t.After(lastEpoch) {
		return t, fmt.Errorf("must be a time like 2026-03-01T12:00:00Z, from 2020 to 2049")
	}
	return t.UTC(), nil
}
