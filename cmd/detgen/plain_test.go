package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detgen/internal/plain"
)

// TestOutputActsOnNoTerminal audits flows whose label has escape sequences, and reads a run directory named by some.
func TestOutputActsOnNoTerminal(t *testing.T) {
	const evil = "\x1b[2J\x1b]0;title\x07\x7f\U000e0041\u202eevil"
	var csv strings.Builder
	csv.WriteString("Source IP,Source Port,Destination IP,Destination Port,Protocol,Flow Duration,Total Fwd Packets,Label\n")
	for i := range 60 {
		label := "BENIGN"
		if i%2 == 0 {
			label = evil
		}
		fmt.Fprintf(&csv, "10.0.0.%d,%d,10.0.1.1,80,6,%d,%d,%s\n", i%5, 1000+i, i*37%91, i%9, label)
	}
	file := filepath.Join(t.TempDir(), "flows.csv")
	if err := os.WriteFile(file, []byte(csv.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"audit", file}, {"audit", file, "--json"}, {"show", evil}} {
		_, stdout, stderr := outcome(t, detgen(t, args...))
		if stdout != plain.Text(stdout) || stderr != plain.Text(stderr) {
			t.Errorf("%q wrote %q and %q", args, stdout, stderr)
		}
		if args[len(args)-1] == "--json" && !json.Valid([]byte(stdout)) {
			t.Errorf("%q wrote no JSON: %s", args, stdout)
		}
		if !strings.Contains(stdout+stderr, `\u202eevil`) {
			t.Errorf("%q does not name what is evil: %s%s", args, stdout, stderr)
		}
	}
}
