package format

import (
	"reflect"
	"regexp"

	"detgen/internal/strictyaml"
	"detgen/scenario/spec"
)

// usesParameter finds the parameters that a template refers to.
var usesParameter = regexp.MustCompile(`\.(?:params|written)(?:\.| +")([a-z][a-z0-9_]*)`)

// HostParameters gives the parameters of a task that its hosts depend on: files, accounts, services, things made, links.
// The others are of scripts and expectations alone.
func (s *Scenario) HostParameters(task *Task) map[string]bool {
	uses := map[string]bool{}
	text := func(t string) {
		for _, m := range usesParameter.FindAllStringSubmatch(t, -1) {
			uses[m[1]] = true
		}
	}
	visit := func(v any) {
		walkTexts(reflect.ValueOf(v), "", func(t Text, _ string) { text(t.Text) })
	}
	for _, h := range s.Hosts {
		visit(h)
		setups := []*Setup{&h.Setup}
		for _, i := range h.Implementations {
			setups = append(setups, &i.Setup)
		}
		for _, setup := range setups {
			for _, f := range setup.Files {
				if !f.Template.Set() {
					continue
				}
				if content, err := h.Folder.ReadFile("", f.Template); err == nil { // whoever renders it reports the error
					text(string(content))
				}
			}
		}
	}
	visit(s.Make)
	settings := []spec.Settings{s.Set, task.Set}
	for _, variants := range []map[string]*Variant{s.Failures, s.Caching} {
		for _, v := range variants {
			settings = append(settings, v.Set)
		}
	}
	for _, list := range settings {
		for _, one := range list {
			text(one.Value)
		}
	}
	// What such a parameter's own value refers to comes before it.
	own := s.TaskParameters(task)
	for more := true; more; {
		before := len(uses)
		for _, name := range strictyaml.InOrder(own) {
			if uses[name] {
				visit(own[name])
			}
		}
		more = len(uses) > before
	}
	return uses
}
