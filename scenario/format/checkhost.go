package format

import (
	"fmt"
	"slices"
	"strings"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/record"
)

func (s *Scenario) checkHost(ps *problem.List, name string, h *Host) {
	field := "hosts." + name
	for _, n := range h.Networks {
		if !slices.Contains(s.NetworkNames(), n.Text) {
			ps.Add(n.At, field+".networks", n.Text, "no such network: %s", problem.Nearest(n.Text, s.NetworkNames()))
		}
	}
	if h.Image.Set() == (len(h.Implementations) > 0) {
		ps.Add(h.At, field, "", "must have either an image or implementations")
	}
	if h.Default.Set() && h.Implementations[h.Default.Text] == nil {
		ps.Add(h.Default.At, field+".default", h.Default.Text, "no such implementation: %s", problem.Nearest(h.Default.Text, strictyaml.InOrder(h.Implementations)))
	}
	services := map[string]bool{}
	s.checkSetup(ps, &h.Setup, h.Folder, field, services)
	for _, in := range strictyaml.InOrder(h.Implementations) {
		i := h.Implementations[in]
		require(ps, i.At, field+".implementations."+in+".image", i.Image.Text)
		own := map[string]bool{}
		for service := range services {
			own[service] = true
		}
		s.checkSetup(ps, &i.Setup, h.Folder, field+".implementations."+in, own)
	}
}

func (s *Scenario) checkSetup(ps *problem.List, setup *Setup, f Folder, field string, services map[string]bool) {
	for i := range setup.Files {
		checkFile(ps, &setup.Files[i], f, fmt.Sprintf("%s.files[%d]", field, i), s)
	}
	for i, c := range setup.Capabilities {
		if strings.Contains(c.Text, "{{") {
			continue // known when it is filled in
		}
		if err := record.CheckCapability(c.Text); err != nil {
			ps.Add(c.At, fmt.Sprintf("%s.capabilities[%d]", field, i), c.Text, "%v", err)
		}
	}
	for i, d := range setup.Devices {
		if err := record.CheckDevice(d.Text); err != nil {
			ps.Add(d.At, fmt.Sprintf("%s.devices[%d]", field, i), d.Text, "%v", err)
		}
	}
	for i := range setup.Users {
		require(ps, setup.Users[i].At, fmt.Sprintf("%s.users[%d].name", field, i), setup.Users[i].Name.Text)
	}
	for i := range setup.Services {
		service, field := &setup.Services[i], fmt.Sprintf("%s.services[%d]", field, i)
		if !HostName.MatchString(service.Name) {
			ps.Add(service.At, field+".name", service.Name, "must be small letters, digits and single hyphens")
		}
		if services[service.Name] && !service.When.Set() {
			ps.Add(service.At, field+".name", service.Name, "given twice on this host: rename one")
		}
		services[service.Name] = true
		if service.Command.At == (problem.Position{}) {
			ps.Add(service.At, field+".command", "", "is missing")
		}
		r := service.Ready
		if len(r.Listen) == 0 && !r.File.Set() && !r.Log.Set() && !r.Exit {
			ps.Add(service.At, field+".ready", "", "is missing: listen, file, log or exit")
		}
	}
}

// checkFile checks that a file has one source, and that what it names is there.
func checkFile(ps *problem.List, f *File, dir Folder, field string, s *Scenario) {
	require(ps, f.At, field+".path", f.Path.Text)
	sources := []string{}
	for name, set := range map[string]bool{
		"template": f.Template.Set(), "copy": f.Copy.Set(), "text": f.Text.Set(), "base64": f.Base64.Set(), "generate": f.Generate != nil,
		"tree": f.Tree.Set(), "symlink": f.Symlink.Set(), "directory": f.Directory,
	} {
		if set {
			sources = append(sources, name)
		}
	}
	if len(sources) != 1 {
		slices.Sort(sources)
		ps.Add(f.At, field, strings.Join(sources, " "), "must have exactly one of template, copy, text, base64, generate, tree, symlink, directory")
	}
	for kind, t := range map[string]Text{"template": f.Template, "copy": f.Copy} {
		if !t.Set() {
			continue
		}
		data, err := dir.ReadFile(field+"."+kind, t)
		if err != nil {
			ps.Wrap(t.At, field+"."+kind, t.Text, err)
		} else if kind == "template" {
			if _, err := ParseTemplate(problem.Position{File: dir.Path(t.Text), Line: 1}, "", string(data), Functions{}); err != nil {
				ps.Wrap(t.At, field, t.Text, err)
			}
		}
	}
	if f.Tree.Set() && !IsTemplate(f.Tree.Text) && s.Make[f.Tree.Text] == nil {
		ps.Add(f.Tree.At, field+".tree", f.Tree.Text, "nothing of that name is made: %s", problem.Nearest(f.Tree.Text, strictyaml.InOrder(s.Make)))
	}
	if f.Generate != nil && !IsTemplate(f.Generate.Kind.Text) && !slices.Contains(record.Kinds, f.Generate.Kind.Text) {
		ps.Add(f.Generate.At, field+".generate.kind", f.Generate.Kind.Text, "no such kind: %s", problem.Nearest(f.Generate.Kind.Text, record.Kinds))
	}
}
