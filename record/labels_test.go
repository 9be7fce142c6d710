package record

import "testing"

func TestLabelsOfAHost(t *testing.T) {
	attack, benign := Labels{Class: "attack", Family: "dos", Technique: "T1499.002"}, Labels{Class: "benign"}
	a := Activity{Labels: attack, Scripts: []Script{{Host: "attacker"}, {Host: "visitor", Labels: &benign}}}
	for host, want := range map[string]Labels{"attacker": attack, "visitor": benign, "server": attack, "": attack} {
		if got := a.LabelsOf(host); got != want {
			t.Errorf("LabelsOf(%q) is %v, want %v", host, got, want)
		}
	}
}
