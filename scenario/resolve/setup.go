package resolve

import (
	"fmt"
	"reflect"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/value"
)

// setUp renders what is set up on every host of an activity.
func setUp(a *activity) {
	for _, p := range a.parts {
		if p.absent {
			continue
		}
		sc := a.of(p)
		sc.setUpFrom(p, &p.declared.Setup, "hosts."+p.group)
		if p.implementation != nil {
			sc.setUpFrom(p, &p.implementation.Setup, "hosts."+p.group+".implementations."+p.programs)
		}
	}
}

// addCapabilities adds what a host's programs may do; an empty name is none.
func (sc *scope) addCapabilities(p *part, s *format.Setup, field string) {
	for i, t := range s.Capabilities {
		field := fmt.Sprintf("%s[%d]", field, i)
		if name := sc.must(t, field); name != "" {
			sc.report(record.CheckCapability(name), t, field)
			p.Capabilities = append(p.Capabilities, name)
		}
	}
}

func (sc *scope) setUpFrom(p *part, s *format.Setup, field string) {
	p.NewPrivileges = p.NewPrivileges || s.NewPrivileges
	sc.addCapabilities(p, s, field+".capabilities")
	for _, d := range s.Devices {
		p.Devices = append(p.Devices, d.Text)
	}
	if s.Memory.Set() {
		v, err := sc.bounded(value.Definition{Type: value.Bytes, Min: "4MB", Max: "1TB"}, s.Memory, field+".memory", format.DefaultMemory)
		sc.report(err, s.Memory, field+".memory")
		p.Memory = max(p.Memory, uint64(v.Number()))
	}
	if s.Processes.Set() {
		v, err := sc.bounded(value.Definition{Type: value.Int, Min: "1", Max: "4194304"}, s.Processes, field+".processes", format.DefaultProcesses) // PID_MAX_LIMIT
		sc.report(err, s.Processes, field+".processes")
		p.Processes = max(p.Processes, int(v.Number()))
	}
	for _, name := range strictyaml.InOrder(s.Environment) {
		text := sc.must(s.Environment[name], field+".environment."+name)
		if old, ok := p.Environment[name]; ok && p.shared && old != text {
			sc.conflict(p, s.Environment[name].At, field+".environment."+name)
		}
		if p.Environment == nil {
			p.Environment = map[string]string{}
		}
		p.Environment[name] = text
	}
	for i := range s.Files {
		f, field := &s.Files[i], fmt.Sprintf("%s.files[%d]", field, i)
		sc.repeated(f.Repeat, field, func(sc *scope) {
			if sc.holds(f.When, field) {
				for _, file := range sc.files(p, f, field) {
					if !sc.addFile(p, file, f.At, field) {
						return
					}
				}
			}
		})
	}
	for i := range s.Users {
		u, field := &s.Users[i], fmt.Sprintf("%s.users[%d]", field, i)
		sc.repeated(u.Repeat, field, func(sc *scope) {
			if sc.holds(u.When, field) {
				sc.addUser(p, u, field)
			}
		})
	}
	for i := range s.Services {
		service, field := &s.Services[i], fmt.Sprintf("%s.services[%d]", field, i)
		if sc.left(p, service.Name) && sc.holds(service.When, field) {
			sc.addService(p, sc.service(service, field), service.At, field)
		}
	}
}

// conflict reports that a background activity would change what is on a host of the main one.
func (sc *scope) conflict(p *part, at problem.Position, field string) {
	sc.problems.Add(at, field, "", "is not the same as what another activity puts on host %q: give %s the same parameters, or hosts of its own (hosts: {%s: own})", p.Name, sc.name, p.name)
}

// addFile adds a file; false when it cannot. What another activity put there already must be the
// same.
func (sc *scope) addFile(p *part, f record.File, at problem.Position, field string) bool {
	if i, known := p.paths[f.Path]; known {
		switch {
		case p.shared && !reflect.DeepEqual(p.Files[i], f):
			sc.conflict(p, at, field)
			return false
		case !p.shared && !f.Directory:
			sc.problems.Add(at, field+".path", f.Path, "two files have this path: remove one or give it a \"when\"")
			return false
		}
		return true
	}
	p.paths[f.Path] = len(p.Files)
	p.Files = append(p.Files, f)
	return sc.spend(p.host, &f, at, field)
}
