package serve

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detgen/dataset"
	"detgen/runner"
)

// folder is a folder with a run, twins, and what must not be reached.
func folder(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "shown")
	for from, to := range map[string]string{"../report/testdata/run": "day/run", "../report/testdata/twin": "twin"} {
		if err := os.CopyFS(filepath.Join(dir, to), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"secret/run.json": "{}", "shown/.hidden/run.json": "{}"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../secret", filepath.Join(dir, "way")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// start gives the address of a server.
func start(t *testing.T, o Options) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.Address = l.Addr().String()
	if o.Catalogue, err = runner.OpenScenarios(""); err != nil {
		t.Fatal(err)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewUnstartedServer(s.Handler(o.Address))
	h.Listener.Close()
	h.Listener = l
	h.Start()
	t.Cleanup(h.Close)
	return h.URL
}

// ask sends a request as it is, and gives the answer.
func ask(t *testing.T, method, address string, header map[string]string, form url.Values) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range header {
		if k == "Host" {
			r.Host = v
		}
		r.Header.Set(k, v)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	a, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, a.Header, string(text)
}

func TestPages(t *testing.T) {
	base := start(t, Options{Dir: folder(t)})
	for _, test := range []struct {
		path   string
		status int
		want   []string
	}{
		{"/", 200, []string{`<a href="/at/day/run/">run</a>`, `<a href="/at/twin/">twin</a>`, "link.client.both.loss=2%"}},
		{"/?q=jitter", 200, []string{"day/run"}},
		{"/at/day/", 200, []string{`/at/day/run/`}},
		{"/at/day/run/", 200, []string{"web/get, seed 1", `<a href="?connection=1">1</a>`, `href="/file/day/run/captures/client.pcap"`, "TCP SA", "LOST", `<script src="/assets/page.js">`}},
		{"/at/day/run/?connection=1", 200, []string{"connection 1"}},
		{"/at/day/run/?connection=2", 404, []string{"the run has 1 to 1"}},
		{"/at/day/run/?connection=x", 404, []string{"must be a number"}},
		{"/at/twin/", 200, []string{"they part", "First divergence", "only a", `href="a/"`}},
		{"/at/twin/a/", 200, []string{"web/get"}},
		{"/packets/day/run", 200, []string{`"whole":true`}},
		{"/file/day/run/run.json", 200, []string{`"seed": 1`}},
		{"/assets/page.css", 200, []string{"prefers-color-scheme"}},
		{"/assets/serve.js", 200, []string{"what-if-form"}},
		// What must not be reached.
		{"/at/way/", 404, nil}, {"/file/way/run.json", 404, nil}, {"/at/.hidden/", 404, nil}, {"/file/.hidden/run.json", 404, nil},
		{"/at/..%2fsecret/", 404, nil}, {"/file/..%2fsecret%2frun.json", 404, nil}, {"/file/day/../../secret/run.json", 404, nil}, {"/at/%2fetc/", 404, nil},
		{"/file/day/run", 404, nil}, {"/at/none/", 404, nil}, {"/file/day/run/none", 404, nil}, {"/packets/..%2fsecret", 404, nil}, {"/progress/way", 404, nil},
	} {
		status, header, text := ask(t, "GET", base+test.path, nil, nil)
		if status == http.StatusTemporaryRedirect { // a path that is not clean
			status, header, text = ask(t, "GET", base+header.Get("Location"), nil, nil)
		}
		if status != test.status {
			t.Errorf("%s: status %d, not %d: %.200s", test.path, status, test.status, text)
		}
		for _, want := range test.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q", test.path, want)
			}
		}
		if p := header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'; script-src 'self'") || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: its policy is %q", test.path, p)
		}
	}
	if _, _, text := ask(t, "GET", base+"/?q=jitter", nil, nil); strings.Contains(text, `"/at/twin/"`) {
		t.Error("the search for jitter finds twins that have none")
	}
	if _, header, _ := ask(t, "GET", base+"/file/day/run/run.json", nil, nil); !strings.HasPrefix(header.Get("Content-Disposition"), "attachment") || header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("a file is sent as %v", header)
	}
}

func TestRefusals(t *testing.T) {
	dir := folder(t)
	base := start(t, Options{Dir: dir})
	change := url.Values{"run": {"day/run"}, "key": {"link.client.both.loss"}, "value": {"9%"}}
	if status, _, text := ask(t, "POST", base+"/what-if", nil, change); status != 403 || !strings.Contains(text, "--make") {
		t.Errorf("a change without --make: %d %s", status, text)
	}
	if status, _, _ := ask(t, "GET", base+"/", map[string]string{"Host": "evil.example"}, nil); status != http.StatusMisdirectedRequest {
		t.Errorf("another host's name: %d", status)
	}
	if _, _, text := ask(t, "GET", base+"/at/day/run/", nil, nil); strings.Contains(text, "what-if") {
		t.Error("a server that only reads shows the form")
	}

	opened := 0
	making := start(t, Options{Dir: dir, Make: true, Open: func(string) (*runner.Runner, error) { opened++; return nil, fmt.Errorf("not in this test") }})
	for _, header := range []map[string]string{{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}} {
		if status, _, _ := ask(t, "POST", making+"/what-if", header, change); status != 403 {
			t.Errorf("a change from %v: %d", header, status)
		}
	}
	if status, _, _ := ask(t, "GET", making+"/what-if", nil, nil); status != http.StatusMethodNotAllowed && status != 404 {
		t.Errorf("a change by GET: %d", status)
	}
	if status, _, text := ask(t, "POST", making+"/what-if", nil, url.Values{"run": {"../secret"}, "key": {"x"}, "value": {"1"}}); status != 404 {
		t.Errorf("a run elsewhere: %d %s", status, text)
	}
	if status, _, _ := ask(t, "POST", making+"/what-if", nil, url.Values{"run": {strings.Repeat("x", maxBody+1)}}); status == 303 || status == 200 {
		t.Errorf("a large request: %d", status)
	}
	if opened != 0 {
		t.Errorf("an engine was opened %d times for requests that are refused", opened)
	}
	if _, _, text := ask(t, "GET", making+"/at/day/run/", nil, nil); !strings.Contains(text, `value="link.client.both.loss" data-how="percentage`) && !strings.Contains(text, `value="link.client.both.loss"`) {
		t.Error("the form lacks the loss of the client's link")
	}
}

func TestToken(t *testing.T) {
	const token = "a-token-of-some-length"
	base := start(t, Options{Dir: folder(t), Token: token})
	for path, want := range map[string]int{"/": 401, "/?token=wrong": 401, "/?token=" + token: 303, "/file/day/run/run.json": 401} {
		if status, _, _ := ask(t, "GET", base+path, nil, nil); status != want {
			t.Errorf("%s: %d, not %d", path, status, want)
		}
	}
	_, header, _ := ask(t, "GET", base+"/?token="+token, nil, nil)
	if c := header.Get("Set-Cookie"); !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Strict") {
		t.Errorf("the cookie is %q", c)
	}
	if status, _, _ := ask(t, "GET", base+"/", map[string]string{"Cookie": cookie + "=" + token}, nil); status != 200 {
		t.Errorf("with the cookie: %d", status)
	}
}

func TestOptions(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		o    Options
		want string
	}{
		{Options{Dir: dir, Address: "127.0.0.1:0"}, ""}, {Options{Dir: dir, Address: "[::1]:0"}, ""}, {Options{Dir: dir, Address: "0.0.0.0:80", Token: "0123456789abcdef"}, ""},
		{Options{Dir: dir, Address: "0.0.0.0:80"}, "give a token"}, {Options{Dir: dir, Address: ":80"}, "give a token"}, {Options{Dir: dir, Address: "lab.example:80", Token: "short"}, "give a token"},
		{Options{Dir: dir, Address: "80"}, "must be HOST:PORT"}, {Options{Dir: dir + "/none", Address: "127.0.0.1:0"}, "must be a folder"},
	} {
		if err := test.o.Check(); test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s with token %q: %v, want %q", test.o.Address, test.o.Token, err, test.want)
		}
	}
}

// growing adds a dataset "growing" that is being built to a folder.
func growing(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile("../examples/first-dataset.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{dataset.RunsFolder + "/one", dataset.RunsFolder + "/two", dataset.RunsFolder + "/.three.partial-1", dataset.Failed + "/four"} {
		if err := os.MkdirAll(filepath.Join(dir, "growing", sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "growing", dataset.PlanFile), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestBuilding makes sure that a dataset that grows shows how far it is.
func TestBuilding(t *testing.T) {
	dir := t.TempDir()
	growing(t, dir)
	base := start(t, Options{Dir: dir})
	if _, _, page := ask(t, "GET", base+"/", nil, nil); !strings.Contains(page, "being built: 2 runs, 1 failed") {
		t.Error("the list does not tell that a dataset is being built")
	}
	if _, _, state := ask(t, "GET", base+"/progress/growing", nil, nil); !strings.Contains(state, `"done":2,"all":52,"failed":1,"text":"2 of 52 runs made, 1 failed","over":false`) {
		t.Errorf("progress: %s", state)
	}
	if status, _, page := ask(t, "GET", base+"/at/growing/", nil, nil); status != 200 || !strings.Contains(page, `data-source="/progress/growing"`) {
		t.Errorf("the page of a dataset that grows: %d", status)
	}
}
