package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExperimentRequest: what makes no sense is refused before a run is made.
func TestExperimentRequest(t *testing.T) {
	dir := t.TempDir()
	plan := filepath.Join(dir, "plan.yaml")
	text := "types: [{name: X, host: HOST, configurations: [{name: A, spec: {task: TASK}}]}]"
	for _, c := range []struct {
		args []string
		plan string
		want string
	}{
		{args: []string{"determinism", "--engines", "vmware"}, want: "must be live, exact or vm"},
		{args: []string{"determinism", "--samples", "1"}, want: "2 or more"},
		{args: []string{"determinism", "--pairs", "0"}, want: "1 or more"},
		{args: []string{"determinism", "--types", "HTTP,FTP"}, want: `"FTP"`},
		{args: []string{"determinism", "--measure"}, want: "holds no experiment"},
		{args: []string{"factors", "--scale", "x"}, want: "--scale"},
		{args: []string{"determinism", "--plan", filepath.Join(dir, "none")}, want: "no such file"},
		{args: []string{"determinism", "--plan", plan}, plan: "types: 1", want: plan},
		{args: []string{"determinism", "--plan", plan}, plan: strings.NewReplacer("HOST", "client", "TASK", "web/none").Replace(text), want: "web/none"},
		{args: []string{"determinism", "--plan", plan}, plan: strings.NewReplacer("HOST", "nobody", "TASK", "web/get").Replace(text), want: `host "nobody"`},
		{args: []string{"factors", "--plan", plan}, plan: "factors: [{name: X, base: {task: web/get}}]", want: "base or with is missing"},
	} {
		if err := os.WriteFile(plan, []byte(c.plan), 0o644); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(t.TempDir(), "out")
		cmd := detgen(t, append([]string{"experiment"}, append(c.args, "-o", out, "--cache", filepath.Join(dir, "cache"))...)...)
		code, _, errs := outcome(t, cmd)
		if code != exitRequest || !strings.Contains(errs, c.want) {
			t.Errorf("%q: exit %d, %q; want %d and %q", c.args, code, errs, exitRequest, c.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%q: %s was made", c.args, out)
		}
	}
}
