package catalogue_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"detgen/internal/docs"
	"detgen/internal/markdown"
	"detgen/record"
	"detgen/scenario/format"
)

var capabilityName = regexp.MustCompile(`[A-Z]+(_[A-Z]+)*`)

// named gives the capabilities that a setup names, whatever the values that decide on some of them.
func named(s *format.Setup) []string {
	var names []string
	for _, text := range s.Capabilities {
		for _, name := range capabilityName.FindAllString(text.Text, -1) {
			if record.CheckCapability(name) == nil && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// TestCapabilities keeps the list in docs/security.md the same as what the scenarios ask for.
func TestCapabilities(t *testing.T) {
	if testing.Short() {
		t.Skip("compares a document with the whole catalogue, which grows in several places at once")
	}
	c := openCatalogue(t)
	var text strings.Builder
	asked := map[string][]string{} // capability -> scenarios
	without := 0
	for _, name := range c.Names() {
		s := scenarioOf(t, c, name)
		var parts []string
		add := func(who string, setup *format.Setup) {
			names := named(setup)
			if len(names) > 0 {
				parts = append(parts, who+" "+strings.Join(names, " "))
			}
			if setup.NewPrivileges {
				parts = append(parts, who+" new_privileges")
			}
			for _, n := range names {
				if !slices.Contains(asked[n], name) {
					asked[n] = append(asked[n], name)
				}
			}
		}
		for _, host := range sorted(s.Hosts) {
			h := s.Hosts[host]
			add(host, &h.Setup)
			for _, i := range sorted(h.Implementations) {
				add(host+" with "+i, &h.Implementations[i].Setup)
			}
		}
		if len(parts) == 0 {
			without++
			continue
		}
		fmt.Fprintf(&text, "- **%s**:\n", name)
		for _, p := range parts {
			text.WriteString(markdown.Item("  ", p))
		}
	}
	var head strings.Builder
	for _, c := range record.Capabilities {
		fmt.Fprintf(&head, "- `%s`: %s. Scenarios: %d.\n", c.Name, c.For, len(asked[c.Name]))
	}
	fmt.Fprintf(&head, "\n%d of %d scenarios ask for none. The others, by host:\n\n", without, len(c.Names()))
	docs.Compare(t, "../docs/security.md", "capabilities", head.String()+text.String())
}
