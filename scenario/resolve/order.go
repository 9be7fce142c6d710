package resolve

import (
	"slices"
	"strings"

	"detgen/internal/problem"
)

// checkOrder drops what is not waited for, and finds circles among services.
func checkOrder(d *draft, lab *lab) {
	after := map[string][]string{}
	for _, h := range lab.hosts {
		previous := ""
		for _, s := range h.Services {
			name := h.Name + "/" + s.Name
			after[name] = nil
			if previous != "" {
				after[name] = append(after[name], previous)
			}
			previous = name
		}
	}
	for _, h := range lab.hosts {
		for i := range h.Services {
			s := &h.Services[i]
			s.After = slices.DeleteFunc(s.After, func(name string) bool { _, started := after[name]; return !started })
			after[h.Name+"/"+s.Name] = append(after[h.Name+"/"+s.Name], s.After...)
		}
	}
	done := map[string]bool{}
	for _, name := range sortedKeys(after) {
		if circle := findCircle(after, name, nil, done); circle != nil {
			d.problems.Add(problem.Position{}, "services", "", "wait for each other in a circle: %s", strings.Join(circle, " after "))
			return
		}
	}
}

// findCircle follows what comes before a service, behind those of a chain; nil when that ends.
func findCircle(after map[string][]string, name string, chain []string, done map[string]bool) []string {
	if i := slices.Index(chain, name); i >= 0 {
		return append(chain[i:], name)
	}
	if done[name] {
		return nil
	}
	for _, earlier := range after[name] {
		if circle := findCircle(after, earlier, append(slices.Clone(chain), name), done); circle != nil {
			return circle
		}
	}
	done[name] = true
	return nil
}
