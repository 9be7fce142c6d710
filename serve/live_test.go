package serve

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"detgen/internal/browser"
	"detgen/internal/labtest"
)

// payload is a model: each packet with payload lifts the score.
const payload = `
import sys
sys.path.insert(0, %q)
from detgen_model import serve
def score(items):
    for item in items:
        x, steps = 0.0, []
        for row in item["steps"]:
            x = x + 0.02 if row[1] > 0 else x * 0.9
            steps.append(min(x, 1.0))
        yield (steps[-1] if steps else 0.0), steps
serve({"name": "payload", "kind": "packets", "recipe": "numbers1", "step_scores": True, "threshold": 0.5}, lambda items: list(score(items)))
`

// TestWhatIf makes a twin as a person does: from the page of a run's connection, by the form and the button. It sees both sequences,
// where they part and the model's output on both; from the twin's page it makes another and stops it. A bad value gets the
// error of the command line.
func TestWhatIf(t *testing.T) {
	if testing.Short() {
		t.Skip("makes labs and drives a browser")
	}
	if os.Getuid() != 0 {
		t.Fatal("labs need root")
	}
	dir, program := t.TempDir(), labtest.Program(t)
	models, err := filepath.Abs("../examples/models")
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "payload.py")
	if err := os.WriteFile(script, fmt.Appendf(nil, payload, models), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "run", "web/get", "--seed", "4", "-s", "params.size=20kB", "-o", filepath.Join(dir, "run")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	base := served(t, program, "serve", dir, "--make", "--model", "cmd:/usr/bin/python3 "+script, "--address", "127.0.0.1:0")
	b := browser.Open(t, base)
	ask := func(key, value string) {
		b.Wait(`document.getElementById("what-if-form") !== null`)
		browser.Eval[bool](b, fmt.Sprintf(`(() => { const f = document.getElementById("what-if-form"); f.elements.key.value = %q; f.elements.value.value = %q; f.querySelector("button").click(); return true; })()`, key, value))
	}
	text := func(selector string) string {
		return browser.Eval[string](b, fmt.Sprintf(`document.querySelector(%q)?.textContent || ""`, selector))
	}
	ready := ` && document.documentElement?.dataset.ready === "yes"`

	b.Go(base + "/at/run/?connection=1")
	ask("link.all.both.loss", "8x")
	b.Wait(`location.pathname === "/what-if"` + ready)
	_, err = exec.Command(program, "twin", "web/get", "--seed", "4", "--vary", "link.all.both.loss=8x", "-o", filepath.Join(dir, "none")).Output()
	exit, ok := err.(*exec.ExitError)
	if !ok {
		t.Fatalf("the command line takes 8x: %v", err)
	}
	says := strings.TrimPrefix(strings.TrimSpace(string(exit.Stderr)), "detgen: -s: ")
	if said := text("main .note"); said != says || says == "" {
		t.Errorf("the page says %q, the command line %q", said, says)
	}
	b.Errors() // the console tells of the status 400

	b.Go(base + "/at/run/?connection=1")
	ask("link.client.both.loss", "30%")
	b.Wait(`location.pathname.startsWith("/at/what-if/")` + ready)
	if s := text("#overview"); !strings.Contains(s, "link.client.both.loss") || !strings.Contains(s, "First divergence") || strings.Contains(s, "none: the captures are the same") {
		t.Errorf("the twin's page says: %s", s)
	}
	panels := browser.Eval[[]string](b, `JSON.parse(document.querySelector("#fig-sequence > script").textContent).panels.map((p) => p.name[0] + p.number.length)`)
	if len(panels) != 2 || panels[0][0] != 'a' || panels[1][0] != 'b' || len(panels[0]) < 3 {
		t.Errorf("sequences: %v", panels)
	}
	scores := browser.Eval[[]string](b, `[...document.querySelectorAll("#table-scores tbody tr:first-child td")].map((td) => td.textContent)`)
	if len(scores) != 4 || scores[1] == "" || scores[2] == "" || scores[3] == "" {
		t.Errorf("the model's scores: %q", scores)
	}
	if alt := text("#fig-steps .alt"); !strings.Contains(alt, "connection 1 a") || !strings.Contains(alt, "connection 1 b") {
		t.Errorf("the model's output, step by step: %q", alt)
	}
	if f := b.Serious(); len(f) > 0 {
		t.Errorf("not accessible: %v", f)
	}

	// From twins, one that takes minutes: it is stopped, and nothing of it is left.
	ask("link.all.both.rate", "1kbit")
	b.Wait(`location.pathname === "/job"` + ready + ` && document.querySelector("form[action='/job/stop'] button") !== null`)
	b.Wait(`/b: task/.test(document.querySelector(".said").textContent)`)
	browser.Eval[bool](b, `document.querySelector("form[action='/job/stop'] button").click(), true`)
	b.Wait(`document.querySelector(".error")` + ready)
	if said := text(".error"); said != "stopped; nothing of it is left" {
		t.Errorf("after stopping the page says %q", said)
	}
	left, err := os.ReadDir(filepath.Join(dir, WhatIfFolder))
	if err != nil || len(left) != 1 {
		t.Errorf("in %s is %v, %v", WhatIfFolder, left, err)
	}
	if errors := b.Errors(); len(errors) > 0 {
		t.Errorf("pages have errors: %q", errors)
	}
}

// served starts a server, which ends with the test, and gives its address.
func served(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // interrupted
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	at := strings.Index(line, "http://")
	if at < 0 {
		t.Fatalf("the server printed %q", line)
	}
	return strings.TrimSuffix(strings.Fields(line[at:])[0], "/")
}
