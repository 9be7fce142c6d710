package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"detgen/engine/exact"
	"detgen/engine/live"
	"detgen/engine/vm"
	"detgen/image"
	"detgen/lab"

	"github.com/spf13/cobra"
)

// finding is one line of what "detgen doctor" found.
type finding struct {
	For  string `json:"for"` // what needs it: "live engine", "images", ...
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Mend string `json:"mend,omitempty"`
}

// newDoctor is "detgen doctor": what this machine can do, what is missing and how to get it.
func newDoctor() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine can do, what is missing and how to get it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings := examine(cmd.Context())
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(findings)
			}
			return printFindings(cmd.OutOrStdout(), findings)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

// examine checks everything that some command needs.
func examine(ctx context.Context) []finding {
	var findings []finding
	add := func(what, name string, err error) {
		f := finding{For: what, Name: name, OK: err == nil}
		if err != nil {
			f.Mend = err.Error()
		}
		findings = append(findings, f)
	}
	for _, r := range lab.Requirements("") {
		add(live.Name+" engine", r.Name, r.Err)
	}
	cache, err := image.CacheDir("")
	if err != nil {
		add(exact.Name+" engine", "cache", err)
	}
	for _, r := range exact.Requirements(ctx, cache) {
		add(exact.Name+" engine", r.Name, r.Err)
	}
	for _, r := range vm.Programs() {
		add(vm.Name+" engine", r.Name, r.Err)
	}
	for _, p := range []struct{ what, program, packageName string }{
		{"images", "mmdebstrap", "mmdebstrap"},
		{"images", "apt-get", "apt"},
		{"images", "mkfs.erofs", "erofs-utils"},
	} {
		_, err := exec.LookPath(p.program)
		if err != nil {
			err = fmt.Errorf("install it: apt-get install %s", p.packageName)
		}
		add(p.what, p.program, err)
	}
	return findings
}

func printFindings(out io.Writer, findings []finding) error {
	missing := 0
	for _, f := range findings {
		state := "ok"
		if !f.OK {
			state = "missing"
			missing++
		}
		fmt.Fprintf(out, "%-8s %-14s %-22s %s\n", state, f.For, f.Name, f.Mend)
	}
	if missing > 0 {
		return errors.New("something is missing; see above")
	}
	return nil
}
