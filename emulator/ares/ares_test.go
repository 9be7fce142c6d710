package ares

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// pair gives a server, an agent of it, and their folders.
func pair(t *testing.T) (s *server, a *agent, uploads, work string) {
	t.Helper()
	uploads, work = t.TempDir(), t.TempDir()
	root := func(dir string) *os.Root {
		r, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		return r
	}
	s = &server{password: "secret", session: "token", uploads: root(uploads), site: http.NotFoundHandler()}
	web := httptest.NewServer(s.handler())
	t.Cleanup(web.Close)
	base, err := url.Parse(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	a = &agent{channel: &channel{base: base, client: web.Client()}, id: "user_1", user: "user", work: root(work), path: work}
	if _, err := a.hello(); err != nil {
		t.Fatal(err)
	}
	return s, a, uploads, work
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestAnAgentAnswersWhatItKnowsAndNothingElse(t *testing.T) {
	s, a, _, work := pair(t)
	write(t, filepath.Join(work, "paper"), "")
	for order, want := range map[string]string{
		"whoami":              "user\n",
		"pwd":                 work + "\n",
		"ls":                  "paper\n",
		"ls /":                "[!] this agent does not know \"ls /\"\n",
		"touch x":             "[!] this agent does not know \"touch x\"\n",
		"upload ../paper":     "[!] openat ../paper: path escapes from parent\n",
		"upload /etc/passwd":  "[!] openat /etc/passwd: path escapes from parent\n",
		"download ../../etc":  "[!] GET /uploads/..%2F..%2Fetc: the server answers with status 400\n",
		"download nothing.it": "[!] GET /uploads/nothing.it: the server answers with status 404\n",
	} {
		s.agents[0].output = ""
		if err := a.carryOut(order); err != nil {
			t.Fatal(err)
		}
		if got := s.agents[0].output; got != "$ "+order+"\n"+want {
			t.Errorf("%s: reported %q, want %q", order, got, want)
		}
	}
	entries, err := os.ReadDir(work)
	if err != nil || len(entries) != 1 {
		t.Errorf("the work folder holds %v, %v", entries, err)
	}
}

func TestFilesArriveUnchanged(t *testing.T) {
	_, a, uploads, work := pair(t)
	content := strings.Repeat("content\x00", 10_000)
	write(t, filepath.Join(work, "paper"), content)
	for range 2 {
		if err := a.carryOut("upload paper"); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"paper", "_paper"} { // the second gets a name that is free
		if read(t, filepath.Join(uploads, a.id, name)) != content {
			t.Errorf("%s has another content", name)
		}
	}
	write(t, filepath.Join(uploads, "tool"), content+"!")
	if err := a.carryOut("download tool"); err != nil {
		t.Fatal(err)
	}
	if read(t, filepath.Join(work, "tool")) != content+"!" {
		t.Error("tool has another content")
	}
}

func TestOnlyTheOperatorOrders(t *testing.T) {
	s, a, _, _ := pair(t)
	stranger := &channel{base: a.base, client: a.client}
	if _, err := stranger.post("/api/user_1/push", url.Values{"cmdline": {"ls"}}); err == nil || len(s.agents[0].orders) != 0 {
		t.Errorf("a stranger could order: %v", err)
	}
	o := &operator{channel: stranger, ctx: t.Context(), looks: 1}
	if err := o.login("wrong"); err == nil {
		t.Error("the wrong password fits")
	}
	stranger.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if err := o.login("secret"); err != nil {
		t.Fatal(err)
	}
	if err := o.list(1); err != nil || len(o.agents) != 1 || o.agents[0].id != "user_1" {
		t.Fatalf("agents %v, %v", o.agents, err)
	}
	if _, err := stranger.post("/api/user_1/push", url.Values{"cmdline": {"pwd"}}); err != nil {
		t.Fatal(err)
	}
	order, err := a.hello()
	if err != nil || order != "pwd" {
		t.Errorf("order %q, %v", order, err)
	}
	if order, _ := a.hello(); order != "" {
		t.Errorf("the order %q comes twice", order)
	}
}

func TestAnAgentThatHasExitedBeginsAnew(t *testing.T) {
	s, a, _, _ := pair(t)
	o := &operator{channel: a.channel, ctx: t.Context(), looks: 1}
	o.session = &http.Cookie{Name: "session", Value: s.session}
	if err := a.carryOut("whoami"); err != nil {
		t.Fatal(err)
	}
	if err := a.report(exitOrder, "bye\n"); err != nil {
		t.Fatal(err)
	}
	if err := o.list(1); err == nil {
		t.Errorf("agents %v are listed when the only one has exited", o.agents)
	}
	// What it has said last can be read.
	if output, err := o.await(listed{id: a.id}, 2); err != nil || !strings.HasSuffix(output, "$ exit\nbye\n") {
		t.Errorf("%q, %v", output, err)
	}
	if _, err := a.hello(); err != nil {
		t.Fatal(err)
	}
	if err := o.list(1); err != nil || len(s.agents) != 1 || s.agents[0].output != "" {
		t.Errorf("agents %v, %v, output %q", o.agents, err, s.agents[0].output)
	}
}

func TestAnOperatorRemovesAgentsThatDoNotAnswer(t *testing.T) {
	s, a, _, _ := pair(t)
	o := &operator{channel: &channel{base: a.base, client: a.client}, ctx: t.Context(), looks: 1}
	o.agents = []listed{{id: a.id}}
	if err := o.remove(); err == nil || len(s.agents) != 1 {
		t.Errorf("a stranger removes agents: %d are left, %v", len(s.agents), err)
	}
	o.session = &http.Cookie{Name: "session", Value: s.session}
	if _, err := o.post("/api/mass_execute", url.Values{"selection": {a.id}}); err == nil {
		t.Error("agents are removed without being told to")
	}
	orders := filepath.Join(t.TempDir(), "orders")
	write(t, orders, "0 whoami\n0 ls\n")
	if err := o.work(orders, t.TempDir()); err != nil || len(s.agents) != 0 {
		t.Errorf("%d agents are left, %v", len(s.agents), err)
	}
	if order, err := a.hello(); err != nil || order != "" || len(s.agents) != 1 {
		t.Errorf("an agent that comes again gets %q, %v", order, err)
	}
}

func TestAScanIsSomebodyElses(t *testing.T) {
	s, a, _, _ := pair(t)
	if err := a.carryOut("scan"); err != nil || !strings.HasSuffix(s.agents[0].output, "$ scan\n[!] this agent does not know \"scan\"\n") {
		t.Errorf("%q, %v", s.agents[0].output, err)
	}
	a.scan = filepath.Join(t.TempDir(), "scan")
	if err := syscall.Mkfifo(a.scan, 0o600); err != nil {
		t.Fatal(err)
	}
	fifo, err := os.OpenFile(a.scan, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer fifo.Close()
	if _, err := fifo.WriteString("3 hosts\n"); err != nil {
		t.Fatal(err)
	}
	if err := a.carryOut("scan"); err != nil || !strings.HasSuffix(s.agents[0].output, "$ scan\n3 hosts\n") {
		t.Errorf("%q, %v", s.agents[0].output, err)
	}
}
