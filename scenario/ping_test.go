package scenario_test

import (
	"testing"

	"detgen/catalogue"
	"detgen/record"
	"detgen/scenario"
)

func open(t *testing.T) *scenario.Catalogue {
	t.Helper()
	c, err := scenario.Open(scenario.Source{Name: "catalogue", FS: catalogue.FS})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// anyImage gives a digest to every image.
func anyImage(name string) (string, error) { return "sha256:of-" + name, nil }

func resolve(t *testing.T, c *scenario.Catalogue, task string, seed uint64, settings ...string) *record.Run {
	t.Helper()
	spec := &scenario.Spec{Task: task}
	for _, text := range settings {
		s, err := scenario.ParseSetting(text)
		if err != nil {
			t.Fatal(err)
		}
		spec.Set = append(spec.Set, s)
	}
	run, err := c.Resolve(spec, seed, anyImage)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestPingEcho(t *testing.T) {
	run := resolve(t, open(t), "ping/echo", 1, "params.count=7")
	if len(run.Hosts) != 2 || run.Hosts[0].Name != "client" || run.Hosts[1].Name != "target" {
		t.Fatalf("hosts: %+v", run.Hosts)
	}
	script := run.Activities[0].Scripts[0]
	target := run.Hosts[1].Interfaces[0].Address.Addr().String()
	for name, want := range map[string]string{"COUNT": "7", "INTERVAL": "0.2", "SIZE": "56", "TARGET_ADDRESS": target, "HOST": "client"} {
		if got := script.Environment[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := run.Activities[0].Expect["sent"]; got != "7" {
		t.Errorf("expects %q requests, want 7", got)
	}
}

func TestUnreachableHostKeepsItsAddress(t *testing.T) {
	run := resolve(t, open(t), "ping/echo", 1, "failure=unreachable")
	if len(run.Hosts) != 1 {
		t.Fatalf("hosts: %+v, want the client alone", run.Hosts)
	}
	if run.Activities[0].Scripts[0].Environment["TARGET_ADDRESS"] == "" {
		t.Error("the client does not know the address to try")
	}
}
