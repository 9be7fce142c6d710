package record

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"detgen/internal/plain"
)

// isSum tells if a text is a SHA-256 as it is written here. (A regular expression with so many repetitions takes longer to
// be made than a small program to start.)
func isSum(text string) bool { return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == "" }

// CheckDigest finds a digest that is not "sha256:" and 64 hexadecimal digits in lower case.
func CheckDigest(text string) error {
	if sum, ok := strings.CutPrefix(text, "sha256:"); !ok || !isSum(sum) {
		return fmt.Errorf("digest %q: must be sha256: and 64 hexadecimal digits", text)
	}
	return nil
}

// checkName finds names that may not be parts of paths.
func checkName(field, name string) error {
	const begin = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	if len(name) == 0 || len(name) > 128 || !strings.Contains(begin, name[:1]) || strings.Trim(name, begin+"._-") != "" {
		return fmt.Errorf("%s %q: must be 1 to 128 letters, digits, dots, underscores and hyphens, and not start with one of the last three", field, name)
	}
	return nil
}

// isFileName tells if a text is the name of a file below a run directory: of characters that are shown, and as long as a name
// can be (PATH_MAX, linux/limits.h).
func isFileName(name string) bool {
	return filepath.IsLocal(name) && filepath.ToSlash(filepath.Clean(name)) == name && len(name) < 4096 && plain.Text(name) == name && !strings.ContainsAny(name, "\n\t")
}

// MaxFrames is the most frames that a capture can have.
const MaxFrames = 1 << 31

// Check finds what no run has: an empty list of activities, names that lead out of the run directory, digests that are
// none, links that cannot be. An error names the field, its value, and what would be right.
func (r *Record) Check() error {
	hosts := map[string]map[string]bool{} // and their interfaces
	if len(r.Run.Hosts) == 0 {
		return fmt.Errorf("run.hosts: is empty; a run has at least one host")
	}
	for i := range r.Run.Hosts {
		h := &r.Run.Hosts[i]
		field := fmt.Sprintf("run.hosts[%d]", i)
		if hosts[h.Name] != nil {
			return fmt.Errorf("%s.name %q: another host has it", field, h.Name)
		}
		interfaces, err := h.check(field)
		if err != nil {
			return err
		}
		hosts[h.Name] = interfaces
	}
	taps := map[string]bool{}
	for i := range r.Run.Networks {
		n := &r.Run.Networks[i]
		if err := checkName(fmt.Sprintf("run.networks[%d].name", i), n.Name); err != nil {
			return err
		}
		if n.Tap && hosts[TapName(n.Name)] != nil {
			return fmt.Errorf("run.networks[%d].name %q: a host is called %s, as the tap is", i, n.Name, TapName(n.Name))
		}
		taps[n.Name] = n.Tap
	}
	if len(r.Run.Activities) == 0 {
		return fmt.Errorf("run.activities: is empty; the first one is the main activity")
	}
	for i := range r.Run.Activities {
		if err := r.Run.Activities[i].check(fmt.Sprintf("run.activities[%d]", i), hosts); err != nil {
			return err
		}
	}
	if t := r.Run.Twin; t != "" && t != TwinA && t != TwinB {
		return fmt.Errorf("run.twin %q: must be %s, %s or empty", t, TwinA, TwinB)
	}
	return r.Result.check(hosts, taps)
}

func (h *Host) check(field string) (interfaces map[string]bool, err error) {
	if err := checkName(field+".name", h.Name); err != nil {
		return nil, err
	}
	if err := CheckDigest(h.Digest); err != nil {
		return nil, fmt.Errorf("%s.%w", field, err)
	}
	interfaces = map[string]bool{}
	for i := range h.Interfaces {
		n := &h.Interfaces[i]
		field := fmt.Sprintf("%s.interfaces[%d]", field, i)
		if err := checkName(field+".name", n.Name); err != nil {
			return nil, err
		}
		if interfaces[n.Name] {
			return nil, fmt.Errorf("%s.name %q: another interface of the host has it", field, n.Name)
		}
		interfaces[n.Name] = true
		if mac, err := net.ParseMAC(n.MAC); err != nil || len(mac) != 6 {
			return nil, fmt.Errorf("%s.mac %q: must be six bytes like 02:00:00:00:00:01", field, n.MAC)
		}
		links := map[string]*Link{"up": &n.Up, "down": &n.Down}
		if n.Twin != nil {
			for i, name := range []string{TwinA, TwinB} {
				links["twin.up of "+name], links["twin.down of "+name] = &n.Twin.Up[i], &n.Twin.Down[i]
			}
		}
		for name, l := range links {
			if err := l.Check(); err != nil {
				return nil, fmt.Errorf("%s.%s: %w", field, name, err)
			}
		}
	}
	for i, f := range h.Files {
		if !filepath.IsAbs(f.Path) || strings.Contains(f.Path+"/", "/../") || strings.ContainsRune(f.Path, 0) {
			return nil, fmt.Errorf("%s.files[%d].path %q: must be an absolute path without parent folders", field, i, f.Path)
		}
	}
	for i, s := range h.Services {
		if err := checkName(fmt.Sprintf("%s.services[%d].name", field, i), s.Name); err != nil {
			return nil, err
		}
	}
	return interfaces, nil
}

func (a *Activity) check(field string, hosts map[string]map[string]bool) error {
	if err := checkName(field+".name", a.Name); err != nil {
		return err
	}
	if len(a.Scripts) == 0 {
		return fmt.Errorf("%s.scripts: is empty; an activity has at least one script", field)
	}
	if a.Chain != nil {
		for i, host := range a.Chain.Way {
			if hosts[host] == nil {
				return fmt.Errorf("%s.chain.way[%d] %q: the run has no such host", field, i, host)
			}
		}
	}
	for list, scripts := range map[string][]Script{"warmup": a.Warmup, "scripts": a.Scripts} {
		for i := range scripts {
			if hosts[scripts[i].Host] == nil {
				return fmt.Errorf("%s.%s[%d].host %q: the run has no such host", field, list, i, scripts[i].Host)
			}
		}
	}
	return nil
}

func (r *Result) check(hosts map[string]map[string]bool, taps map[string]bool) error {
	if r.Status != Complete && r.Status != Failed {
		return fmt.Errorf("result.status %q: must be %s or %s", r.Status, Complete, Failed)
	}
	seen := map[[3]string]bool{}
	for i := range r.Captures {
		c := &r.Captures[i]
		field := fmt.Sprintf("result.captures[%d]", i)
		place := [3]string{c.Host, c.Interface, c.Network}
		switch {
		case c.IsTap() && (c.Host != "" || c.Interface != ""):
			return fmt.Errorf("%s: is of a network and of a host: only one of both", field)
		case c.IsTap() && !taps[c.Network]:
			return fmt.Errorf("%s: the run has no tap of a network %q", field, c.Network)
		case !c.IsTap() && !hosts[c.Host][c.Interface]:
			return fmt.Errorf("%s: the run has no interface %q of host %q", field, c.Interface, c.Host)
		case seen[place]:
			return fmt.Errorf("%s: there is another capture of %s", field, c.At())
		case !isFileName(c.File):
			return fmt.Errorf("%s.file %q: must be the name of a file below the run directory", field, c.File)
		case !isSum(c.SHA256):
			return fmt.Errorf("%s.sha256 %q: must be 64 hexadecimal digits", field, c.SHA256)
		case c.Frames > MaxFrames:
			return fmt.Errorf("%s.frames %d: must be at most %d", field, c.Frames, MaxFrames)
		case c.Bytes < 0:
			return fmt.Errorf("%s.bytes %d: must not be negative", field, c.Bytes)
		}
		seen[place] = true
	}
	for i := range r.Links {
		l := &r.Links[i]
		if !hosts[l.Host][l.Interface] {
			return fmt.Errorf("result.links[%d]: the run has no interface %q of host %q", i, l.Interface, l.Host)
		}
		if l.Direction != Up && l.Direction != Down {
			return fmt.Errorf("result.links[%d].direction %q: must be up or down", i, l.Direction)
		}
	}
	for i := range r.Images {
		if err := CheckDigest(r.Images[i].Digest); err != nil {
			return fmt.Errorf("result.images[%d].%w", i, err)
		}
	}
	return nil
}
