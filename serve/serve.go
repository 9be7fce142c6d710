// Package serve is the local page: what is in a folder, as it is and while it grows, and what a run would be with one factor
// changed (design: "Pages"). It listens on this machine, or elsewhere with a token; reads below one folder, and changes
// something only when it is told that it may.
package serve

import (
	"context"
	"crypto/subtle"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"detgen/internal/beneath"
	"detgen/internal/plain"
	"detgen/model"
	"detgen/report"
	"detgen/runner"
	"detgen/scenario"
)

// Options of a server.
type Options struct {
	Dir       string
	Address   string // host:port that it listens on
	Token     string // that every browser must show once; "" where only this machine can connect
	Make      bool   // people may make twins
	Tool      string // this program and its version
	Catalogue *scenario.Catalogue
	Open      func(engine string) (*runner.Runner, error) // for making twins; the server closes what it gives
	Model     *Model                                      // whose output is shown; may be nil
	Log       *slog.Logger
}

// Server is the local page.
type Server struct {
	o     Options
	index index
	jobs  jobs
	whole whole
}

//go:embed assets/*
var assets embed.FS

var templates = template.Must(template.ParseFS(assets, "assets/*.html"))

// Check finds what is wrong with the options: a folder that is not there, an address that others can reach without a token.
func (o *Options) Check() error {
	if info, err := os.Stat(o.Dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%s: must be a folder that is there", o.Dir)
	}
	host, _, err := net.SplitHostPort(o.Address)
	if err != nil {
		return fmt.Errorf("address %q: must be HOST:PORT, like 127.0.0.1:8080", o.Address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) && len(o.Token) < 16 {
		return fmt.Errorf("address %q can be reached from elsewhere: give a token of 16 characters or more with it, or listen on 127.0.0.1", o.Address)
	}
	return nil
}

// Query is what the first address of a browser needs.
func (o *Options) Query() string {
	if o.Token == "" {
		return ""
	}
	return "?" + url.Values{"token": {o.Token}}.Encode()
}

// New makes a server.
func New(o Options) (*Server, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{o: o}, nil
}

// Run serves until ctx ends, with twins made as with says, and says on out where. A model that named names is asked for its
// output.
func Run(ctx context.Context, o Options, with runner.Config, named string, out io.Writer) (err error) {
	if err := o.Check(); err != nil {
		return runner.RequestError{Err: err}
	}
	if o.Catalogue, err = runner.OpenScenarios(with.Catalogue); err != nil {
		return err
	}
	o.Tool, o.Log = with.Tool, with.Log
	o.Open = func(engine string) (*runner.Runner, error) {
		on := with
		on.Engine = engine
		return runner.Open(on)
	}
	if named != "" {
		m, err := model.Open(named, model.Options{})
		if err != nil {
			return runner.RequestError{Err: err}
		}
		defer m.Close()
		o.Model = &Model{Model: m}
	}
	s, err := New(o)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", o.Address)
	if err != nil {
		return runner.RequestError{Err: err}
	}
	if _, err := fmt.Fprintf(out, "%s is shown at http://%s/%s  (Ctrl-C ends)\n", o.Dir, l.Addr(), o.Query()); err != nil {
		return err
	}
	return s.Serve(ctx, l)
}

// Limits of connections.
const (
	maxHeader = 32 << 10
	maxBody   = 16 << 10
)

// Serve answers until ctx ends. Then a twin that is being made is stopped, and nothing of it is left.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{
		Handler: s.Handler(l.Addr().String()), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 2 * time.Minute, IdleTimeout: time.Minute,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug), BaseContext: func(net.Listener) context.Context { return ctx },
	}
	done := make(chan error, 1)
	go func() { done <- h.Serve(l) }()
	select {
	case err := <-done:
		s.jobs.stop()
		return err
	case <-ctx.Done():
	}
	s.jobs.stop()
	end, stop := context.WithTimeout(context.Background(), 2*time.Second)
	defer stop()
	if err := h.Shutdown(end); err != nil {
		return h.Close()
	}
	return nil
}

// Handler answers requests for the pages at an address.
func (s *Server) Handler(address string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.answer(s.front))
	mux.HandleFunc("GET /at/{path...}", s.answer(s.folder))
	mux.HandleFunc("GET /file/{path...}", s.file)
	mux.HandleFunc("GET /packets/{path...}", s.packets)
	mux.HandleFunc("GET /progress/{path...}", s.progress)
	mux.Handle("GET /assets/", http.StripPrefix("/assets/", http.FileServerFS(report.Assets())))
	mux.HandleFunc("GET /assets/serve.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, assets, "assets/serve.js") })
	mux.HandleFunc("GET /job", s.answer(s.jobPage))
	mux.HandleFunc("GET /job/state", s.jobState)
	mux.HandleFunc("POST /job/stop", s.change(s.jobStop))
	mux.HandleFunc("POST /what-if", s.change(s.whatIf))
	return s.guard(address, http.NewCrossOriginProtection().Handler(mux))
}

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard refuses requests that are not for this server, or without its token, and says what pages may do.
func (s *Server) guard(address string, next http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(address)
	own, _, _ := net.SplitHostPort(s.o.Address)
	var hosts []string
	for _, host := range []string{"127.0.0.1", "localhost", "::1", own} {
		hosts = append(hosts, net.JoinHostPort(host, port))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if s.o.Token == "" && !slices.Contains(hosts, r.Host) {
			http.Error(w, "this server is not "+strconv.Quote(r.Host), http.StatusMisdirectedRequest)
			return
		}
		if s.o.Token != "" && !s.knows(w, r) {
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// cookie is the name of the cookie that has the token.
const cookie = "detgen-token"

// knows says whether a request has the token, in its cookie or, the first time, in its address: then a cookie takes its place.
func (s *Server) knows(w http.ResponseWriter, r *http.Request) bool {
	is := func(token string) bool { return subtle.ConstantTimeCompare([]byte(token), []byte(s.o.Token)) == 1 }
	if c, err := r.Cookie(cookie); err == nil && is(c.Value) {
		return true
	}
	if r.Method == http.MethodGet && is(r.URL.Query().Get("token")) {
		http.SetCookie(w, &http.Cookie{Name: cookie, Value: s.o.Token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return false
	}
	http.Error(w, "the token is missing: open the address that detgen serve printed", http.StatusUnauthorized)
	return false
}

// answer writes the page that a function makes.
func (s *Server) answer(make func(r *http.Request) (*report.Page, []report.Fact, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		page, trail, err := make(r)
		if err != nil {
			s.fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		s.write(w, page, trail)
	}
}

func (s *Server) write(w http.ResponseWriter, page *report.Page, trail []report.Fact) {
	shell := report.Shell{Tool: s.o.Tool, Trail: append([]report.Fact{{Name: "detgen", Link: "/"}}, trail...), Scripts: []string{"/assets/serve.js"}}
	if err := page.Write(w, shell); err != nil {
		s.o.Log.Debug("write a page", "page", page.Title, "error", err)
	}
}

// change is for requests that change something.
func (s *Server) change(do http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.o.Make {
			http.Error(w, "this server only reads: start it with --make", http.StatusForbidden)
			return
		}
		do(w, r)
	}
}

// fail answers with an error.
func (s *Server) fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var request runner.RequestError
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, report.ErrUnknown):
		status = http.StatusNotFound
	case errors.As(err, &request):
		status = http.StatusBadRequest
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	http.Error(w, plain.Text(err.Error()), status)
}

// below gives the folder of a path in an address: below the server's folder, without symbolic links and hidden names.
func (s *Server) below(name string) (dir, clean string, err error) {
	clean = strings.Trim(name, "/")
	if clean == "" {
		return s.o.Dir, "", nil
	}
	if !fs.ValidPath(clean) || strings.Contains("/"+clean, "/.") || strings.ContainsRune(clean, 0) {
		return "", "", fmt.Errorf("%q: must be a folder below the server's: %w", name, fs.ErrNotExist)
	}
	dir = s.o.Dir
	for part := range strings.SplitSeq(clean, "/") {
		dir = filepath.Join(dir, part)
		info, err := os.Lstat(dir)
		if err != nil {
			return "", "", fmt.Errorf("%q: %w", name, fs.ErrNotExist)
		}
		if !info.IsDir() {
			return "", "", fmt.Errorf("%q: is no folder: %w", name, fs.ErrNotExist)
		}
	}
	return dir, clean, nil
}

// trail is the folders above a page.
func trail(clean string) []report.Fact {
	var list []report.Fact
	at := "/at/"
	for part := range strings.SplitSeq(clean, "/") {
		at += part + "/"
		list = append(list, report.Fact{Name: part, Link: at})
	}
	return list
}

// folder is the page of a folder.
func (s *Server) folder(r *http.Request) (*report.Page, []report.Fact, error) {
	dir, clean, err := s.below(r.PathValue("path"))
	if err != nil {
		return nil, nil, err
	}
	if !strings.HasSuffix(r.URL.Path, "/") {
		return nil, nil, fmt.Errorf("%s: the address of a folder ends with /: %w", r.URL.Path, fs.ErrNotExist)
	}
	if report.KindOf(dir) == "" {
		if building(dir) {
			page, err := buildPage(dir, clean)
			return page, trail(clean), err
		}
		page, err := s.list(dir, clean, r.URL.Query().Get("q"))
		return page, trail(clean), err
	}
	query := r.URL.Query()
	o := report.Options{Files: "/file/" + clean + "/", Linked: true, Rows: 100_000, Source: "/packets/" + clean + "?" + query.Encode(), Feature: query.Get("feature"), Find: query.Get("find"), FindConnections: query.Get("connections")}
	o.Below = func(name string) (string, string) { return s.named(dir, name) }
	if text := query.Get("connection"); text != "" {
		if o.Connection, err = strconv.Atoi(text); err != nil {
			return nil, nil, fmt.Errorf("connection %q: must be a number: %w", text, fs.ErrNotExist)
		}
	}
	page, err := report.Open(dir, o)
	if err != nil {
		return nil, nil, err
	}
	s.whole.keep(o.Source, page.Whole)
	switch page.Kind {
	case "run", "twin":
		if err := s.addScores(r.Context(), page, dir); err != nil {
			return nil, nil, err
		}
		if err := s.addForm(page, dir, clean); err != nil {
			return nil, nil, err
		}
	case "dataset":
		if !query.Has("audit") {
			page.Insert("overview", &report.Section{ID: "audit", Title: "Audit", Facts: []report.Fact{{Name: "Leaks, duplicates, label noise", Value: "look for them now", Link: "?audit=1#audit"}}})
		} else if err := addAudit(r.Context(), page, dir); err != nil {
			return nil, nil, err
		}
	}
	return page, trail(clean), nil
}

// named gives the address and the kind of a folder that a result in dir names: as its command had it, from the folder where the
// command was given. That may be any folder above the result; the nearest one in which there is such a folder counts.
func (s *Server) named(dir, name string) (address, kind string) {
	root, err := filepath.Abs(s.o.Dir)
	if err != nil {
		return "", ""
	}
	from, err := filepath.Abs(dir)
	if err != nil {
		return "", ""
	}
	for {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(from, name)
		}
		below, err := filepath.Rel(root, path)
		if err == nil && filepath.IsLocal(below) && below != "." {
			if found, clean, err := s.below(filepath.ToSlash(below)); err == nil {
				if kind := report.KindOf(found); kind != "" {
					return (&url.URL{Path: "/at/" + clean + "/"}).EscapedPath(), kind
				}
			}
		}
		up := filepath.Dir(from)
		if from == root || up == from || filepath.IsAbs(name) {
			return "", ""
		}
		from = up
	}
}

// file sends a file of a folder that has a page.
func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("path")
	if !fs.ValidPath(name) || strings.Contains("/"+name, "/.") {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	f, err := beneath.Open(s.o.Dir, name)
	if err != nil {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", "attachment; filename="+strconv.QuoteToASCII(path.Base(name)))
	http.ServeContent(w, r, "", info.ModTime(), f)
}
