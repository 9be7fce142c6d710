package scenario

import (
	"encoding/base64"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"detgen/record"
	"detgen/scenario/material"
	"detgen/seed"
)

// Limits of a host when nothing is said.
const (
	defaultMemory    = "512MB"
	defaultProcesses = "1024"
	defaultReady     = "10s" // time for a service to get ready
	defaultTimeout   = "60s" // time for a task
)

// setUp renders what is set up on every machine.
func (r *resolver) setUp() {
	for _, m := range r.machines {
		if m.absent {
			continue
		}
		r.self = m
		r.setUpFrom(m, &m.host.Setup, "hosts."+m.group)
		if m.implementation != nil {
			r.setUpFrom(m, &m.implementation.Setup, "hosts."+m.group+".implementations."+m.Implementation)
		}
		if m.Memory == 0 {
			v, _ := ParseValue(Bytes, defaultMemory)
			m.Memory = uint64(v.number)
		}
		if m.Processes == 0 {
			m.Processes, _ = strconv.Atoi(defaultProcesses)
		}
		slices.Sort(m.Capabilities)
		m.Capabilities = slices.Compact(m.Capabilities)
		r.checkPaths(m)
		r.self = nil
	}
	r.checkOrder()
}

func (r *resolver) setUpFrom(m *machine, s *Setup, field string) {
	m.NewPrivileges = m.NewPrivileges || s.NewPrivileges
	m.Capabilities = append(m.Capabilities, r.texts(s.Capabilities, field+".capabilities")...)
	if s.Memory.set() {
		v, err := r.value(Bytes, s.Memory, field+".memory", defaultMemory)
		r.report(err, s.Memory, field+".memory")
		m.Memory = uint64(v.number)
	}
	if s.Processes.set() {
		v, err := r.value(Int, s.Processes, field+".processes", defaultProcesses)
		r.report(err, s.Processes, field+".processes")
		m.Processes = int(v.number)
	}
	if len(s.Environment) > 0 {
		if m.Environment == nil {
			m.Environment = map[string]string{}
		}
		maps.Copy(m.Environment, r.environment(s.Environment, field+".environment"))
	}
	for i := range s.Files {
		f, field := &s.Files[i], fmt.Sprintf("%s.files[%d]", field, i)
		r.repeated(f.Repeat, field, func() {
			if r.holds(f.When, field) {
				m.Files = append(m.Files, r.files(m, f, field)...)
			}
		})
	}
	for i := range s.Users {
		u, field := &s.Users[i], fmt.Sprintf("%s.users[%d]", field, i)
		r.repeated(u.Repeat, field, func() {
			if r.holds(u.When, field) {
				m.Users = append(m.Users, r.user(m, u, field))
			}
		})
	}
	for i := range s.Services {
		service, field := &s.Services[i], fmt.Sprintf("%s.services[%d]", field, i)
		if r.left(m, service.Name) && r.holds(service.When, field) {
			m.Services = append(m.Services, r.service(service, field))
		}
	}
}

func (r *resolver) report(err error, t Text, field string) {
	if err != nil {
		r.problems.wrap(t.At, field, t.Text, err)
	}
}

// left says whether a service is started, not taken away by a failure or caching option.
func (r *resolver) left(m *machine, service string) bool {
	for _, v := range r.variants() {
		if slices.ContainsFunc(v.Without, func(t Text) bool {
			return t.Text == m.group+"/"+service || t.Text == m.Name+"/"+service
		}) {
			return false
		}
	}
	return true
}

func (r *resolver) environment(texts map[string]Text, field string) map[string]string {
	env := map[string]string{}
	for _, name := range inOrder(texts) {
		env[name] = r.must(texts[name], join(field, name))
	}
	return env
}

// files renders a file; a tree is several.
func (r *resolver) files(m *machine, f *File, field string) []record.File {
	out := record.File{Path: r.must(f.Path, field+".path"), Owner: r.must(f.Owner, field+".owner"), Directory: f.Directory}
	if !path.IsAbs(out.Path) || path.Clean(out.Path) != out.Path || out.Path == "/" {
		r.problems.add(f.Path.At, field+".path", out.Path, "must be an absolute path without . and .. in it")
		return nil
	}
	if f.Mode.set() {
		mode, err := strconv.ParseUint(r.must(f.Mode, field+".mode"), 8, 12)
		if err != nil {
			r.problems.add(f.Mode.At, field+".mode", f.Mode.Text, "must be permission bits in octal, quoted: \"0644\"")
		}
		out.Mode = uint32(mode)
	}
	switch {
	case f.Template.set():
		data, err := m.host.folder.readFile(field+".template", f.Template)
		r.report(err, f.Template, field+".template")
		at := Position{File: m.host.folder.file(f.Template.Text), Line: 1}
		out.Text = r.must(Text{Text: string(data), At: at}, "")
	case f.Copy.set():
		data, err := m.host.folder.readFile(field+".copy", f.Copy)
		r.report(err, f.Copy, field+".copy")
		if utf8.Valid(data) {
			out.Text = string(data)
		} else {
			out.Base64 = base64.StdEncoding.EncodeToString(data)
		}
	case f.Text.set():
		out.Text = r.must(f.Text, field+".text")
	case f.Base64.set():
		out.Base64 = r.must(f.Base64, field+".base64")
		if _, err := base64.StdEncoding.DecodeString(out.Base64); err != nil {
			r.problems.add(f.Base64.At, field+".base64", "", "must be base64: %v", err)
		}
	case f.Generate != nil:
		out.Generate = r.generate(m, f.Generate, out.Path, field+".generate")
	case f.Symlink.set():
		out.Symlink = r.must(f.Symlink, field+".symlink")
	case f.Tree.set():
		return r.tree(f, out, field)
	}
	return []record.File{out}
}

// tree gives the files of a made thing, below a path.
func (r *resolver) tree(f *File, base record.File, field string) []record.File {
	made, err := r.makeThing(f.Tree.Text, "files")
	if err != nil {
		r.problems.wrap(f.Tree.At, field+".tree", f.Tree.Text, err)
		return nil
	}
	files := slices.Clone(made.([]record.File))
	for i := range files {
		files[i].Path = path.Join(base.Path, files[i].Path)
		files[i].Mode, files[i].Owner = base.Mode, base.Owner
	}
	return files
}

// generatedKinds are the kinds of generated content.
var generatedKinds = []string{record.Bytes, record.Text}

func (r *resolver) generate(m *machine, g *Generate, path, field string) *record.Generate {
	kind := r.must(g.Kind, field+".kind")
	if !slices.Contains(generatedKinds, kind) {
		r.problems.add(g.Kind.At, field+".kind", kind, "no such kind: %s", nearest(kind, generatedKinds))
	}
	size, err := r.value(Bytes, g.Size, field+".size", "0B")
	r.report(err, g.Size, field+".size")
	name := "file." + m.Name + "." + path
	if g.Name.set() {
		name = "file." + r.must(g.Name, field+".name")
	}
	return &record.Generate{Kind: kind, Seed: seed.Derive(r.seed, name), Size: int64(size.number)}
}

// firstUID is where the numbers of users without one start, as in Debian.
const firstUID = 1000

func (r *resolver) user(m *machine, u *User, field string) record.User {
	out := record.User{
		Name: r.must(u.Name, field+".name"), UID: u.UID, Home: r.must(u.Home, field+".home"), Shell: r.must(u.Shell, field+".shell"),
		Groups: r.texts(u.Groups, field+".groups"),
	}
	if !userName.MatchString(out.Name) {
		r.problems.add(u.Name.At, field+".name", out.Name, "must be a login name: a letter or _, then letters, digits, _ . or -, at most 255")
	}
	for _, other := range m.Users {
		if other.Name == out.Name {
			r.problems.add(u.At, field+".name", out.Name, "is already a user of host %q", m.Name)
		}
		if u.UID == 0 && other.UID >= out.UID {
			out.UID = other.UID + 1
		}
	}
	out.UID = max(out.UID, firstUID)
	if u.UID > 0 {
		out.UID = u.UID
	}
	if out.Home == "" {
		out.Home = "/home/" + out.Name
	}
	if out.Shell == "" {
		out.Shell = "/bin/sh"
	}
	if password := r.must(u.Password, field+".password"); password != "" {
		out.Password = material.ShadowHash(password, seed.Stream(r.seed, "user."+m.Name+"."+out.Name))
	}
	return out
}

var userName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,254}$`)

func (r *resolver) service(s *Service, field string) record.Service {
	out := record.Service{Name: s.Name, User: r.must(s.User, field+".user")}
	if s.Command.Shell.set() {
		out.Command = []string{"sh", "-euc", r.must(s.Command.Shell, field+".command")}
	}
	for i, word := range s.Command.Words {
		out.Command = append(out.Command, r.must(word, fmt.Sprintf("%s.command[%d]", field, i)))
	}
	if len(s.Environment) > 0 {
		out.Environment = r.environment(s.Environment, field+".environment")
	}
	for _, after := range r.texts(s.After, field+".after") {
		out.After = append(out.After, r.servicesCalled(after, s.At, field+".after")...)
	}
	out.Ready = record.Ready{Listen: r.texts(s.Ready.Listen, field+".ready.listen"), File: r.must(s.Ready.File, field+".ready.file"), Log: r.must(s.Ready.Log, field+".ready.log"), Exit: s.Ready.Exit}
	for _, listen := range out.Ready.Listen {
		if !listenForm.MatchString(listen) {
			r.problems.add(s.Ready.At, field+".ready.listen", listen, "must be tcp/PORT, udp/PORT or unix//PATH")
		}
	}
	if _, err := regexp.Compile(out.Ready.Log); err != nil {
		r.problems.add(s.Ready.Log.At, field+".ready.log", out.Ready.Log, "must be a regular expression: %v", err)
	}
	v, err := r.value(Time, s.Timeout, field+".timeout", defaultReady)
	r.report(err, s.Timeout, field+".timeout")
	out.Timeout = record.Duration(v.Duration())
	return out
}

var listenForm = regexp.MustCompile(`^((tcp|udp)/[1-9][0-9]{0,4}|unix//.+)$`)

// servicesCalled gives the services that HOST/SERVICE names, on all machines of a group.
// Those that a failure takes away, or whose "when" does not hold, are not waited for.
func (r *resolver) servicesCalled(name string, at Position, field string) []string {
	host, service, ok := strings.Cut(name, "/")
	if !ok {
		r.problems.add(at, field, name, "must be HOST/SERVICE")
		return nil
	}
	var full []string
	found := false
	for _, m := range r.machines {
		if (m.Name != host && m.group != host) || m.absent {
			continue
		}
		found = true
		full = append(full, m.Name+"/"+service)
	}
	if !found && r.scenario.groupOf(host) == "" {
		r.problems.add(at, field, name, "no such host %q: %s", host, nearest(host, inOrder(r.scenario.Hosts)))
	}
	return full
}

// checkOrder drops what is not waited for, and finds circles among services.
func (r *resolver) checkOrder() {
	after := map[string][]string{}
	for _, m := range r.machines {
		previous := ""
		for _, s := range m.Services {
			name := m.Name + "/" + s.Name
			after[name] = nil
			if previous != "" {
				after[name] = append(after[name], previous)
			}
			previous = name
		}
	}
	for _, m := range r.machines {
		for i := range m.Services {
			s := &m.Services[i]
			s.After = slices.DeleteFunc(s.After, func(name string) bool { _, started := after[name]; return !started })
			after[m.Name+"/"+s.Name] = append(after[m.Name+"/"+s.Name], s.After...)
		}
	}
	done := map[string]bool{}
	var visit func(name string, chain []string) bool
	visit = func(name string, chain []string) bool {
		if i := slices.Index(chain, name); i >= 0 {
			r.problems.add(r.scenario.At, "hosts", "", "services wait for each other in a circle: %s", strings.Join(append(chain[i:], name), " after "))
			return false
		}
		if done[name] {
			return true
		}
		for _, earlier := range after[name] {
			if !visit(earlier, append(slices.Clone(chain), name)) {
				return false
			}
		}
		done[name] = true
		return true
	}
	for _, name := range sortedKeys(after) {
		if !visit(name, nil) {
			return
		}
	}
}

// checkPaths refuses two files at one path of a machine.
func (r *resolver) checkPaths(m *machine) {
	seen := map[string]bool{}
	for _, f := range m.Files {
		if seen[f.Path] && !f.Directory {
			r.problems.add(m.host.At, "hosts."+m.group+".files", f.Path, "two files have this path: remove one or give it a \"when\"")
		}
		seen[f.Path] = true
	}
}

// seconds reads a time limit.
func (r *resolver) limit(t Text, field, fallback string) time.Duration {
	v, err := r.value(Time, t, field, fallback)
	r.report(err, t, field)
	return v.Duration()
}
