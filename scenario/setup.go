package scenario

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"path"
	"reflect"
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
	for _, p := range r.parts {
		if p.absent {
			continue
		}
		r.self = p
		r.setUpFrom(p, &p.declared.Setup, "hosts."+p.group)
		if p.implementation != nil {
			r.setUpFrom(p, &p.implementation.Setup, "hosts."+p.group+".implementations."+p.programs)
		}
		r.self = nil
	}
}

// settle fills in what nobody said and puts lists in order.
func (m *machine) settle() {
	if m.Memory == 0 {
		v, _ := ParseValue(Bytes, defaultMemory)
		m.Memory = uint64(v.number)
	}
	if m.Processes == 0 {
		m.Processes, _ = strconv.Atoi(defaultProcesses)
	}
	slices.Sort(m.Capabilities)
	m.Capabilities = slices.Compact(m.Capabilities)
}

func (r *resolver) setUpFrom(p *part, s *Setup, field string) {
	p.NewPrivileges = p.NewPrivileges || s.NewPrivileges
	p.Capabilities = append(p.Capabilities, r.texts(s.Capabilities, field+".capabilities")...)
	if s.Memory.set() {
		v, err := r.value(Bytes, s.Memory, field+".memory", defaultMemory)
		r.report(err, s.Memory, field+".memory")
		p.Memory = max(p.Memory, uint64(v.number))
	}
	if s.Processes.set() {
		v, err := r.value(Int, s.Processes, field+".processes", defaultProcesses)
		r.report(err, s.Processes, field+".processes")
		p.Processes = max(p.Processes, int(v.number))
	}
	for _, name := range inOrder(s.Environment) {
		value := r.must(s.Environment[name], field+".environment."+name)
		if old, ok := p.Environment[name]; ok && p.shared && old != value {
			r.conflict(p, s.Environment[name].At, field+".environment."+name)
		}
		if p.Environment == nil {
			p.Environment = map[string]string{}
		}
		p.Environment[name] = value
	}
	for i := range s.Files {
		f, field := &s.Files[i], fmt.Sprintf("%s.files[%d]", field, i)
		r.repeated(f.Repeat, field, func() {
			if r.holds(f.When, field) {
				for _, file := range r.files(p, f, field) {
					r.addFile(p, file, f.At, field)
				}
			}
		})
	}
	for i := range s.Users {
		u, field := &s.Users[i], fmt.Sprintf("%s.users[%d]", field, i)
		r.repeated(u.Repeat, field, func() {
			if r.holds(u.When, field) {
				r.addUser(p, u, field)
			}
		})
	}
	for i := range s.Services {
		service, field := &s.Services[i], fmt.Sprintf("%s.services[%d]", field, i)
		if r.left(p, service.Name) && r.holds(service.When, field) {
			r.addService(p, r.service(service, field), service.At, field)
		}
	}
}

// conflict reports that a background activity would change what is on a host of the main one.
func (r *resolver) conflict(p *part, at Position, field string) {
	r.problems.add(at, field, "", "is not the same as the main activity's on host %q: give %s the same parameters, or hosts of its own (hosts: {%s: own})", p.Name, r.name, p.part)
}

// addFile adds a file. What another activity put there already must be the same.
func (r *resolver) addFile(p *part, f record.File, at Position, field string) {
	for _, old := range p.Files {
		switch {
		case old.Path != f.Path:
			continue
		case p.shared && !reflect.DeepEqual(old, f):
			r.conflict(p, at, field)
		case !p.shared && !f.Directory:
			r.problems.add(at, field+".path", f.Path, "two files have this path: remove one or give it a \"when\"")
		}
		return
	}
	p.Files = append(p.Files, f)
}

// addService adds a service. One of this name that another activity started must be the same.
func (r *resolver) addService(p *part, s record.Service, at Position, field string) {
	for _, old := range p.Services {
		if old.Name != s.Name {
			continue
		}
		if !p.shared {
			r.problems.add(at, field+".name", s.Name, "given twice on this host: rename one, or give them a \"when\"")
		} else if !reflect.DeepEqual(old, s) {
			r.conflict(p, at, field)
		}
		return
	}
	p.Services = append(p.Services, s)
}

func (r *resolver) report(err error, t Text, field string) {
	if err != nil {
		r.problems.wrap(t.At, field, t.Text, err)
	}
}

// left says whether a service is started, not taken away by a failure or caching option.
func (r *resolver) left(p *part, service string) bool {
	for _, v := range r.variants() {
		if slices.ContainsFunc(v.Without, func(t Text) bool {
			host, name, _ := strings.Cut(t.Text, "/")
			return p.called(host) && name == service
		}) {
			if p.stopped == nil {
				p.stopped = map[string]bool{}
			}
			p.stopped[service] = true
		}
	}
	return !p.stopped[service]
}

func (r *resolver) environment(texts map[string]Text, field string) map[string]string {
	env := map[string]string{}
	for _, name := range inOrder(texts) {
		env[name] = r.must(texts[name], join(field, name))
	}
	return env
}

// files renders a file; a tree is several.
func (r *resolver) files(p *part, f *File, field string) []record.File {
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
		data, err := p.declared.folder.readFile(field+".template", f.Template)
		r.report(err, f.Template, field+".template")
		at := Position{File: p.declared.folder.file(f.Template.Text), Line: 1}
		out.Text = r.must(Text{Text: string(data), At: at}, "")
	case f.Copy.set():
		data, err := p.declared.folder.readFile(field+".copy", f.Copy)
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
		out.Generate = r.generate(p, f.Generate, out.Path, field+".generate")
	case f.Symlink.set():
		out.Symlink = r.must(f.Symlink, field+".symlink")
	case f.Tree.set():
		return r.tree(f, out, field)
	}
	return []record.File{out}
}

// tree gives the files of a made thing, below a path.
func (r *resolver) tree(f *File, base record.File, field string) []record.File {
	name := r.must(f.Tree, field+".tree")
	made, err := r.makeThing(name, "files")
	if err != nil {
		r.problems.wrap(f.Tree.At, field+".tree", name, err)
		return nil
	}
	files := slices.Clone(made.([]record.File))
	for i := range files {
		files[i].Path = path.Join(base.Path, files[i].Path)
		files[i].Mode, files[i].Owner = base.Mode, base.Owner
	}
	return files
}

func (r *resolver) generate(p *part, g *Generate, path, field string) *record.Generate {
	kind := r.must(g.Kind, field+".kind")
	if !slices.Contains(record.Kinds, kind) {
		r.problems.add(g.Kind.At, field+".kind", kind, "no such kind: %s", nearest(kind, record.Kinds))
	}
	size, err := r.value(Bytes, g.Size, field+".size", "0B")
	r.report(err, g.Size, field+".size")
	name := "file." + p.Name + "." + path
	if g.Name.set() {
		name = r.stream("file." + r.must(g.Name, field+".name"))
	}
	return &record.Generate{Kind: kind, Seed: seed.Derive(r.seed, name), Size: int64(size.number)}
}

// firstUID is where the numbers of users without one start, as in Debian.
const firstUID = 1000

// addUser adds a user. One of this name that another activity brought must be the same.
func (r *resolver) addUser(p *part, u *User, field string) {
	out := record.User{
		Name: r.must(u.Name, field+".name"), UID: u.UID, Home: r.must(u.Home, field+".home"), Shell: r.must(u.Shell, field+".shell"),
		Groups: r.texts(u.Groups, field+".groups"),
	}
	if !userName.MatchString(out.Name) {
		r.problems.add(u.Name.At, field+".name", out.Name, "must be a login name: a letter or _, then letters, digits, _ . or -, at most 255")
	}
	out.Home = cmp.Or(out.Home, "/home/"+out.Name)
	out.Shell = cmp.Or(out.Shell, "/bin/sh")
	if password := r.must(u.Password, field+".password"); password != "" {
		out.Password = material.ShadowHash(password, seed.Stream(r.seed, "user."+p.Name+"."+out.Name))
	}
	next := firstUID
	for _, old := range p.Users {
		if old.Name == out.Name {
			out.UID = cmp.Or(out.UID, old.UID)
			if !p.shared {
				r.problems.add(u.At, field+".name", out.Name, "is already a user of host %q", p.Name)
			} else if !reflect.DeepEqual(old, out) {
				r.conflict(p, u.At, field)
			}
			return
		}
		next = max(next, old.UID+1)
	}
	out.UID = cmp.Or(out.UID, next)
	p.Users = append(p.Users, out)
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
	for _, p := range r.parts {
		if p.called(host) && !p.absent {
			full = append(full, p.Name+"/"+service)
		}
	}
	if len(full) == 0 && r.scenario.groupOf(host) == "" {
		r.problems.add(at, field, name, "no such host %q: %s", host, nearest(host, inOrder(r.scenario.Hosts)))
	}
	return full
}

// checkOrder drops what is not waited for, and finds circles among services.
func (st *stage) checkOrder() {
	after := map[string][]string{}
	for _, m := range st.machines {
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
	for _, m := range st.machines {
		for i := range m.Services {
			s := &m.Services[i]
			s.After = slices.DeleteFunc(s.After, func(name string) bool { _, started := after[name]; return !started })
			after[m.Name+"/"+s.Name] = append(after[m.Name+"/"+s.Name], s.After...)
		}
	}
	done := map[string]bool{}
	for _, name := range sortedKeys(after) {
		if circle := findCircle(after, name, nil, done); circle != nil {
			st.problems.add(Position{}, "services", "", "wait for each other in a circle: %s", strings.Join(circle, " after "))
			return
		}
	}
}

// findCircle follows what comes before a service, behind those of a chain; nil when that ends.
func findCircle(after map[string][]string, name string, chain []string, done map[string]bool) []string {
	if i := slices.Index(chain, name); i >= 0 {
		return append(chain[i:], name)
	}
	if done[name] {
		return nil
	}
	for _, earlier := range after[name] {
		if circle := findCircle(after, earlier, append(slices.Clone(chain), name), done); circle != nil {
			return circle
		}
	}
	done[name] = true
	return nil
}

// limit reads a time limit.
func (r *resolver) limit(t Text, field, fallback string) time.Duration {
	v, err := r.value(Time, t, field, fallback)
	r.report(err, t, field)
	return v.Duration()
}
