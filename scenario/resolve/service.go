package resolve

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/record"
	"detgen/scenario/format"
)

// addService adds a service. One of this name that another activity started must be the same.
func (sc *scope) addService(p *part, s record.Service, at problem.Position, field string) {
	for _, old := range p.Services {
		if old.Name != s.Name {
			continue
		}
		if !p.shared {
			sc.problems.Add(at, field+".name", s.Name, "given twice on this host: rename one, or give them a \"when\"")
		} else if !reflect.DeepEqual(old, s) {
			sc.conflict(p, at, field)
		}
		return
	}
	p.Services = append(p.Services, s)
}

// left is true for a service that no failure or caching option takes away.
func (sc *scope) left(p *part, service string) bool {
	for _, v := range sc.variants() {
		if slices.ContainsFunc(v.Without, func(t format.Text) bool {
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

func (sc *scope) service(s *format.Service, field string) record.Service {
	out := record.Service{Name: s.Name, User: sc.must(s.User, field+".user")}
	if s.Ends.Set() {
		out.Ends = sc.isTrue(s.Ends, field+".ends")
	}
	if s.Command.Shell.Set() {
		out.Command = []string{"sh", "-euc", sc.must(s.Command.Shell, field+".command")}
	}
	for i, word := range s.Command.Words {
		if text := sc.must(word, fmt.Sprintf("%s.command[%d]", field, i)); text != "" || !format.IsTemplate(word.Text) {
			out.Command = append(out.Command, text)
		}
	}
	if len(s.Environment) > 0 {
		out.Environment = sc.environment(s.Environment, field+".environment")
	}
	for _, after := range sc.texts(s.After, field+".after") {
		out.After = append(out.After, sc.servicesCalled(after, s.At, field+".after")...)
	}
	out.Ready = record.Ready{Listen: sc.texts(s.Ready.Listen, field+".ready.listen"), File: sc.must(s.Ready.File, field+".ready.file"), Log: sc.must(s.Ready.Log, field+".ready.log"), Exit: s.Ready.Exit}
	for _, listen := range out.Ready.Listen {
		if !listenForm.MatchString(listen) {
			sc.problems.Add(s.Ready.At, field+".ready.listen", listen, "must be tcp/PORT, udp/PORT or unix//PATH")
		}
	}
	if _, err := regexp.Compile(out.Ready.Log); err != nil {
		sc.problems.Add(s.Ready.Log.At, field+".ready.log", out.Ready.Log, "must be a regular expression: %v", err)
	}
	v, err := sc.bounded(timeLimit, s.Timeout, field+".timeout", format.DefaultReady)
	sc.report(err, s.Timeout, field+".timeout")
	out.Timeout = record.Duration(v.Duration())
	return out
}

var listenForm = regexp.MustCompile(`^((tcp|udp)/[1-9][0-9]{0,4}|unix//.+)$`)

// servicesCalled gives the services that HOST/SERVICE names, on all hosts of a group.
// Those that a failure takes away, or whose "when" does not hold, are not waited for.
func (sc *scope) servicesCalled(name string, at problem.Position, field string) []string {
	host, service, ok := strings.Cut(name, "/")
	if !ok {
		sc.problems.Add(at, field, name, "must be HOST/SERVICE")
		return nil
	}
	var full []string
	for _, p := range sc.parts {
		if p.called(host) && !p.absent {
			full = append(full, p.Name+"/"+service)
		}
	}
	if len(full) == 0 && sc.scenario.GroupOf(host) == "" {
		sc.problems.Add(at, field, name, "no such host %q: %s", host, problem.Nearest(host, strictyaml.InOrder(sc.scenario.Hosts)))
	}
	return full
}
