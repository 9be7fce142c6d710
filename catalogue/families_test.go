package catalogue_test

import (
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detgen/catalogue"
	"detgen/internal/docs"
	"detgen/internal/markdown"
	"detgen/record"
	"detgen/scenario"
	"detgen/scenario/format"
)

// ownAddresses are those that frames of a run may come from: with IPv6 also the link-local ones that the kernel makes
// from the MAC addresses (RFC 4291, appendix A), and none, before a host is sure of its own.
func ownAddresses(t *testing.T, r *record.Record) map[netip.Addr]bool {
	t.Helper()
	own := map[netip.Addr]bool{}
	for _, h := range r.Run.Hosts {
		for _, i := range h.Interfaces {
			for _, a := range i.Addresses() {
				own[a.Addr()] = true
			}
			if r.Run.Family() == record.IPv4 {
				continue
			}
			mac, err := net.ParseMAC(i.MAC)
			if err != nil {
				t.Fatal(err)
			}
			own[netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: mac[0] ^ 2, 9: mac[1], 10: mac[2], 11: 0xff, 12: 0xfe, 13: mac[3], 14: mac[4], 15: mac[5]})] = true
			own[netip.IPv6Unspecified()] = true
		}
	}
	return own
}

// familySample are the runs that are made without -full: a name looked up, a page over both families, a login.
var familySample = []testCase{
	{"ping/name", map[string]string{"network.family": "dual"}},
	{"web/get", map[string]string{"network.family": "dual", "client.implementation": "wget"}},
	{"web/get", map[string]string{"network.family": "ipv6", "server.implementation": "apache2", "params.protocol": "https"}},
	{"ssh/command", map[string]string{"network.family": "ipv6", "link.client.both.loss": "3%", "link.client.both.delay": "5ms"}},
}

// inFamily gives a run of a task in a family: with the defaults or, where these cannot, with the first programs that can.
func inFamily(c *scenario.Catalogue, about *scenario.About, task scenario.AboutTask, p catalogue.Plan, family string) (testCase, error) {
	asked := map[string]string{"network.family": family}
	tc := newCase(about, task, p.Set, nil, asked)
	err := resolve(c, tc)
	if err == nil {
		return tc, nil
	}
	for _, set := range product(implementations(about, task, nil)) {
		if other := newCase(about, task, p.Set, nil, asked, set); resolve(c, other) == nil {
			return other, nil
		}
	}
	return tc, err
}

// TestFamilies resolves every task with IPv6 and with both families, and makes some runs: with -full one of each
// scenario with IPv6. Every frame must be of the lab's own hosts, every packet after the setup belong to the task, and
// Wireshark find nothing malformed.
func TestFamilies(t *testing.T) {
	c := openCatalogue(t)
	list := slices.Clone(familySample)
	for _, name := range c.Names() {
		s := scenarioOf(t, c, name)
		about, p := s.About(), readPlan(t, name)
		ran := false
		for _, task := range about.Tasks {
			for _, family := range []string{record.IPv6, record.Dual} {
				tc, err := inFamily(c, about, task, p, family)
				switch {
				case err != nil && !strings.Contains(err.Error(), "is not possible here"):
					t.Errorf("%s: %v", tc.name(), err)
				case err == nil && family == record.IPv6 && *full && !ran:
					list, ran = append(list, tc), true
				}
			}
		}
	}
	if testing.Short() {
		return
	}
	detgen := needLabs(t)
	for i, tc := range list {
		t.Run(tc.name(), func(t *testing.T) {
			t.Parallel()
			dir := execute(t, detgen, tc, i+1)
			r, err := record.Read(dir)
			if err != nil {
				t.Fatal(err)
			}
			s, err := c.Scenario(strings.Split(tc.task, "/")[0])
			if err != nil {
				t.Fatal(err)
			}
			checkLabels(t, s.About(), tc, r, dir)
			checkFrames(t, r, dir)
			if got := r.Run.Family(); got != tc.set["network.family"] {
				t.Errorf("family %s", got)
			}
			if r.Result.Truth.Attributed < 1 || r.Result.Truth.Explained < 1 {
				t.Errorf("%v of the packets attributed, %v explained", r.Result.Truth.Attributed, r.Result.Truth.Explained)
			}
			for _, capture := range r.Result.Captures {
				file := filepath.Join(dir, capture.File)
				out, err := exec.Command("tshark", "-n", "-r", file, "-Y", "_ws.malformed and not http").CombinedOutput() // bodies are made from random bytes
				if lines := strings.TrimSpace(string(out)); err != nil || strings.Contains(lines, "Malformed") {
					t.Errorf("%s: tshark: %v\n%s", capture.File, err, lines)
				}
				if !*full {
					break // tshark takes longer than the run
				}
			}
		})
	}
}

// TestFamiliesAreListed keeps the list of what cannot have a family in docs/families.md the same as the catalogue's.
func TestFamiliesAreListed(t *testing.T) {
	if testing.Short() {
		t.Skip("compares a document with the whole catalogue, which grows in several places at once")
	}
	c := openCatalogue(t)
	var text strings.Builder
	limited := 0
	for _, name := range c.Names() {
		s := scenarioOf(t, c, name)
		if lines := refusals(s); len(lines) > 0 {
			limited++
			text.WriteString(strings.Join(lines, ""))
		}
	}
	head := fmt.Sprintf("%d of %d scenarios work in every family, with every program. In the others is refused:\n\n", len(c.Names())-limited, len(c.Names()))
	docs.Compare(t, "../docs/families.md", "families", head+text.String())
}

// refusals are lines of what of a scenario cannot have a family.
func refusals(s *scenario.Scenario) []string {
	var lines []string
	add := func(what string, cannot map[string]format.Text) {
		for _, family := range sorted(cannot) {
			lines = append(lines, markdown.Item("", fmt.Sprintf("`%s` of **%s**%s: %s", family, s.Name, what, cannot[family].Text)))
		}
	}
	add("", s.NoFamily)
	for _, host := range sorted(s.Hosts) {
		add(", host "+host, s.Hosts[host].NoFamily)
		for _, i := range sorted(s.Hosts[host].Implementations) {
			add(", "+host+" with "+i, s.Hosts[host].Implementations[i].NoFamily)
		}
	}
	for _, task := range sorted(s.Tasks) {
		add(", task "+task, s.Tasks[task].NoFamily)
	}
	for _, of := range []map[string]*format.Variant{s.Failures, s.Caching} {
		for _, v := range sorted(of) {
			add(", "+v, of[v].NoFamily)
		}
	}
	return lines
}
