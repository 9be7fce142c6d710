package model

import "testing"

func TestBuiltins(t *testing.T) {
	for _, name := range Builtins() {
		m, err := Open(name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if d := m.Describe(); d.Name != name || d.Hash == "" || d.Trained == "" || d.Threshold == nil || m.Close() != nil {
			t.Errorf("%s is described as %+v", name, d)
		}
	}
}
