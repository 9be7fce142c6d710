package record

import (
	"encoding/json"
	"strings"
	"testing"
)

// What the labs of two twins get differs in the name of the twin alone.
func TestTwinsDifferInNothingButTheirName(t *testing.T) {
	make := func(loss float64, size string) *Run {
		n := Interface{Name: "eth0", Up: Link{Loss: loss}, Down: Link{Loss: loss}}
		return &Run{Values: []Value{{Name: "loss", Value: size}}, Hosts: []Host{{Name: "client", Interfaces: []Interface{n}}, {Name: "server", Interfaces: []Interface{{Name: "eth0"}}}}}
	}
	a, b := make(0, "x"), make(0.01, "yy")
	if !JoinTwins(a, b) {
		t.Fatal("not joined")
	}
	text := func(r *Run) string {
		content, err := json.Marshal(r.Bare())
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	if got, want := text(b), strings.Replace(text(a), `"twin":"a"`, `"twin":"b"`, 1); got != want {
		t.Errorf("b is\n%s\nnot\n%s", got, want)
	}
	for i, r := range []*Run{a, b} {
		n := r.Hosts[0].Interfaces[0]
		if TwinIndex(r.Twin) != i || n.Up.Loss != n.Twin.Up[i].Loss || r.Hosts[1].Interfaces[0].Twin != nil || len(r.Values) == 0 {
			t.Errorf("twin %d is %+v", i, r)
		}
	}
	other := make(0, "x")
	other.Hosts[1].Memory = 1
	if single := make(0, "x"); JoinTwins(single, other) || single.Twin != "" {
		t.Error("runs that differ in a host were joined")
	}
}
