package catalogue_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"detgen/record"
	"detgen/scenario"
)

// againSample is what the test without -full plays again: files and folders of a script's own, services reached by a socket
// that is a file, hosts that are called otherwise than in the scenario.
var againSample = []string{"ftp_get", "sql_login", "netbios_wins"}

// TestAgain plays tasks three times in the background of another, on hosts of their own: two of the times at once, where the
// plan does not say that the protocol forbids it. With -full it is every task, failure and caching option.
func TestAgain(t *testing.T) {
	detgen := needLabs(t)
	c := openCatalogue(t)
	played := 0
	for _, name := range c.Names() {
		if !*full && !slices.ContainsFunc(againSample, func(short string) bool { return strings.HasPrefix(short, name+"_") }) {
			continue
		}
		s := scenarioOf(t, c, name)
		p := readPlan(t, name)
		seen := map[string]bool{}
		for _, tc := range possible(t, c, s.About(), p, false) {
			// One run of each, whatever its values.
			short := strings.ReplaceAll(tc.task, "/", "_")
			for _, key := range []string{"failure", "caching"} {
				if tc.set[key] != "" {
					short += "," + tc.set[key]
				}
			}
			if seen[short] || !*full && !slices.Contains(againSample, short) {
				continue
			}
			seen[short] = true
			played++
			t.Run(short, func(t *testing.T) {
				t.Parallel()
				times := "0s, 15s, 15s"
				if p.AtOnce(strings.TrimPrefix(tc.task, name+"/")) != "" {
					times = "0s, 40s, 80s"
				} else if !*full {
					times = "0s, 0s, 4s"
				}
				var own []string
				for _, h := range s.About().Hosts {
					own = append(own, h.Name+": own")
				}
				family := record.IPv4
				if _, cannot := s.NoFamily[family]; cannot {
					family = record.Dual
				}
				dir := executeSpec(t, detgen, fmt.Sprintf("task: ping/echo\nset: {network.family: %s}\nbackground:\n  - name: again\n    task: %s\n    schedule: {at: [%s]}\n    set:%s\n    hosts: {%s}\n",
					family, tc.task, times, settings(tc.set), strings.Join(own, ", ")))
				r, err := record.Read(dir)
				if err != nil {
					t.Fatal(err)
				}
				if n := len(r.Result.Activities); n != 4 {
					t.Errorf("%d activities, want the main one and three", n)
				}
			})
		}
	}
	if want := len(againSample); !*full && played != want {
		t.Errorf("%d tasks were played, want %d", played, want)
	}
}

// TestAgainOnOneClient plays tasks of several scenarios with the same host as their client: at once, twice.
func TestAgainOnOneClient(t *testing.T) {
	detgen := needLabs(t)
	for _, pair := range sharedClients(*full) {
		t.Run(strings.ReplaceAll(strings.Join(pair, ","), "/", "_"), func(t *testing.T) {
			t.Parallel()
			spec := fmt.Sprintf("task: %s\nset: {client.image: workstation}\nbackground:\n", pair[0])
			for i, task := range pair[1:] {
				set := ""
				if task == "ssh/command" {
					set = "set: {params.auth: key}, "
				}
				spec += fmt.Sprintf("  - {name: b%d, task: %s, %shosts: {client: client}, schedule: {at: [0s, 0s]}}\n", i+1, task, set)
			}
			executeSpec(t, detgen, spec)
		})
	}
}

// sharedClients gives tasks that a workstation can be the client of: all in one lab, or every pair.
func sharedClients(pairs bool) [][]string {
	tasks := []string{"web/get", "ping/echo", "ftp/get", "ssh/command"}
	list := [][]string{tasks}
	for _, a := range tasks {
		for _, b := range tasks {
			if pairs && a != b {
				list = append(list, []string{a, b})
			}
		}
	}
	return list
}

// settings writes settings as in a spec file.
func settings(set map[string]string) string {
	if len(set) == 0 {
		return " {}"
	}
	var b strings.Builder
	for _, key := range sorted(set) {
		fmt.Fprintf(&b, "\n      %s: %q", key, set[key])
	}
	return b.String()
}

// executeSpec makes the run of a spec and gives its directory.
func executeSpec(t *testing.T, detgen, spec string) string {
	t.Helper()
	if _, err := scenario.ReadSpec("spec.yaml", []byte(spec)); err != nil {
		t.Fatalf("%v\n%s", err, spec)
	}
	parent, err := os.MkdirTemp("", "detgen-catalogue-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(parent) })
	dir, file := filepath.Join(parent, "run"), filepath.Join(parent, "spec.yaml")
	if err := os.WriteFile(file, []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, detgen, "run", "--spec", file, "--seed", "3", "-o", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s%s", err, spec, out, scriptLogs(dir))
	}
	return dir
}
