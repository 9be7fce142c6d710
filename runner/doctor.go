package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"detgen/engine"
	"detgen/engine/engines"
	"detgen/image"
)

// Finding is one thing that some command needs of this computer.
type Finding struct {
	For  string `json:"for"` // what needs it: "live engine", "images", ...
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Mend string `json:"mend,omitempty"`
	// Limit is what goes without what is missing, or is refused; OK is true then.
	Limit string `json:"limit,omitempty"`
}

// Examine checks everything that some command needs.
func Examine(ctx context.Context) []Finding {
	var findings []Finding
	add := func(what, name string, err error) {
		f := Finding{For: what, Name: name, OK: err == nil}
		if err != nil {
			f.Mend = err.Error()
		}
		findings = append(findings, f)
	}
	cache, err := image.CacheDir("")
	if err != nil {
		add("every engine", "cache", err)
	}
	seen := map[string]bool{} // what several engines need is shown once
	for _, name := range engines.Names {
		e, err := engines.Open(name, engine.Config{Cache: cache})
		if err != nil {
			add(name+" engine", "engine", err)
			continue
		}
		for _, r := range e.Requirements(ctx, "") {
			if !seen[r.Name] {
				add(name+" engine", r.Name, r.Err)
				if r.Limit != nil {
					findings[len(findings)-1].Limit = r.Limit.Error()
				}
			}
			seen[r.Name] = true
		}
	}
	add("images", "builds", image.CheckUser())
	add("images", "keys of Debian", image.CheckKeys())
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

// WriteFindings prints a line for each finding. The error tells that something is missing.
func WriteFindings(out io.Writer, findings []Finding) error {
	missing := 0
	for _, f := range findings {
		state, text := "ok", f.Mend
		if f.Limit != "" {
			state, text = "limited", f.Limit
		}
		if !f.OK {
			state = "missing"
			missing++
		}
		fmt.Fprintf(out, "%-8s %-14s %-22s %s\n", state, f.For, f.Name, text)
	}
	if missing > 0 {
		return errors.New("something is missing; see above")
	}
	return nil
}
