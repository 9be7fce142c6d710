package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"detgen/internal/plain"
	"detgen/record"
	"detgen/report"
	"detgen/runner"
	"detgen/scenario"
	"detgen/scenario/spec"
)

// WhatIfFolder is where twins that people ask for go, below the server's folder.
const WhatIfFolder = "what-if"

// key is a factor that a form offers.
type key struct {
	Name, How, Now, About string
	Values                []string // when it is one of them
}

// group is the keys that belong together.
type group struct {
	Name string
	Keys []key
}

// keysOf gives the factors that can be changed in a run, from the keys of its spec.
func (s *Server) keysOf(rec *record.Record) ([]group, error) {
	main := &rec.Run.Activities[0]
	sc, err := s.o.Catalogue.Scenario(main.Scenario)
	if err != nil {
		return nil, err
	}
	about, err := sc.AboutTask(main.Task)
	if err != nil {
		return nil, err
	}
	now := map[string]string{}
	for _, v := range rec.Run.Values {
		now[v.Name] = v.Value
	}
	hosts := []string{}
	for _, h := range about.Hosts {
		hosts = append(hosts, h.Name)
	}
	task := sc.Tasks[main.Task]
	add := func(g *group, names ...string) {
		for _, name := range names {
			k, err := sc.ParseKey(name, task)
			if err != nil {
				continue // a host without a choice of implementations
			}
			one := key{Name: name, How: k.Type.How(), Now: now[name], About: k.Doc, Values: k.Values}
			if one.Now == "" {
				one.Now = k.Normal
			}
			if k.Min != "" && k.Max != "" {
				one.How += ", from " + k.Min + " to " + k.Max
			}
			if len(k.Values) > 0 {
				one.How = strings.Join(k.Values, ", ")
			}
			g.Keys = append(g.Keys, one)
		}
	}
	task1 := group{Name: "Task"}
	for _, p := range about.Tasks[0].Parameters {
		add(&task1, "params."+p)
	}
	add(&task1, "failure", "caching")
	software := group{Name: "Hosts"}
	for _, h := range hosts {
		add(&software, h+".implementation", h+".cpu")
	}
	groups := []group{task1, software}
	generic := spec.Keys()
	for _, h := range append([]string{"all"}, hosts...) {
		g := group{Name: "Links of " + h}
		for _, k := range generic["link.HOST.DIRECTION"] {
			add(&g, "link."+h+".both."+k.Name)
		}
		groups = append(groups, g)
	}
	for _, prefix := range []string{"load", "transport"} {
		g := group{Name: strings.ToUpper(prefix[:1]) + prefix[1:]}
		for _, k := range generic[prefix] {
			add(&g, prefix+"."+k.Name)
		}
		groups = append(groups, g)
	}
	for i := range groups {
		slices.SortStableFunc(groups[i].Keys, func(a, b key) int { return strings.Compare(a.Name, b.Name) })
	}
	return groups, nil
}

// addForm adds the form of "what if" to the page of a run, or of twins: then the first of them is changed.
func (s *Server) addForm(p *report.Page, dir, clean string) error {
	if !s.o.Make {
		return nil
	}
	if p.Kind == "twin" {
		dir, clean = filepath.Join(dir, record.TwinA), path.Join(clean, record.TwinA)
	}
	section := &report.Section{ID: "what-if", Title: "What if"}
	p.Insert("overview", section)
	rec, err := record.Read(dir)
	if err != nil {
		return err
	}
	groups, err := s.keysOf(rec)
	if err != nil {
		section.Text = []string{"No twin can be made of this run: " + err.Error()}
		return nil
	}
	section.Form, err = fill("whatif.html", map[string]any{"Run": clean, "Groups": groups})
	return err
}

// specOf gives the spec of a run: what was given or drawn is given.
func specOf(rec *record.Record) (*scenario.Spec, error) {
	if len(rec.Run.Activities) != 1 {
		return nil, errors.New("this run has background activities, which no form can repeat")
	}
	main := &rec.Run.Activities[0]
	seed := rec.Run.Seed
	sp := &scenario.Spec{Task: main.Scenario + "/" + main.Task, Seed: &seed, Engine: rec.Result.Engine.Name}
	for _, v := range rec.Run.Values {
		if v.Origin != record.Default {
			sp.Set = append(sp.Set, scenario.Setting{Key: v.Name, Value: v.Value})
		}
	}
	return sp, nil
}

// jobs is the twin that is being made: one at a time.
type jobs struct {
	mu   sync.Mutex
	last *job
}

// job is a twin being made, or the last one that was.
type job struct {
	Key, Value, Run, Out string
	stage                string
	over                 bool
	err                  error
	cancel               context.CancelFunc
	done                 chan struct{}
}

// now gives the job that is going on, nil for none.
func (j *jobs) now() *job {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.last == nil || j.last.over {
		return nil
	}
	return j.last
}

// stop ends the job that is going on, and waits until nothing is left of it.
func (j *jobs) stop() {
	if one := j.now(); one != nil {
		one.cancel()
		<-one.done
	}
}

// whatIf starts making a twin.
func (s *Server) whatIf(w http.ResponseWriter, r *http.Request) {
	one, err := s.start(r.FormValue("run"), r.FormValue("key"), r.FormValue("value"))
	var busy busyError
	var request runner.RequestError
	switch {
	case errors.As(err, &busy):
		http.Error(w, plain.Text(err.Error()), http.StatusConflict)
	case errors.As(err, &request):
		s.refuse(w, r.FormValue("run"), err)
	case err != nil:
		s.fail(w, err)
	default:
		s.o.Log.Info("a twin is being made", "of", one.Run, "key", one.Key, "value", one.Value)
		http.Redirect(w, r, "/job", http.StatusSeeOther)
	}
}

// refuse says why a twin cannot be made, in the words of the command line.
func (s *Server) refuse(w http.ResponseWriter, run string, why error) {
	p := &report.Page{Kind: "job", Title: "No twin was made", Notes: []string{why.Error()}}
	if _, clean, err := s.below(run); err == nil {
		p.Sections = append(p.Sections, &report.Section{ID: "back", Title: "Again", Facts: []report.Fact{{Name: "Run", Value: clean, Link: "/at/" + clean + "/#what-if"}}})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusBadRequest)
	s.write(w, p, nil)
}

type busyError struct{}

func (busyError) Error() string { return "a twin is being made already: see /job" }

// start checks what is asked for and begins.
func (s *Server) start(run, name, value string) (*job, error) {
	dir, clean, err := s.below(run)
	if err != nil {
		return nil, err
	}
	rec, err := record.Read(dir)
	if err != nil {
		return nil, runner.RequestError{Err: err}
	}
	first, err := specOf(rec)
	if err != nil {
		return nil, runner.RequestError{Err: err}
	}
	second := *first
	second.Set = slices.Clone(first.Set)
	if err := second.Override(scenario.Setting{Key: name, Value: value}); err != nil {
		return nil, runner.RequestError{Err: err}
	}
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	if s.jobs.last != nil && !s.jobs.last.over {
		return nil, busyError{}
	}
	r, err := s.o.Open(first.Engine)
	if err != nil {
		return nil, err
	}
	if err := s.possible(r, rec, first, &second); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	one := &job{Key: name, Value: value, Run: clean, cancel: cancel, done: make(chan struct{}), stage: "begins"}
	one.Out = s.free(runner.Name(first.Task, *first.Seed) + "-" + name + "-" + value)
	s.jobs.last = one
	go func() {
		defer close(one.done)
		defer cancel()
		_, err := r.Twin(ctx, first, &second, *first.Seed, filepath.Join(s.o.Dir, filepath.FromSlash(one.Out)), func(stage string) {
			s.jobs.mu.Lock()
			defer s.jobs.mu.Unlock()
			one.stage = stage
		})
		if ctx.Err() != nil && err != nil {
			err = errors.New("stopped; nothing of it is left")
		}
		err = errors.Join(err, r.Close())
		s.jobs.mu.Lock()
		defer s.jobs.mu.Unlock()
		one.over, one.err = true, err
	}()
	return one, nil
}

// possible checks a twin before it is begun: the changed run must be one that the command line accepts, and the unchanged one
// must be the run that the page shows.
func (s *Server) possible(r *runner.Runner, rec *record.Record, first, second *scenario.Spec) error {
	a, err := r.Resolve(first, *first.Seed)
	if err != nil {
		return runner.RequestError{Err: fmt.Errorf("the run itself cannot be made again: %w", err)}
	}
	if !same(a, &rec.Run) {
		return runner.RequestError{Err: errors.New("the run itself cannot be made again from its factors here: its scenario or images are not those of this program")}
	}
	b, err := r.Resolve(second, *second.Seed)
	if err != nil {
		return err
	}
	if same(a, b) {
		return runner.RequestError{Err: errors.New("this value is what the run has already: nothing would differ")}
	}
	return nil
}

// same says whether two runs do the same. What twins know of each other, and who does the links, does not count.
func same(a, b *record.Run) bool {
	text := func(r *record.Run) string {
		run := *r
		run.Values, run.Twin, run.LinkDriver = nil, "", ""
		run.Hosts = slices.Clone(r.Hosts)
		for h := range run.Hosts {
			run.Hosts[h].Interfaces = slices.Clone(run.Hosts[h].Interfaces)
			for i := range run.Hosts[h].Interfaces {
				run.Hosts[h].Interfaces[i].Twin = nil
			}
		}
		b, err := json.Marshal(&run)
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	return text(a) == text(b)
}

// free gives a folder's name below WhatIfFolder that is not taken.
func (s *Server) free(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, name)
	clean = clean[:min(len(clean), 80)]
	for n := 1; ; n++ {
		out := path.Join(WhatIfFolder, clean)
		if n > 1 {
			out += fmt.Sprintf("-%d", n)
		}
		if _, err := os.Lstat(filepath.Join(s.o.Dir, filepath.FromSlash(out))); errors.Is(err, os.ErrNotExist) {
			return out
		}
	}
}

// state tells how far the last job is.
func (j *jobs) state() (state, *job) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.last == nil {
		return state{Text: "no twin is being made", Over: true}, nil
	}
	one := *j.last
	st := state{Text: one.stage, Over: one.over}
	switch {
	case one.over && one.err != nil:
		st.Error = one.err.Error()
	case one.over:
		st.Text, st.Link = "the twin is there", "/at/"+one.Out+"/"
	}
	return st, &one
}

// jobPage shows the progress of a twin.
func (s *Server) jobPage(*http.Request) (*report.Page, []report.Fact, error) {
	st, one := s.jobs.state()
	p := &report.Page{Kind: "job", Title: "What if"}
	section := &report.Section{ID: "progress", Title: "Progress"}
	if one != nil {
		p.Title = fmt.Sprintf("What if %s were %s", one.Key, one.Value)
		section.Facts = []report.Fact{{Name: "Run", Value: one.Run, Link: "/at/" + one.Run + "/"}, {Name: "Changed", Value: one.Key + "=" + one.Value}, {Name: "Folder", Value: one.Out}}
	}
	var err error
	section.Form, err = fill("progress.html", map[string]any{"State": st, "Source": "/job/state", "Stop": !st.Over && s.o.Make})
	p.Sections = append(p.Sections, section)
	return p, nil, err
}

func (s *Server) jobState(w http.ResponseWriter, _ *http.Request) {
	st, _ := s.jobs.state()
	answerJSON(w, st)
}

// jobStop stops the twin that is being made.
func (s *Server) jobStop(w http.ResponseWriter, r *http.Request) {
	s.jobs.stop()
	http.Redirect(w, r, "/job", http.StatusSeeOther)
}
