package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"detgen/internal/labtest"
)

// edited copies a run directory and changes its run.json.
func edited(t *testing.T, dir string, change func(text string) string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(copied, "run.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	after := change(string(text))
	if after == string(text) {
		t.Fatal("the change changes nothing")
	}
	if err := os.WriteFile(path, []byte(after), 0o644); err != nil {
		t.Fatal(err)
	}
	return copied
}

// TestVerify makes runs of the exact engine again. What a killed verify has left in the folder for temporary files, the next
// one removes.
func TestVerify(t *testing.T) {
	needsLab(t)
	path := labtest.Program(t)
	dir, temporary := filepath.Join(t.TempDir(), "run"), t.TempDir()
	if err := os.Mkdir(filepath.Join(temporary, ".detgen-verify.partial-1"), 0o755); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (int, string, string) {
		cmd := exec.CommandContext(t.Context(), path, args...)
		cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
		return outcome(t, cmd)
	}
	if code, _, stderr := run("run", "ping/echo", "--engine", "exact", "--check", "--seed", "3", "-s", "params.count=2", "-o", dir); code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if entries, err := os.ReadDir(temporary); err != nil || len(entries) != 0 {
		t.Errorf("%s holds %v (%v)", temporary, entries, err)
	}
	code, stdout, stderr := run("verify", "--json", dir)
	var v map[string]any
	if err := json.Unmarshal([]byte(stdout), &v); code != exitDone || err != nil || v["same"] != true || v["captures"] != 2.0 {
		t.Errorf("exit code %d, output %s %s (%v)", code, stdout, stderr, err)
	}

	// Another seed is another run: what is said of it is where the captures part, and that the
	// machine was another.
	other := edited(t, dir, func(s string) string {
		s = regexp.MustCompile(`("qemu": ")[^"]*`).ReplaceAllString(s, "${1}7.2.0")
		return strings.Replace(s, `"seed": 3`, `"seed": 4`, 1)
	})
	code, stdout, stderr = run("verify", other, dir)
	if code != exitFailed || !strings.Contains(stderr, "1 of 2 runs came out differently") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"differs  " + other, "another machine: qemu: 7.2.0, now 7.2.", "same     " + dir, "first part at client", "(frame 1 of a, frame 1 of b)"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the report does not say %q:\n%s", want, stdout)
		}
	}

	replace := func(pattern, with string) func(string) string {
		return func(s string) string { return regexp.MustCompile(pattern).ReplaceAllString(s, with) }
	}
	// What is the same on another machine is the same, and what the machines differ in is said.
	older := edited(t, dir, replace(`"qemu": "[^"]*`, `"qemu": "7.2.0`))
	if code, stdout, stderr := run("verify", older); code != exitDone || !strings.Contains(stdout, "same     "+older) || !strings.Contains(stdout, "another machine: qemu: 7.2.0, now 7.2.") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	// A run that cannot be made again as it is written says why.
	cramped := edited(t, dir, replace(`"mtu": 1500`, `"mtu": -1`))
	if code, _, stderr := run("verify", cramped); code != exitFailed || !strings.Contains(stderr, "run.json says that the run was complete; made again it is failed: ") || !strings.Contains(stderr, "-1") {
		t.Errorf("exit code %d: %s", code, stderr)
	}

	none := strings.Repeat("0", 64)
	broken := edited(t, dir, replace(`^`, " "))
	capture := filepath.Join(broken, "captures/client.pcap")
	content, err := os.ReadFile(capture)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(capture, content, 0o644); err != nil {
		t.Fatal(err)
	}
	gone := edited(t, dir, replace(`^`, " "))
	if err := os.Remove(filepath.Join(gone, "captures/target.pcap")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ dir, want string }{
		"no run":            {t.TempDir(), "is not a run directory: it has no run.json"},
		"cut off":           {edited(t, dir, func(s string) string { return s[:len(s)/2] }), "run.json is damaged: it ends too early"},
		"another engine":    {edited(t, dir, replace(`"name": "exact"`, `"name": "live"`)), "was made on the live engine; only runs of the exact engine"},
		"another format":    {edited(t, dir, replace(`"format": 1`, `"format": 99`)), "format 99; this detgen reads format 1"},
		"another type":      {edited(t, dir, replace(`"mtu": 1500`, `"mtu": "big"`)), "run.json is damaged: run.hosts.transport.mtu cannot be a string"},
		"no captures":       {edited(t, dir, replace(`"captures": \[[^\]]*\]`, `"captures": []`)), "run.json is damaged: it names no hosts, no activities or no captures"},
		"capture elsewhere": {edited(t, dir, replace(`captures/client.pcap`, `../../client.pcap`)), `run.json is damaged: result.captures[0].file "../../client.pcap": must be the name of a file below the run directory`},
		"unknown image":     {edited(t, dir, replace(`("image": "ping-client",\s*"digest": "sha256:)[0-9a-f]+`, "${1}"+none)), "image ping-client (sha256:" + none + ") is not in the cache, and the catalogue's recipe makes another (sha256:"},
		"changed capture":   {broken, "client.pcap is not as it was recorded: its SHA-256 is"},
		"missing capture":   {gone, "captures/target.pcap is missing"},
	} {
		code, stdout, stderr := run("verify", dir, c.dir)
		if code != exitRequest || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("%s: exit code %d, error %q, output %q; want %q", name, code, stderr, stdout, c.want)
		}
	}
	if code, _, stderr := run("run", "ping/echo", "--engine", "live", "--check", "-o", filepath.Join(t.TempDir(), "x")); code != exitRequest || !strings.Contains(stderr, "only the exact engine gives the same bytes again") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
