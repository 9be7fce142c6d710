package ares

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"detgen/emulator/internal/options"
)

// server keeps the agents that have said hello, and what was ordered and reported.
type server struct {
	password string
	software string
	uploads  *os.Root // what agents send, in a folder for each, and what they can fetch
	site     http.Handler

	mu      sync.Mutex // of everything below
	session string     // the operator's cookie
	agents  []*agentState
}

// agentState is what the server knows about an agent.
type agentState struct {
	id     string
	hello  hello
	orders []string // not fetched yet
	output string   // all that it has reported
	gone   bool     // it has reported that it exits; if it comes again, it begins anew
}

// hello is what an agent says of itself.
type hello struct {
	Platform string `json:"platform"`
	Hostname string `json:"hostname"`
	Username string `json:"username"`
}

// Server is the main of the server. It ends with the context.
func Server(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("ares-server", flag.ContinueOnError)
	listen := flags.String("listen", ":8080", "address and port to listen on")
	password := flags.String("password", "", "of the operator")
	software := flags.String("software", "Werkzeug/2.2.2 Python/3.11.2", "how the server calls itself")
	uploads := flags.String("uploads", "", "folder of the agents' files")
	site := flags.String("site", "", "folder of a web site that anybody may read")
	keepAlive := flags.Bool("keep-alive", false, "several requests on one connection")
	if err := options.Parse(flags, args, "password", "uploads", "site"); err != nil {
		return err
	}
	root, err := os.OpenRoot(*uploads)
	if err != nil {
		return fmt.Errorf("--uploads: %w", err)
	}
	defer root.Close()
	s := &server{password: *password, software: *software, uploads: root, site: http.FileServer(http.Dir(*site)), session: rand.Text()}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: s.handler()}
	web.SetKeepAlivesEnabled(*keepAlive)
	defer context.AfterFunc(ctx, func() { web.Close() })()
	if err := web.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/{id}/hello", s.takeHello)
	mux.HandleFunc("POST /api/{id}/report", s.takeReport)
	mux.HandleFunc("POST /api/{id}/upload", s.takeUpload)
	mux.HandleFunc("GET /uploads/{file}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, s.uploads.FS(), r.PathValue("file"))
	})
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("GET /agents", s.forOperator(s.listAgents))
	mux.HandleFunc("POST /api/{id}/push", s.forOperator(s.push))
	mux.HandleFunc("GET /api/{id}/stdout", s.forOperator(s.showOutput))
	mux.HandleFunc("POST /api/mass_execute", s.forOperator(s.remove))
	// What an ordinary visitor uses.
	mux.HandleFunc("POST /upload", s.takeVisitorsFile)
	mux.Handle("GET /", s.site)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", s.software)
		mux.ServeHTTP(w, r)
	})
}

// agent gives an agent that has said hello, or answers that there is none.
func (s *server) agent(w http.ResponseWriter, r *http.Request) *agentState {
	i := slices.IndexFunc(s.agents, func(a *agentState) bool { return a.id == r.PathValue("id") })
	if i < 0 {
		http.NotFound(w, r)
		return nil
	}
	return s.agents[i]
}

func (s *server) takeHello(w http.ResponseWriter, r *http.Request) {
	var about hello
	if err := json.NewDecoder(io.LimitReader(r.Body, answerMost)).Decode(&about); err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agents = slices.DeleteFunc(s.agents, func(a *agentState) bool { return a.id == r.PathValue("id") && a.gone })
	i := slices.IndexFunc(s.agents, func(a *agentState) bool { return a.id == r.PathValue("id") })
	if i < 0 {
		i = len(s.agents)
		s.agents = append(s.agents, &agentState{id: r.PathValue("id")})
	}
	a := s.agents[i]
	a.hello = about
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if len(a.orders) > 0 {
		io.WriteString(w, a.orders[0])
		a.orders = a.orders[1:]
	}
}

func (s *server) takeReport(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, answerMost)
	output := r.PostFormValue("output")
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.agent(w, r); a != nil {
		a.output += output
		a.gone = strings.HasPrefix(output, prompt(exitOrder))
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	}
}

func (s *server) takeUpload(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	a := s.agent(w, r)
	s.mu.Unlock()
	if a == nil {
		return
	}
	name, err := s.store(r, a.id)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a.output += "[*] File uploaded: /uploads/" + name + "\n"
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
}

func (s *server) takeVisitorsFile(w http.ResponseWriter, r *http.Request) {
	name, err := s.store(r, "visitors")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<p>Thank you for %s.</p>\n", html.EscapeString(filepath.Base(name)))
}

// store puts the request's file into a folder of the uploads, under a name that is not taken.
func (s *server) store(r *http.Request, folder string) (string, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return "", err
	}
	part, err := parts.NextPart()
	if err != nil {
		return "", err
	}
	base := filepath.Base(part.FileName())
	if part.FileName() == "" || base == ".." || base == "." {
		return "", fmt.Errorf("no file")
	}
	if err := s.uploads.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	for ; ; base = "_" + base {
		name := folder + "/" + base
		file, err := s.uploads.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if os.IsExist(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = io.Copy(file, part)
		if closeErr := file.Close(); err == nil {
			err = closeErr
		}
		return name, err
	}
}

func (s *server) login(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("password") != s.password {
		http.Error(w, "Wrong password", http.StatusForbidden)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "session", Value: s.session, Path: "/", HttpOnly: true})
	http.Redirect(w, r, "/agents", http.StatusFound)
}

// forOperator lets only those pass who have logged in.
func (s *server) forOperator(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("session"); err != nil || c.Value != s.session {
			http.Error(w, "Log in first", http.StatusForbidden)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		next(w, r)
	}
}

// listAgents shows a row for each agent that has not exited, which the operator reads: ID, host, user, platform.
func (s *server) listAgents(w http.ResponseWriter, _ *http.Request) {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<title>Agents</title>\n<table>\n")
	for _, a := range s.agents {
		if a.gone {
			continue
		}
		fmt.Fprintf(&b, "<tr><td>%s<td>%s<td>%s<td>%s</tr>\n",
			html.EscapeString(a.id), html.EscapeString(a.hello.Hostname), html.EscapeString(a.hello.Username), html.EscapeString(a.hello.Platform))
	}
	b.WriteString("</table>\n")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, b.String())
}

func (s *server) push(w http.ResponseWriter, r *http.Request) {
	if a := s.agent(w, r); a != nil {
		a.orders = append(a.orders, r.PostFormValue("cmdline"))
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	}
}

// remove forgets agents. One that comes again begins anew.
func (s *server) remove(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || !r.PostForm.Has("delete") {
		http.Error(w, "nothing to delete", http.StatusBadRequest)
		return
	}
	s.agents = slices.DeleteFunc(s.agents, func(a *agentState) bool { return slices.Contains(r.PostForm["selection"], a.id) })
	http.Redirect(w, r, "/agents", http.StatusFound)
}

// showOutput shows what the agent has reported.
func (s *server) showOutput(w http.ResponseWriter, r *http.Request) {
	if a := s.agent(w, r); a != nil {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<pre>\n%s</pre>\n", html.EscapeString(a.output))
	}
}
