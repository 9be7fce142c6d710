package scenario_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

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
