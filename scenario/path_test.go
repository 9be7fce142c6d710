package scenario_test

import (
	"slices"
	"strings"
	"testing"

	"detgen/record"
	"detgen/scenario"
)

const ends = `
hosts:
  client: {image: base}
  server: {image: base}
  names: {image: base}
tasks:
  t: {title: T, scripts: {client: tasks/t.sh}, expect: {x: "1"}}
`

func resolvePath(t *testing.T, background bool, set ...string) (*record.Run, error) {
	t.Helper()
	c := one(t, map[string]string{"ends": ends, "other": ends})
	settings, err := scenario.ParseSettings(set...)
	if err != nil {
		t.Fatal(err)
	}
	s := &scenario.Spec{Task: "ends/t", Set: settings}
	if background {
		s.Background = []*scenario.Background{{Task: "other/t"}}
	}
	return c.Resolve(s, 1, func(string) (string, error) { return "sha256:0", nil })
}

// A path divides the network: who begins is before it, all others behind it; a background activity's hosts likewise. The
// first router has the bottleneck, and everybody has routes.
func TestAPathLiesBetweenTheHosts(t *testing.T) {
	run, err := resolvePath(t, true, "path.hops=3", "path.rate=10mbit", "path.queue=codel", "path.delay=5ms", "transport.mtu=1400", "network.tap=true")
	if err != nil {
		t.Fatal(err)
	}
	networks := map[string]string{}
	for _, h := range run.Hosts {
		var on []string
		for _, card := range h.Interfaces {
			on = append(on, card.Network)
		}
		networks[h.Name] = strings.Join(on, " ")
		if len(h.Routes) != 5-len(h.Interfaces)-1 {
			t.Errorf("host %s on %s has %d routes", h.Name, on, len(h.Routes))
		}
		if h.Transport.MTU != 1400 || h.Forward != strings.HasPrefix(h.Name, "hop-") {
			t.Errorf("host %s: MTU %d, forwards %v", h.Name, h.Transport.MTU, h.Forward)
		}
	}
	for host, want := range map[string]string{
		"client": "lan", "server": "lan-far", "names": "lan-far", "background-1-client": "lan", "background-1-server": "lan-far", "background-1-names": "lan-far",
		"hop-1": "lan path-1", "hop-2": "path-1 path-2", "hop-3": "path-2 lan-far",
	} {
		if networks[host] != want {
			t.Errorf("%s is on %q, want %q", host, networks[host], want)
		}
	}
	for _, n := range run.Networks {
		if !n.Tap {
			t.Errorf("network %s has no tap", n.Name)
		}
	}
	hop := run.Hosts[slices.IndexFunc(run.Hosts, func(h record.Host) bool { return h.Name == "hop-1" })]
	for _, card := range hop.Interfaces {
		if card.Up.String() != "queue=codel rate=10000000bit/s limit=100" || card.Down.String() != "delay=5ms" {
			t.Errorf("%s: up %s, down %s", card.Name, card.Up.String(), card.Down.String())
		}
	}
	same, err := resolvePath(t, false)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := run.Hosts[0].Interfaces[0], same.Hosts[0].Interfaces[0]; a.Address != b.Address || a.MAC != b.MAC {
		t.Errorf("the path moves the client from %v %s to %v %s", b.Address, b.MAC, a.Address, a.MAC)
	}
}

func TestAPathOfOnesChoice(t *testing.T) {
	run, err := resolvePath(t, false, "path.hops=1", "path.near=client,names", "link.server.lan.up.delay=3ms")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range run.Hosts {
		if want := map[string]string{"client": "lan", "names": "lan", "server": "lan-far", "hop-1": "lan"}[h.Name]; h.Interfaces[0].Network != want {
			t.Errorf("%s is on %s, want %s", h.Name, h.Interfaces[0].Network, want)
		}
		if delay := h.Interfaces[0].Up.Delay; (delay == 3e6) != (h.Name == "server") {
			t.Errorf("%s: delay %v", h.Name, delay)
		}
	}
}

func TestBadPaths(t *testing.T) {
	for _, c := range []struct {
		set  []string
		want string
	}{
		{[]string{"path.hops=61"}, "path.hops: \"61\": must be from 0 to 60"},
		{[]string{"path.hops=-1"}, "must be from 0 to 60"},
		{[]string{"path.rate=10mbit"}, "there is no path: set path.hops, too"},
		{[]string{"path.hops=2", "path.queue=pie"}, "must be one of fifo, codel, fq_codel, red"},
		{[]string{"path.hops=2", "path.queue=codel"}, "needs a rate: set path.rate, too"},
		{[]string{"path.hops=2", "path.near=nobody"}, `"nobody": no such host in this task`},
		{[]string{"path.hops=2", "path.near=client,server,names"}, `nothing is behind the path: all hosts of network "lan" are before it`},
		{[]string{"path.hops=20", "transport.ttl=20"}, "have a time to live of 20 (transport.ttl), which ends on the way"},
		{[]string{"path.hop=2"}, `did you mean "path.hops"?`},
	} {
		if _, err := resolvePath(t, false, c.set...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.set, err, c.want)
		}
	}
}
