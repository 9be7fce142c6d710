package record

import "testing"

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		expected, observed string
		want               bool
	}{
		{"200", "200", true},
		{"200", "2000", false},
		{"any", "", true},
		{"~^2..$", "204", true},
		{"~^2..$", "404", false},
		{">=10", "10", true},
		{">10", "10", false},
		{"<=1.5", "1.4", true},
		{"<3", "3", false},
		{">=1", "many", false},
		{"3..5", "5", true},
		{"3..5", "5.1", false},
		{"3..5", "many", false},
		{"!root", "daemon", true},
		{"!root", "root", false},
		{"=any", "any", true},
		{"=any", "other", false},
		{"=~x", "~x", true},
	} {
		got, err := Match(c.expected, c.observed)
		if err != nil || got != c.want {
			t.Errorf("Match(%q, %q) = %v, %v; want %v", c.expected, c.observed, got, err, c.want)
		}
	}
	for _, bad := range []string{"~(", ">=x", "5..3"} {
		if _, err := Match(bad, "1"); err == nil {
			t.Errorf("Match(%q) gave no error", bad)
		}
	}
}
