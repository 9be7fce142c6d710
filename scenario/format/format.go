// Package format is the format of scenario.yaml: its types, the catalogue that finds and reads
// files, and the checks of what can be known before values are chosen. docs/adding-a-scenario.md
// describes the format for authors.
package format

import (
	"reflect"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/scenario/spec"
	"detgen/scenario/value"

	"go.yaml.in/yaml/v3"
)

// The types of a scenario file. Their field comments are the reference of the format: the
// JSON Schema and docs/scenario-format.md are made from them.

// What holds when nothing is said.
const (
	DefaultMemory    = "512MB" // of a host
	DefaultProcesses = "1024"  // of a host
	DefaultReady     = "30s"   // for a service to get ready
	DefaultTimeout   = "60s"   // for a task
)

// Text is a scalar with its place. In most fields it is a template.
type Text = strictyaml.Text

// Scenario is the content of scenario.yaml.
type Scenario struct {
	// Name of the scenario; the same as its folder's.
	Name string `yaml:"scenario" jsonschema:"required"`
	// One line: what goes on between which programs.
	Title string `yaml:"title" jsonschema:"required"`
	// What it is, for the scenario's page.
	Description string `yaml:"description"`
	// Another scenario whose parameters, networks, hosts and made things this one starts from;
	// what has the same name here replaces them. Tasks, failures and caching are not taken over.
	Extends string `yaml:"extends"`
	// Class, family and technique of every task that has no others.
	Labels
	// Controlled values.
	Parameters map[string]*Parameter `yaml:"parameters"`
	// What parameters may come to together, by the name of what they come to: a product that is each
	// within bounds can still be too much.
	Limits map[string]*Limit `yaml:"limits"`
	// Broadcast domains: a name each, or fields where there is more to say; without this field there
	// is one, "lan". Hosts are on the first unless they say otherwise.
	Networks []Network `yaml:"networks"`
	// Things made from the run's seed: certificates, keys, tables, sites.
	Make map[string]*Made `yaml:"make"`
	// The hosts of the lab.
	Hosts map[string]*Host `yaml:"hosts"`
	// Benign twin of the attack tasks that name no other: see tasks.
	Twin Text `yaml:"twin"`
	// Other defaults for any key of "-s", for example link.router.wan.both.delay.
	Set spec.Settings `yaml:"set"`
	// Families of addresses (network.family) that it cannot have, and why, in words: {ipv6: NetBIOS has
	// IPv4 addresses only}.
	NoFamily map[string]Text `yaml:"no_family"`
	// The ways in which the scenario can develop.
	Tasks map[string]*Task `yaml:"tasks" jsonschema:"required"`
	// What can go wrong when asked for, each with its own expected outcome.
	Failures map[string]*Variant `yaml:"failures"`
	// Caches that are warm, or other memory from before, when asked for.
	Caching map[string]*Variant `yaml:"caching"`

	At     problem.Position `yaml:"-"`
	Folder Folder           `yaml:"-"`
	order  int              // 0, or one more than that of the scenario it extends
}

// Network is a broadcast domain.
type Network struct {
	// Its name.
	Name string `yaml:"name" jsonschema:"required"`
	// What comes into its switch is captured, too, as a monitor port shows it (the key NETWORK.tap).
	Tap bool `yaml:"tap"`
}

// ReadNode reads a name, or fields.
func (n *Network) ReadNode(d *strictyaml.Decoder, node *yaml.Node, field string) {
	if node.Kind == yaml.ScalarNode {
		d.Value(node, reflect.ValueOf(&n.Name).Elem(), field)
		return
	}
	type fields Network // which does not read itself
	d.Value(node, reflect.ValueOf((*fields)(n)).Elem(), field)
}

// Labels are the class labels of tasks.
type Labels struct {
	// benign or attack.
	Class string `yaml:"class" jsonschema:"enum=benign,enum=attack"`
	// Family of attacks, in one word: bruteforce, dos, botnet, injection, ...
	Family string `yaml:"family"`
	// MITRE ATT&CK technique: T1110.001.
	Technique string `yaml:"technique" jsonschema:"pattern=^T[0-9]{4}([.][0-9]{3})?$"`
}

// Parameter is a controlled value of a scenario or a task. Scripts get it as an environment
// variable of its name in capitals, templates as .params.NAME, both in base units: bytes,
// seconds, bit/s, fractions of 1.
type Parameter struct {
	// Kind of value.
	Type value.Type `yaml:"type" jsonschema:"required"`
	// What a law is of: the type of the values that scripts, tables or sites draw from it.
	Of value.Type `yaml:"of"`
	// The values of a choice.
	Values []Text `yaml:"values"`
	// What some values of a choice need, by value. A value that lacks it is refused and never drawn.
	Needs map[string]*Need `yaml:"needs"`
	// Value when nothing is asked for. Without it the value is drawn. A template that may refer
	// to parameters written above this one.
	Default Text `yaml:"default"`
	// Law to draw from, for "~" and when there is no default. Without it: all values of a choice
	// or bool alike, numbers uniform between min and max.
	Law Text `yaml:"law"`
	// Smallest value.
	Min Text `yaml:"min"`
	// Largest value.
	Max Text `yaml:"max"`
	// Regular expression that the whole of a string must match.
	Pattern Text `yaml:"pattern"`
	// One line: what it controls.
	Description string `yaml:"description"`
	// Tasks that have it; without this field all.
	Tasks []Text `yaml:"tasks"`

	At problem.Position `yaml:"-"`
}

// Limit is the most that some parameters may come to together. It is checked before anything is
// made.
type Limit struct {
	// What they come to, a whole number; a template: {{mul .params.sites .params.pages}}.
	Of Text `yaml:"of" jsonschema:"required"`
	// The most that it may be.
	Max int `yaml:"max" jsonschema:"required"`
	// What to do, in words, for those who ask for more: ask for fewer sites or pages.
	Because Text `yaml:"because" jsonschema:"required"`

	At problem.Position `yaml:"-"`
}

// Place is where it is written.
func (l *Limit) Place() problem.Position { return l.At }

// Need is what must hold for a value to be possible.
type Need struct {
	// Expression of the template language that must be true: ne .implementations.client "wget".
	When Text `yaml:"when" jsonschema:"required"`
	// The same in words, for those who ask for the value where it is not possible: wget does not
	// speak it.
	Because Text `yaml:"because" jsonschema:"required"`

	At problem.Position `yaml:"-"`
}

// Host is a host of the lab, or Count hosts that are alike.
type Host struct {
	// One line: its part in the scenario.
	Description string `yaml:"description"`
	// How many; a template. They are called NAME-1, NAME-2, ...; without this field there
	// is one, called NAME.
	Count Text `yaml:"count"`
	// Networks it is plugged into, in the order of its interfaces; without this field the first.
	Networks []Text `yaml:"networks"`
	// Further names in every host's /etc/hosts; templates.
	Aliases []Text `yaml:"aliases"`
	// Forwards packets between its networks. Every host gets routes to all networks that can be
	// reached through such hosts, by the fewest hops.
	Forward bool `yaml:"forward"`
	// Programs that can play this part; a factor.
	Implementations map[string]*Implementation `yaml:"implementations"`
	// Implementation when none is asked for; without this field the first.
	Default Text `yaml:"default"`
	// Root file system, for a host without implementations.
	Image Text `yaml:"image"`
	// Families of addresses (network.family) that its programs cannot have, and why, in words: {ipv6: NetBIOS has
	// IPv4 addresses only}.
	NoFamily map[string]Text `yaml:"no_family"`
	Setup

	At     problem.Position `yaml:"-"`
	Folder Folder           `yaml:"-"`
}

// Implementation is a set of programs that can play a host's part. What the host and the
// implementation declare is joined, the host's first.
type Implementation struct {
	// One line, for the scenario's page.
	Title string `yaml:"title"`
	// Root file system: a name from the images of the catalogue.
	Image Text `yaml:"image" jsonschema:"required"`
	// Families of addresses (network.family) that they cannot have, and why, in words: {ipv6: NetBIOS has
	// IPv4 addresses only}.
	NoFamily map[string]Text `yaml:"no_family"`
	Setup

	At problem.Position `yaml:"-"`
}

// Setup is what is set up on a host before the task. Its texts are templates.
type Setup struct {
	// Files put into the root before services start.
	Files []File `yaml:"files"`
	// Accounts in addition to those of the image.
	Users []User `yaml:"users"`
	// Programs that run as long as the lab.
	Services []Service `yaml:"services"`
	// Environment of services and scripts.
	Environment map[string]Text `yaml:"environment"`
	// Linux capabilities, without "CAP_": as few as the programs need.
	Capabilities []Text `yaml:"capabilities"`
	// Devices below /dev beside those that every host has: net/tun, for programs that make a tunnel.
	Devices []Text `yaml:"devices"`
	// Programs may gain privileges (setuid programs work).
	NewPrivileges bool `yaml:"new_privileges"`
	// Memory limit; 512MB when nothing is said.
	Memory Text `yaml:"memory"`
	// Limit of processes and threads; 1024 when nothing is said.
	Processes Text `yaml:"processes"`
}

// File is a file, folder or link in a host's root. It has exactly one source: template, copy,
// text, base64, generate, tree, symlink or directory.
type File struct {
	// Absolute path; a template.
	Path Text `yaml:"path" jsonschema:"required"`
	// A file of the scenario's folder that is a template.
	Template Text `yaml:"template"`
	// A file of the scenario's folder, as it is.
	Copy Text `yaml:"copy"`
	// The content itself; a template.
	Text Text `yaml:"text"`
	// The content itself, not a template, in base64 (a template may give the base64).
	Base64 Text `yaml:"base64"`
	// Content made from the seed.
	Generate *Generate `yaml:"generate"`
	// A made thing of several files (kind site); path is their folder. A template.
	Tree Text `yaml:"tree"`
	// What a symbolic link points to; a template.
	Symlink Text `yaml:"symlink"`
	// An empty folder.
	Directory bool `yaml:"directory"`
	// Permission bits in octal, quoted: "0600". Without this field 0644, for folders 0755.
	Mode Text `yaml:"mode"`
	// user or user:group, by the host's own /etc/passwd; without this field root.
	Owner Text `yaml:"owner"`
	// As many files; a template. They know their number, from 1, as .i.
	Repeat Text `yaml:"repeat"`
	// Only when this expression of the template language is true: eq .params.protocol "https".
	When Text `yaml:"when"`

	At problem.Position `yaml:"-"`
}

// Generate is content made from the run's seed: the same seed, kind, size and path always give
// the same bytes.
type Generate struct {
	// bytes (incompressible), text (words in lines), jpeg or png (a picture of one pixel, then incompressible).
	Kind Text `yaml:"kind" jsonschema:"required"`
	// A size like 10kB, or a template that gives one.
	Size Text `yaml:"size" jsonschema:"required"`
	// Contents of one name, kind and size are the same on every host; without this field each
	// file has its own.
	Name Text `yaml:"name"`

	At problem.Position `yaml:"-"`
}

// User is an account on a host.
type User struct {
	// Login name; a template.
	Name Text `yaml:"name" jsonschema:"required"`
	// Password; a template. Without it nobody can log in by password.
	Password Text `yaml:"password"`
	// User and group number; without this field from 1000 on.
	UID int `yaml:"uid"`
	// Home folder, which is made; without this field /home/NAME.
	Home Text `yaml:"home"`
	// Login shell; without this field /bin/sh.
	Shell Text `yaml:"shell"`
	// Further groups of the image.
	Groups []Text `yaml:"groups"`
	// As many users; a template. They know their number, from 1, as .i.
	Repeat Text `yaml:"repeat"`
	// Only when this expression of the template language is true.
	When Text `yaml:"when"`

	At problem.Position `yaml:"-"`
}

// Service is a program that runs as long as the lab.
type Service struct {
	// Name, for logs and for "after".
	Name string `yaml:"name" jsonschema:"required"`
	// Words of the command, or one text that "sh -euc" runs; templates. A word whose template comes to nothing is left out.
	Command Command `yaml:"command" jsonschema:"required"`
	// Account to run as; without this field root.
	User Text `yaml:"user"`
	// Environment in addition to the host's.
	Environment map[string]Text `yaml:"environment"`
	// Services that must be ready before this one starts: HOST/SERVICE. The services of one host
	// start one after the other anyway.
	After []Text `yaml:"after"`
	// What shows that it is ready.
	Ready Ready `yaml:"ready" jsonschema:"required"`
	// Time to get ready; 30s when nothing is said.
	Timeout Text `yaml:"timeout"`
	// Its end while the run goes on fails the run, unless this expression of the template language is true.
	Ends Text `yaml:"ends"`
	// Only when this expression of the template language is true.
	When Text `yaml:"when"`

	At problem.Position `yaml:"-"`
}

// Ready is what shows that a service is ready; all that is given must hold.
type Ready struct {
	// Sockets the kernel shows: tcp/80, udp/53, unix//run/x.sock. Templates; empty ones do not count.
	Listen []Text `yaml:"listen"`
	// A file exists.
	File Text `yaml:"file"`
	// A regular expression matches a line of the service's output.
	Log Text `yaml:"log"`
	// It ended with status 0 (a service that prepares something).
	Exit bool `yaml:"exit"`

	At problem.Position `yaml:"-"`
}

// Task is one way in which the scenario develops.
type Task struct {
	// One line: what is done.
	Title string `yaml:"title" jsonschema:"required"`
	// More, for the scenario's page.
	Description string `yaml:"description"`
	// Class labels, where they differ from the scenario's.
	Labels
	// Of an attack, its benign twin: the task that uses the same hosts as they are meant to be used, TASK or
	// SCENARIO/TASK.
	Twin Text `yaml:"twin"`
	// Values that only this task has, or that it declares anew.
	Parameters map[string]*Parameter `yaml:"parameters"`
	// Other defaults for any key of "-s".
	Set spec.Settings `yaml:"set"`
	// Families of addresses (network.family) that it cannot have, and why, in words: {ipv6: NetBIOS has
	// IPv4 addresses only}.
	NoFamily map[string]Text `yaml:"no_family"`
	// Hosts that take part; without this field all.
	Hosts []Text `yaml:"hosts"`
	// Implementations that can do it, HOST: [names]; when the host's default is not among them, the
	// first is the default. Without this field all can.
	Implementations map[string][]Text `yaml:"implementations"`
	// What each host does: HOST: file of the scenario's folder. They start together, the task
	// ends when all have ended.
	Scripts map[string]*Script `yaml:"scripts" jsonschema:"required"`
	// Phases that the scripts name, in order; templates, empty ones do not count.
	Phases []Text `yaml:"phases"`
	// A way over several hosts, whose connections belong together or do not.
	Chain *Chain `yaml:"chain"`
	// What must be observed: KEY: expectation (exact text, ~regular expression, >=n, any, ...).
	Expect map[string]Text `yaml:"expect" jsonschema:"required"`
	// Time limit; 60s when nothing is said.
	Timeout Text `yaml:"timeout"`

	At     problem.Position `yaml:"-"`
	Folder Folder           `yaml:"-"`
}

// Chain is a way over hosts: each opens connections to the next. They have the label chain.
type Chain struct {
	// The hosts, from the first client to the last server; a group stands for all of its hosts in their order.
	Way []Text `yaml:"way" jsonschema:"required"`
	// One thing goes along the whole way, so that all its connections are of one chain. Without it those between each
	// two neighbours are a chain of their own.
	Relayed bool `yaml:"relayed"`

	At problem.Position `yaml:"-"`
}

// Variant is a failure or a caching option: how it changes a task.
type Variant struct {
	// One line: what happens.
	Title string `yaml:"title" jsonschema:"required"`
	// More, for the scenario's page.
	Description string `yaml:"description"`
	// Class labels, where they differ from the task's.
	Labels
	// Tasks that offer it; without this field all.
	Tasks []Text `yaml:"tasks"`
	// Implementations it is offered for, HOST: [names]; without this field all.
	Implementations map[string][]Text `yaml:"implementations"`
	// Families of addresses (network.family) that it cannot have, and why, in words: {ipv6: NetBIOS has
	// IPv4 addresses only}.
	NoFamily map[string]Text `yaml:"no_family"`
	// Values it fixes, for any key of "-s".
	Set spec.Settings `yaml:"set"`
	// Hosts that take part, instead of the task's.
	Hosts []Text `yaml:"hosts"`
	// What is not there: HOST (its address stays reserved) or HOST/SERVICE.
	Without []Text `yaml:"without"`
	// Scripts that run before the task, outside its labelled span.
	Warmup map[string]*Script `yaml:"warmup"`
	// Scripts instead of the task's, by host.
	Scripts map[string]*Script `yaml:"scripts"`
	// Phases instead of the task's.
	Phases []Text `yaml:"phases"`
	// Expectations instead of the task's (all of them). A failure must have some.
	Expect map[string]Text `yaml:"expect"`
	// Time limit instead of the task's.
	Timeout Text `yaml:"timeout"`

	At     problem.Position `yaml:"-"`
	Folder Folder           `yaml:"-"`
}

// Script is what a host does: a shell script, run by "sh -eu" with the parameters in its
// environment. Written as the file's name alone, or with fields.
type Script struct {
	// A file of the scenario's folder.
	File Text `yaml:"file" jsonschema:"required"`
	// The file is a template.
	Template bool `yaml:"template"`
	// Account to run as; without this field root.
	User Text `yaml:"user"`
	// Environment in addition to the parameters; templates.
	Environment map[string]Text `yaml:"environment"`
	// Class labels of what this script does, where they differ from the task's: a benign client
	// next to an attack.
	Labels

	At problem.Position `yaml:"-"`
}

// Place is where it is written.
func (p *Parameter) Place() problem.Position { return p.At }

// Place is where it is written.
func (n *Need) Place() problem.Position { return n.At }

// Place is where it is written.
func (m *Made) Place() problem.Position { return m.At }

// Place is where it is written.
func (h *Host) Place() problem.Position { return h.At }

// Place is where it is written.
func (i *Implementation) Place() problem.Position { return i.At }

// Place is where it is written.
func (t *Task) Place() problem.Position { return t.At }

// Place is where it is written.
func (v *Variant) Place() problem.Position { return v.At }

// Place is where it is written.
func (s *Script) Place() problem.Position { return s.At }
