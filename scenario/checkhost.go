package scenario

import (
	"fmt"
	"slices"
	"strings"

	"detgen/record"
)

func (s *Scenario) checkHost(ps *problems, name string, h *Host) {
	field := "hosts." + name
	for _, n := range h.Networks {
		if !slices.Contains(s.networks(), n.Text) {
			ps.add(n.At, field+".networks", n.Text, "no such network: %s", nearest(n.Text, s.networks()))
		}
	}
	if h.Image.set() == (len(h.Implementations) > 0) {
		ps.add(h.At, field, "", "must have either an image or implementations")
	}
	if h.Default.set() && h.Implementations[h.Default.Text] == nil {
		ps.add(h.Default.At, field+".default", h.Default.Text, "no such implementation: %s", nearest(h.Default.Text, inOrder(h.Implementations)))
	}
	services := map[string]bool{}
	s.checkSetup(ps, &h.Setup, h.folder, field, services)
	for _, in := range inOrder(h.Implementations) {
		i := h.Implementations[in]
		require(ps, i.At, field+".implementations."+in+".image", i.Image.Text)
		own := map[string]bool{}
		for service := range services {
			own[service] = true
		}
		s.checkSetup(ps, &i.Setup, h.folder, field+".implementations."+in, own)
	}
}

func (s *Scenario) checkSetup(ps *problems, setup *Setup, f folder, field string, services map[string]bool) {
	for i := range setup.Files {
		checkFile(ps, &setup.Files[i], f, fmt.Sprintf("%s.files[%d]", field, i), s)
	}
	for i := range setup.Users {
		require(ps, setup.Users[i].At, fmt.Sprintf("%s.users[%d].name", field, i), setup.Users[i].Name.Text)
	}
	for i := range setup.Services {
		service, field := &setup.Services[i], fmt.Sprintf("%s.services[%d]", field, i)
		if !hostName.MatchString(service.Name) {
			ps.add(service.At, field+".name", service.Name, "must be small letters, digits and single hyphens")
		}
		if services[service.Name] && !service.When.set() {
			ps.add(service.At, field+".name", service.Name, "given twice on this host: rename one")
		}
		services[service.Name] = true
		if service.Command.At == (Position{}) {
			ps.add(service.At, field+".command", "", "is missing")
		}
		r := service.Ready
		if len(r.Listen) == 0 && !r.File.set() && !r.Log.set() && !r.Exit {
			ps.add(service.At, field+".ready", "", "is missing: listen, file, log or exit")
		}
	}
}

// checkFile checks that a file has one source, and that what it names is there.
func checkFile(ps *problems, f *File, dir folder, field string, s *Scenario) {
	require(ps, f.At, field+".path", f.Path.Text)
	sources := []string{}
	for name, set := range map[string]bool{
		"template": f.Template.set(), "copy": f.Copy.set(), "text": f.Text.set(), "base64": f.Base64.set(), "generate": f.Generate != nil,
		"tree": f.Tree.set(), "symlink": f.Symlink.set(), "directory": f.Directory,
	} {
		if set {
			sources = append(sources, name)
		}
	}
	if len(sources) != 1 {
		slices.Sort(sources)
		ps.add(f.At, field, strings.Join(sources, " "), "must have exactly one of template, copy, text, base64, generate, tree, symlink, directory")
	}
	for kind, t := range map[string]Text{"template": f.Template, "copy": f.Copy} {
		if !t.set() {
			continue
		}
		data, err := dir.readFile(field+"."+kind, t)
		if err != nil {
			ps.wrap(t.At, field+"."+kind, t.Text, err)
		} else if kind == "template" {
			if _, err := parseTemplate(Position{File: dir.file(t.Text), Line: 1}, "", string(data), (&resolver{}).funcs()); err != nil {
				ps.wrap(t.At, field, t.Text, err)
			}
		}
	}
	if f.Tree.set() && !isTemplate(f.Tree.Text) && s.Make[f.Tree.Text] == nil {
		ps.add(f.Tree.At, field+".tree", f.Tree.Text, "nothing of that name is made: %s", nearest(f.Tree.Text, inOrder(s.Make)))
	}
	if f.Generate != nil && !isTemplate(f.Generate.Kind.Text) && !slices.Contains(record.Kinds, f.Generate.Kind.Text) {
		ps.add(f.Generate.At, field+".generate.kind", f.Generate.Kind.Text, "no such kind: %s", nearest(f.Generate.Kind.Text, record.Kinds))
	}
}
