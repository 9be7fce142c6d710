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
