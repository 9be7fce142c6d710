package value

import "testing"

func TestBoundsAreTold(t *testing.T) {
	for _, c := range []struct {
		name       string
		definition Definition
		text, want string
	}{
		{"both", Definition{Type: Int, Min: "1", Max: "5"}, "6", "must be from 1 to 5"},
		{"only a least", Definition{Type: Int, Min: "1"}, "0", "must be at least 1"},
		{"only a most", Definition{Type: Int, Max: "5"}, "6", "must be at most 5"},
		{"a time below 0 without bounds", Definition{Type: Time}, "-5ms", "must be at least 0"},
		{"a size below 0 with a most", Definition{Type: Bytes, Max: "1kB"}, "-5B", "must be from 0 to 1kB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.definition.Parse(c.text); err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
