package plain

import (
	"encoding/json"
	"errors"
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

func TestJSONKeepsItsMeaning(t *testing.T) {
	const text = "ä\x1b[2J\x7f\u009b\u202e\U000e0041\u2028\n"
	var b strings.Builder
	e := json.NewEncoder(JSON(&b))
	e.SetIndent("", "\t")
	if err := e.Encode([]string{text}); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != Text(got) || !strings.Contains(got, `\u009b\u202e\udb40\udc41\u2028\n`) {
		t.Errorf("wrote %q", got)
	}
	var read []string
	if err := json.Unmarshal([]byte(b.String()), &read); err != nil || read[0] != text {
		t.Errorf("%s is read as %q, %v", b.String(), read, err)
	}
}

func TestErrorIsShort(t *testing.T) {
	long := errors.New("x.json: name \"" + strings.Repeat("a", 10<<20) + "\": must be short\n\x1b[2J second")
	shown := Error(long)
	if len(shown) > 2200 || !strings.HasPrefix(shown, "x.json: name") || !strings.Contains(shown, "must be short\n\\x1b[2J second") {
		t.Errorf("%d bytes: %s", len(shown), shown[:min(len(shown), 3000)])
	}
}
