package spec

import (
	"fmt"
	"slices"
	"strings"

	"detgen/internal/problem"
	"detgen/record"
	"detgen/scenario/value"
)

// Kind is what a key controls.
type Kind int

// The kinds of keys.
const (
	ParamKey Kind = iota
	FailureKey
	CachingKey
	RunKey
	ImplementationKey
	HostCPUKey
	HostImageKey
	HostReleaseKey
	LinkKey
	TransportKey
	LoadKey
	NetworkKey
)

// None is the value of failure and caching when there is none.
const None = "none"

// Key is a parsed key of "-s". One of Link, Transport, Load and Switch is set for keys of that kind.
type Key struct {
	Text      string // as written
	Kind      Kind
	Host      string // a host, a group of hosts, or "" for all
	Network   string // of a link, or which network; "" for all
	Direction string // of a link: "up", "down", "both"
	value.Definition

	Link      func(*record.Link, value.Value)
	Transport func(*record.Transport, value.Value)
	Load      func(*record.Load, value.Value)
	Switch    func(*record.Network, value.Value)
}

// Vocabulary is what the keys for a task can name. A list of names is in the order of the file.
type Vocabulary interface {
	Hosts() []string                                 // declared hosts and groups
	Group(host string) string                        // the declared host that a lab's host belongs to; "" for an unknown name
	Networks() []string                              // of the scenario
	Implementations(group string) []string           // that can do the task
	Parameters() []string                            // of the task
	Parameter(name string) (value.Definition, error) // or an error that names the nearest
	Failures() []string                              // "none" first
	Caching() []string                               // "none" first
}

// control is a key that sets something of a T.
type control[T any] struct {
	value.Definition
	set func(*T, value.Value)
}

func find[T any](controls []control[T], name string) (control[T], bool) {
	i := slices.IndexFunc(controls, func(c control[T]) bool { return c.Name == name })
	if i < 0 {
		return control[T]{}, false
	}
	return controls[i], true
}

func namesOf[T any](controls []control[T]) []string {
	names := make([]string, len(controls))
	for i, c := range controls {
		names[i] = c.Name
	}
	return names
}

// pick finds a control, and makes its values those of the key.
func pick[T any](k *Key, controls []control[T], name, what string) (func(*T, value.Value), error) {
	c, ok := find(controls, name)
	if !ok {
		return nil, fmt.Errorf("no such %s %q: %s", what, name, problem.Nearest(name, namesOf(controls)))
	}
	k.Definition = c.Definition
	return c.set, nil
}

// FamilyKey is the key of the family of addresses.
const FamilyKey = "network.family"

// Families are its values, the default first.
var Families = []string{record.IPv4, record.IPv6, record.Dual}

// RunKeys are the keys that concern the run as a whole and do not depend on the scenario.
var RunKeys = append([]value.Definition{
	{Name: "addresses", Type: value.Choice, Values: []string{"drawn", "fixed"}, Normal: "drawn", Doc: "IP and MAC addresses drawn from the seed, or the same in every run"},
	{Name: FamilyKey, Type: value.Choice, Values: Families, Normal: record.IPv4, Doc: "addresses of the hosts: IPv4, IPv6 or both; a task whose programs cannot is refused"},
	{Name: "epoch", Type: value.String, Normal: "drawn", Doc: "start of the clock on engines that own theirs: RFC 3339, 2020 to 2049",
		Check: func(s string) error { _, err := ParseEpoch(s); return err }},
	{Name: "timeout", Type: value.Time, Min: "1s", Max: "24h", Normal: "the task's", Doc: "time limit of the task"},
}, pathKeys...)

var cpuKey = value.Definition{Name: "cpu", Type: value.Float, Min: "0", Max: "1024", Law: "uniform(0.1, 1)", Normal: "0", Doc: "limit in CPUs; 0 is none"}

var imageKey = value.Definition{Name: "image", Type: value.String, Normal: "the scenario's", Check: oneWord, Doc: "image to use instead, which must have the host's programs: for one that several activities share, workstation has many clients"}

var releaseKey = value.Definition{Name: "release", Type: value.Choice, Values: record.Releases, Normal: record.OwnRelease, Doc: "release of Debian that the host's programs are from"}

// ReservedHosts are words that a host cannot be called by, because keys need them.
func ReservedHosts() []string {
	words := []string{"all", "up", "down", "both", "params", "link", "load", "transport", "failure", "caching", OwnHost, allNetworks}
	return slices.Concat(words, namesOf(transportKeys), namesOf(loadKeys), namesOf(networkKeys))
}

// Specificity orders keys of one layer: the more specific one counts.
func (k Key) Specificity() int {
	n := 0
	if k.Host != "" {
		n += 4
	}
	if strings.ContainsAny(k.Host, "0123456789") {
		n += 4 // a host of a group, against the group
	}
	if k.Network != "" {
		n += 2
	}
	if k.Direction != "both" {
		n++
	}
	return n
}

// ParseKey reads a key. The error names what is unknown and what is near.
func ParseKey(text string, known Vocabulary) (Key, error) {
	k := Key{Text: text, Direction: "both"}
	parts := strings.Split(text, ".")
	last := parts[len(parts)-1]
	var err error
	switch {
	case parts[0] == "params" && len(parts) == 2:
		k.Kind = ParamKey
		k.Definition, err = known.Parameter(last)
	case text == "failure":
		k.Kind, k.Definition = FailureKey, value.Definition{Name: text, Type: value.Choice, Values: known.Failures()}
	case text == "caching":
		k.Kind, k.Definition = CachingKey, value.Definition{Name: text, Type: value.Choice, Values: known.Caching()}
	case slices.ContainsFunc(RunKeys, func(d value.Definition) bool { return d.Name == text }):
		k.Kind = RunKey
		k.Definition = RunKeys[slices.IndexFunc(RunKeys, func(d value.Definition) bool { return d.Name == text })]
	case parts[0] == "link" && len(parts) >= 4 && len(parts) <= 5:
		err = k.link(parts, known)
	case parts[0] == "transport" && (len(parts) == 2 || len(parts) == 3):
		k.Kind = TransportKey
		if err = k.host(parts, known); err == nil {
			k.Transport, err = pick(&k, transportKeys, last, "setting of transport")
		}
	case parts[0] == "load" && (len(parts) == 2 || len(parts) == 3):
		k.Kind = LoadKey
		if err = k.host(parts, known); err == nil {
			k.Load, err = pick(&k, loadKeys, last, "kind of load")
		}
	case len(parts) == 2 && (parts[0] == allNetworks || slices.Contains(namesOf(networkKeys), last)):
		err = k.network(parts[0], last, known)
	case len(parts) == 2 && (last == "implementation" || last == "cpu" || last == "image" || last == "release"):
		err = k.ofHost(parts[0], last, known)
	default:
		err = fmt.Errorf("no such key: %s", nearestKey(text, known))
	}
	return k, err
}

// ofHost reads HOST.implementation, HOST.cpu, HOST.image and HOST.release.
func (k *Key) ofHost(host, last string, known Vocabulary) error {
	k.Host = host
	switch last {
	case "cpu":
		k.Kind, k.Definition = HostCPUKey, cpuKey
	case "image":
		k.Kind, k.Definition = HostImageKey, imageKey
	case "release":
		k.Kind, k.Definition = HostReleaseKey, releaseKey
	default:
		k.Kind, k.Definition = ImplementationKey, value.Definition{Name: last, Type: value.Choice}
	}
	if err := KnowHost(host, known); err != nil {
		return err
	}
	if k.Kind == ImplementationKey {
		if k.Values = known.Implementations(known.Group(host)); len(k.Values) == 0 {
			return fmt.Errorf("host %q has no choice of implementations", host)
		}
	}
	return nil
}

// host reads the host of transport.HOST.KEY and load.HOST.KEY.
func (k *Key) host(parts []string, known Vocabulary) error {
	if len(parts) == 2 || parts[1] == "all" {
		return nil
	}
	k.Host = parts[1]
	return KnowHost(k.Host, known)
}

// link reads link.HOST.DIRECTION.KEY and link.HOST.NETWORK.DIRECTION.KEY.
func (k *Key) link(parts []string, known Vocabulary) error {
	k.Kind = LinkKey
	if parts[1] != "all" {
		k.Host = parts[1]
		if err := KnowHost(k.Host, known); err != nil {
			return err
		}
	}
	if len(parts) == 5 {
		k.Network = parts[2]
		if !slices.Contains(known.Networks(), k.Network) {
			return fmt.Errorf("no such network %q: %s", k.Network, problem.Nearest(k.Network, known.Networks()))
		}
	}
	k.Direction = parts[len(parts)-2]
	if !slices.Contains([]string{"up", "down", "both"}, k.Direction) {
		return fmt.Errorf("no such direction %q: up (from the host), down (towards it) or both", k.Direction)
	}
	var err error
	k.Link, err = pick(k, linkKeys, parts[len(parts)-1], "setting of a link")
	return err
}

// network reads network.KEY and NETWORK.KEY.
func (k *Key) network(name, last string, known Vocabulary) error {
	k.Kind = NetworkKey
	if name != allNetworks {
		k.Network = name
		if !slices.Contains(known.Networks(), name) {
			return fmt.Errorf("no such network %q: %s", name, problem.Nearest(name, append(known.Networks(), allNetworks)))
		}
	}
	var err error
	k.Switch, err = pick(k, networkKeys, last, "setting of a network")
	return err
}

// KnowHost checks the name of a host, of a group, or of a host of a group.
func KnowHost(name string, known Vocabulary) error {
	if known.Group(name) == "" {
		return fmt.Errorf("no such host %q: %s", name, problem.Nearest(name, known.Hosts()))
	}
	return nil
}

// nearestKey gives the keys that there are when one is quite unknown.
func nearestKey(text string, vocabulary Vocabulary) string {
	known := []string{"failure", "caching"}
	for _, d := range RunKeys {
		known = append(known, d.Name)
	}
	for _, name := range vocabulary.Parameters() {
		known = append(known, "params."+name)
	}
	for _, name := range vocabulary.Hosts() {
		known = append(known, name+".implementation", name+".cpu", name+".image", name+".release")
	}
	for _, name := range namesOf(linkKeys) {
		known = append(known, "link.all.both."+name)
	}
	for _, name := range namesOf(transportKeys) {
		known = append(known, "transport."+name)
	}
	for _, name := range namesOf(loadKeys) {
		known = append(known, "load."+name)
	}
	for _, name := range namesOf(networkKeys) {
		known = append(known, allNetworks+"."+name)
		for _, network := range vocabulary.Networks() {
			known = append(known, network+"."+name)
		}
	}
	if slices.Contains(vocabulary.Parameters(), text) {
		return fmt.Sprintf("did you mean %q?", "params."+text)
	}
	if n := problem.Nearest(text, known); strings.HasPrefix(n, "did you mean") {
		return n
	}
	return "keys are params.NAME, failure, caching, HOST.implementation, HOST.cpu, HOST.image, HOST.release, link.HOST.up|down|both.KEY, load.cpu, load.memory, transport.KEY, network.family, network.KEY, NETWORK.KEY, path.KEY, addresses, epoch, timeout"
}
