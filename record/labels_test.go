package record

import "testing"

func TestLabelsOfAScriptCountForItsHost(t *testing.T) {
	attack, benign := Labels{Class: "attack", Family: "dos"}, Labels{Class: "benign"}
	a := Activity{Labels: attack, Scripts: []Script{{Host: "attacker"}, {Host: "user", Labels: &benign}}}
	for _, c := range []struct {
		client, server string
		want           Labels
	}{
		{"attacker", "server", attack},
		{"user", "server", benign},
		{"attacker", "user", attack},
		{"server", "user", benign}, // the server answers by a connection of its own, as FTP does
		{"", "", attack},
	} {
		if got := a.LabelsOf(c.client, c.server); got != c.want {
			t.Errorf("from %q to %q: got %v, want %v", c.client, c.server, got, c.want)
		}
	}
}

func TestChainsOfAWay(t *testing.T) {
	way := []string{"attacker", "stone-1", "stone-2", "server"}
	relayed := Activity{Name: "main", Chain: &Chain{Way: way, Relayed: true}}
	own := Activity{Name: "background-2", Chain: &Chain{Way: way}}
	for _, c := range []struct{ client, server, relayed, own string }{
		{"attacker", "stone-1", "main/1", "background-2/1"},
		{"stone-1", "stone-2", "main/1", "background-2/2"},
		{"stone-2", "server", "main/1", "background-2/3"},
		{"stone-1", "attacker", "", ""}, // the other way round
		{"attacker", "server", "", ""},  // past the stones
		{"", "", "", ""},
	} {
		if got := relayed.ChainOf(c.client, c.server); got != c.relayed {
			t.Errorf("relayed, %s to %s: %q, want %q", c.client, c.server, got, c.relayed)
		}
		if got := own.ChainOf(c.client, c.server); got != c.own {
			t.Errorf("of their own, %s to %s: %q, want %q", c.client, c.server, got, c.own)
		}
		if got := (&Activity{Name: "main"}).ChainOf(c.client, c.server); got != "" {
			t.Errorf("no way: %q", got)
		}
	}
}
