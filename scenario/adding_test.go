package scenario_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"detgen/internal/labtest"
	"detgen/record"
	"detgen/scenario"
)

// exampleOf reads the files that a page of the documentation shows: a line `path`: and a fenced
// block below it.
func exampleOf(t *testing.T, page string) fstest.MapFS {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, m := range regexp.MustCompile("(?ms)^`([a-z/.]+)`:\n```[a-z]*\n(.*?)^```$").FindAllStringSubmatch(string(data), -1) {
		files[m[1]] = &fstest.MapFile{Data: []byte(m[2])}
	}
	return files
}

func TestTheDocumentedExampleIsAScenario(t *testing.T) {
	files := exampleOf(t, "../docs/adding-a-scenario.md")
	if len(files) != 3 {
		t.Fatalf("the page shows %d files, want 3", len(files))
	}
	c, err := scenario.Open(scenario.Source{Name: "my-catalogue", FS: files})
	if err != nil {
		t.Fatal(err)
	}
	run := resolve(t, c, "greeting/read", 5, "client.implementation=wget", "params.times=~")
	main := run.Activities[0]
	script := main.Scripts[0]
	if script.Environment["IMPLEMENTATION"] != "wget" {
		t.Errorf("implementation %q, want wget", script.Environment["IMPLEMENTATION"])
	}
	greeting := script.Environment["GREETING"]
	if len(strings.Fields(greeting)) < 2 || main.Expect["greeting"] != "="+greeting {
		t.Errorf("greeting %q is drawn, %q expected", greeting, main.Expect["greeting"])
	}
	if run := resolve(t, c, "greeting/read", 5, "failure=no-server"); len(run.Hosts[0].Services) != 0 {
		t.Error("the failure leaves the service running")
	}
}

// The spec that docs/spec.md begins with is one.
func TestTheDocumentedSpecResolves(t *testing.T) {
	page, err := os.ReadFile("../docs/spec.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\n")
	text, _, found := strings.Cut(text, "```")
	if !found {
		t.Fatal("the page shows no spec")
	}
	spec, err := scenario.ReadSpec("spec.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	run, err := open(t).Resolve(spec, *spec.Seed, anyImage)
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Activities) < 2 || run.Hosts[1].Interfaces[0].Up.Rate != 10_000_000 || run.Hosts[0].Interfaces[0].Up.Loss != 0.01 {
		t.Errorf("%d activities, links %+v", len(run.Activities), run.Hosts[1].Interfaces[0])
	}
}

// A person who follows the page gets a scenario that runs: with both clients, and with its
// failure.
func TestTheDocumentedExampleRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("makes labs")
	}
	detgen, dir := labtest.Program(t), t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "my-catalogue"), exampleOf(t, "../docs/adding-a-scenario.md")); err != nil {
		t.Fatal(err)
	}
	for name, settings := range map[string][]string{
		"curl":      {"-s", "params.times=3"},
		"wget":      {"-s", "client.implementation=wget"},
		"no-server": {"-s", "failure=no-server"},
	} {
		run := exec.Command(detgen, append([]string{"run", "greeting/read", "--catalogue", "my-catalogue", "--seed", "4", "-o", name}, settings...)...)
		run.Dir = dir
		if out, err := run.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, name, "run.json"))
		if err != nil {
			t.Fatal(err)
		}
		var r record.Record
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		if r.Result.Status != record.Complete {
			t.Errorf("%s: status %s: %s", name, r.Result.Status, r.Result.Error)
		}
	}
}
