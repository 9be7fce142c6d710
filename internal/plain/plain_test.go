package plain

import (
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"plain, ä and 日本\n\ttoo":  "plain, ä and 日本\n\ttoo",
		"\x1b[2J\x1b]0;title\x07": `\x1b[2J\x1b]0;title\a`,
		"a\rb\x00\x7f":            `a\rb\x00\x7f`,
		"\u009b31m":               `\u009b31m`,
		"ab\u202ecd":              `ab\u202ecd`,
		"a\xffb":                  `a\xffb`,
		"\ufffd":                  "\ufffd",
	} {
		if got := Text(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
		var b strings.Builder
		if n, err := Writer(&b).Write([]byte(in)); n != len(in) || err != nil || b.String() != want {
			t.Errorf("%q: wrote %s, %d, %v", in, b.String(), n, err)
		}
	}
}
