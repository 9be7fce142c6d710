package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detgen/runner"
	"detgen/scenario"
)

// command runs the command line and gives what it printed.
func command(args ...string) (string, error) {
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.Execute()
	return out.String(), err
}

func TestListShowsTheCatalogueByClass(t *testing.T) {
	out, err := command("list")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"benign: ", " scenario", " task", "\n  ping ", "echo name", "mistyped: benign twin of one-user many-users spray", "together: ", "the paper has 31 and 101"} {
		if !strings.Contains(out, want) {
			t.Errorf("the list does not say %q:\n%s", want, out)
		}
	}
}

func TestListShowsAScenarioAndATask(t *testing.T) {
	for what, want := range map[string][]string{
		"ping":      {"ping: Echo requests", "params.count", "default 4", "failure=unreachable", "caching=warm", "resolver.implementation=bind9", "phases lookup, echo"},
		"ping/echo": {"ping/echo: Echo requests to an address", "params.count", "failure=unreachable"},
	} {
		out, err := command("list", what)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%s: the page does not say %q:\n%s", what, w, out)
			}
		}
		if what == "ping/echo" && (strings.Contains(out, "caching=warm") || strings.Contains(out, "resolver.implementation")) {
			t.Errorf("the page of one task shows what others have:\n%s", out)
		}
	}
}

func TestListAsJSON(t *testing.T) {
	var all []scenario.About
	var one scenario.About
	var schema map[string]any
	for _, c := range []struct {
		args []string
		into any
	}{{[]string{"list", "--json"}, &all}, {[]string{"list", "ping/name", "--json"}, &one}, {[]string{"list", "--schema"}, &schema}} {
		out, err := command(c.args...)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(out), c.into); err != nil {
			t.Errorf("%v: %v", c.args, err)
		}
	}
	if len(all) == 0 || len(one.Tasks) != 1 || one.Tasks[0].Name != "name" || schema["properties"] == nil {
		t.Errorf("%d scenarios, tasks %+v", len(all), one.Tasks)
	}
}

func TestListRefusesWhatIsNotThere(t *testing.T) {
	own := t.TempDir()
	broken := filepath.Join(own, "scenarios", "broken")
	if err := os.MkdirAll(broken, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "scenario.yaml"), []byte("scenario: broken\ntitle: T\nclass: benign\nhosts: {a: {imgae: base}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"list", "pign"}, `did you mean "ping"?`},
		{[]string{"list", "ping/ecko"}, `did you mean "echo"?`},
		{[]string{"list", "--catalogue", filepath.Join(own, "nowhere")}, "no such folder"},
		{[]string{"list", "broken", "--catalogue", own}, `scenario.yaml:4: hosts.a.imgae: no such field: did you mean "image"?`},
	} {
		_, err := command(c.args...)
		var request runner.RequestError
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &request) {
			t.Errorf("%v: error %v, want a wrong request that says %q", c.args, err, c.want)
		}
	}
}
