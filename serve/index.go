package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"detgen/dataset"
	"detgen/dataset/audit"
	"detgen/dataset/flowset"
	"detgen/dataset/plan"
	"detgen/internal/beneath"
	"detgen/internal/strictyaml"
	"detgen/record"
	"detgen/report"
	"detgen/runner"
)

// The most that the front page lists, and looks through.
const (
	maxListed = 20_000
	maxDepth  = 5
)

// index remembers what was read of folders.
type index struct {
	mu    sync.Mutex
	known map[string]entry
}

// entry is a folder of the list.
type entry struct {
	changed time.Time
	row     []string
}

// front is the page of everything below the server's folder.
func (s *Server) front(r *http.Request) (*report.Page, []report.Fact, error) {
	page, err := s.list(s.o.Dir, "", r.URL.Query().Get("q"))
	return page, nil, err
}

// list is the page of a folder of folders.
func (s *Server) list(dir, clean, find string) (*report.Page, error) {
	name, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	p := &report.Page{Kind: "folder", Title: "What is in " + filepath.Base(name)}
	t := &report.Table{ID: "folders", Caption: "Folders; the filter finds words of labels and factors", Start: find, Columns: []report.Column{
		{Name: "folder", Link: "/at/{path}/"}, {Name: "kind"}, {Name: "task"}, {Name: "class"}, {Name: "status"}, {Name: "engine"}, {Name: "seed", Number: true}, {Name: "factors"}, {Name: "path"},
	}}
	s.walk(dir, clean, 0, &t.Rows)
	if len(t.Rows) >= maxListed {
		t.Note = fmt.Sprintf("The first %d folders.", maxListed)
	}
	words := strings.Fields(strings.ToLower(find))
	t.Rows = slices.DeleteFunc(t.Rows, func(row []string) bool {
		text := strings.ToLower(strings.Join(row, " "))
		return slices.ContainsFunc(words, func(w string) bool { return !strings.ContainsAny(w, ":<>=") && !strings.Contains(text, w) })
	})
	section := &report.Section{ID: "folders", Title: "Folders", Tables: []*report.Table{t}}
	if s.jobs.now() != nil {
		section.Facts = append(section.Facts, report.Fact{Name: "A twin is being made", Value: "its progress", Link: "/job"})
	}
	if len(t.Rows) == 0 {
		section.Text = append(section.Text, "There is no run, twin, sweep, experiment or dataset here.")
	}
	section.Form, _ = fill("find.html", find)
	p.Sections = append(p.Sections, section)
	return p, nil
}

// walk lists the folders that have a page. What is within one is on its page.
func (s *Server) walk(dir, clean string, depth int, rows *[][]string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // it may be gone by now
	}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") || len(*rows) >= maxListed {
			continue
		}
		below, name := filepath.Join(dir, e.Name()), path.Join(clean, e.Name())
		if row := s.index.row(below, name); row != nil {
			*rows = append(*rows, row)
		} else if depth < maxDepth {
			s.walk(below, name, depth+1, rows)
		}
	}
}

// row is a folder's row in the list, nil when it has no page.
func (x *index) row(dir, clean string) []string {
	kind := report.KindOf(dir)
	if kind == "" && building(dir) {
		made, failed := madeOf(dir)
		return []string{path.Base(clean), "dataset", "", "", fmt.Sprintf("being built: %d runs, %d failed", made, failed), "", "", "", clean}
	}
	if kind == "" {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if e, ok := x.known[dir]; ok && e.changed.Equal(info.ModTime()) {
		return e.row
	}
	row := []string{path.Base(clean), kind, "", "", "", "", "", "", clean}
	describe(row, dir, kind)
	if x.known == nil {
		x.known = map[string]entry{}
	}
	x.known[dir] = entry{info.ModTime(), row}
	return row
}

// describe adds what a run, or the first of twins, is.
func describe(row []string, dir, kind string) {
	var rec *record.Record
	var err error
	switch kind {
	case "run":
		rec, err = record.Read(dir)
	case "twin":
		rec, err = record.ReadBelow(dir, record.TwinA)
	default:
		return
	}
	if err != nil {
		row[4] = "damaged"
		return
	}
	main := &rec.Run.Activities[0]
	row[2], row[3], row[4], row[5], row[6] = main.Scenario+"/"+main.Task, main.Labels.Class, string(rec.Result.Status), rec.Result.Engine.Name, strconv.FormatUint(rec.Run.Seed, 10)
	var factors []string
	for _, v := range rec.Run.Values {
		if v.Origin == record.Given || v.Law != "" && strings.HasPrefix(v.Name, "link.") {
			factors = append(factors, v.Name+"="+v.Value)
		}
	}
	row[7] = strings.Join(factors, " ")
}

// building says whether a folder is a dataset that is not finished.
func building(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, dataset.PlanFile))
	_, done := os.Lstat(filepath.Join(dir, dataset.FileName))
	return err == nil && done != nil
}

// madeOf counts the runs of a dataset that are there.
func madeOf(dir string) (made, failed int) {
	count := func(name string) (n int) {
		entries, _ := os.ReadDir(filepath.Join(dir, name)) // not there yet is none
		for _, e := range entries {
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
				n++
			}
		}
		return n
	}
	return count(dataset.RunsFolder), count(dataset.Failed)
}

// state is how far something is.
type state struct {
	Done   int    `json:"done"`
	All    int    `json:"all"`
	Failed int    `json:"failed"`
	Text   string `json:"text"`
	Over   bool   `json:"over"`
	Link   string `json:"link,omitempty"` // where the result is
	Error  string `json:"error,omitempty"`
}

func buildState(dir string) (state, error) {
	text, err := beneath.ReadFile(dir, dataset.PlanFile, strictyaml.MaxSize)
	if err != nil {
		return state{}, err
	}
	p, err := plan.Read(dataset.PlanFile, text)
	if err != nil {
		return state{}, err
	}
	st := state{All: p.Count(), Over: !building(dir)}
	st.Done, st.Failed = madeOf(dir)
	st.Text = fmt.Sprintf("%d of %d runs made, %d failed", st.Done, st.All, st.Failed)
	if st.Done+st.Failed >= st.All {
		st.Text += "; the tables follow"
	}
	return st, nil
}

// buildPage is the page of a dataset that grows.
func buildPage(dir, clean string) (*report.Page, error) {
	st, err := buildState(dir)
	if err != nil {
		return nil, err
	}
	p := &report.Page{Kind: "dataset", Title: "Dataset " + path.Base(clean) + ", being built", Commands: []string{"detgen dataset build " + path.Join(path.Base(clean), dataset.PlanFile) + " -o " + path.Base(clean)}}
	section := &report.Section{ID: "progress", Title: "Progress", Text: []string{"The same command goes on when the build was interrupted."}}
	section.Form, err = fill("progress.html", map[string]any{"State": st, "Source": "/progress/" + clean, "Stop": false})
	p.Sections = append(p.Sections, section)
	return p, err
}

// progress tells how far a dataset is.
func (s *Server) progress(w http.ResponseWriter, r *http.Request) {
	dir, _, err := s.below(r.PathValue("path"))
	if err != nil {
		s.fail(w, err)
		return
	}
	st, err := buildState(dir)
	if err != nil {
		s.fail(w, err)
		return
	}
	answerJSON(w, st)
}

func answerJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the reader is gone
}

// whole is what the page that was asked for last loads after it, so that the run is not read again for it.
type whole struct {
	mu     sync.Mutex
	source string
	all    func() (*report.Packets, error)
}

func (w *whole) keep(source string, all func() (*report.Packets, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.source, w.all = source, all
}

// take gives all packets from an address, once; nil when the last page was another one.
func (w *whole) take(source string) (*report.Packets, error) {
	w.mu.Lock()
	all := w.all
	if w.source != source {
		all = nil
	} else {
		w.all = nil
	}
	w.mu.Unlock()
	if all == nil {
		return nil, nil
	}
	return all()
}

// packets sends all packets of a run's figure.
func (s *Server) packets(w http.ResponseWriter, r *http.Request) {
	dir, _, err := s.below(r.PathValue("path"))
	if err != nil {
		s.fail(w, err)
		return
	}
	connection, _ := strconv.Atoi(r.URL.Query().Get("connection")) // none is all
	all, err := s.whole.take(r.URL.Path + "?" + r.URL.RawQuery)
	if all == nil && err == nil {
		all, err = report.Sequence(dir, connection)
	}
	if err != nil {
		s.fail(w, err)
		return
	}
	answerJSON(w, all)
}

// fill fills one of the forms.
func fill(name string, data any) (template.HTML, error) {
	var b strings.Builder
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil // made by html/template
}

// WriteReport writes the page of a folder to the file out, whose name ends in .html. It tells what it does.
func WriteReport(ctx context.Context, dir, out, tool string, o report.Options, tell func(string)) (*report.Page, error) {
	if extension := strings.ToLower(filepath.Ext(out)); extension != ".html" && extension != ".htm" {
		return nil, runner.RequestError{Err: errors.New("say where to write: -o FILE.html")}
	}
	page, err := Report(ctx, dir, o, tell)
	if errors.Is(err, report.ErrUnknown) {
		err = runner.RequestError{Err: err}
	}
	if err != nil {
		return nil, err
	}
	return page, page.WriteFile(out, report.Shell{Tool: tool})
}

// Report is the page of a folder as a file has it: that of a dataset with its audit. It tells what it does.
func Report(ctx context.Context, dir string, o report.Options, tell func(string)) (*report.Page, error) {
	tell("read " + dir)
	page, err := report.Open(dir, o)
	if err == nil && page.Kind == "dataset" {
		tell("audit " + dir)
		err = addAudit(ctx, page, dir)
	}
	return page, err
}

// addAudit adds what the audit finds in a dataset's connections. It takes its time.
func addAudit(ctx context.Context, p *report.Page, dir string) error {
	section := &report.Section{ID: "audit", Title: "Audit"}
	p.Insert("overview", section)
	set, err := flowset.Read(ctx, filepath.Join(dir, dataset.ConnectionsTable))
	if err != nil {
		section.Text = []string{"The connections cannot be audited: " + err.Error()}
		return nil
	}
	found, err := audit.Run(ctx, set, audit.Options{Sample: 2000})
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := found.WriteText(&text); err != nil {
		return err
	}
	section.Text = []string{fmt.Sprintf("Faults: %d, of %d flows that were looked at.", found.Faults(), found.Sampled)}
	table := &report.Table{ID: "findings", Caption: "What the audit finds", Columns: []report.Column{{Name: "severity"}, {Name: "check"}, {Name: "class"}, {Name: "column"}, {Name: "value", Number: true}, {Name: "limit", Number: true}, {Name: "message"}, {Name: "runs"}}}
	for _, f := range found.Findings {
		table.Rows = append(table.Rows, []string{fmt.Sprint(f.Severity), f.Check, f.Class, f.Column, fmt.Sprintf("%.4g", f.Value), fmt.Sprintf("%.4g", f.Limit), f.Message, strings.Join(f.Runs, " ")})
	}
	section.Tables = []*report.Table{table}
	section.Blocks = []report.Block{{Name: "As text", Text: text.String()}}
	return nil
}
