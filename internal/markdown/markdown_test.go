package markdown

import (
	"strings"
	"testing"
)

func TestItem(t *testing.T) {
	got := Item("  ", strings.Repeat("word ", 30)+"`code in one piece` end")
	for line := range strings.Lines(got) {
		if len(line) > Width+1 {
			t.Errorf("%d bytes: %s", len(line), line)
		}
	}
	lines := strings.Split(got, "\n")
	if !strings.HasPrefix(lines[0], "  - word") || !strings.HasPrefix(lines[1], "    word") || !strings.Contains(got, "`code in one piece`") {
		t.Errorf("got\n%s", got)
	}
	if strings.Join(strings.Fields(got)[1:], " ") != strings.Repeat("word ", 30)+"`code in one piece` end" {
		t.Errorf("words were lost:\n%s", got)
	}
}
