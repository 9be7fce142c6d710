package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"detgen/internal/plain"
	"detgen/plot"
)

// What turns the direction of writing, or is not seen, is shown by name wherever a page has text of others.
func TestPagesShowWhatIsNotSeen(t *testing.T) {
	const evil = "a\u202eb\u2066c\u200bd\U000e0041\x1b[2J\u009b"
	figure, err := Curves("f", evil, &plot.Lines{Title: evil, XLabel: evil, YLabel: evil, Series: []plot.Series{{Name: evil, X: []float64{1, 2}, Y: []float64{1, 2}}}})
	if err != nil {
		t.Fatal(err)
	}
	p := &Page{Title: evil, Notes: []string{evil}, Commands: []string{evil}}
	s := p.add("s", evil)
	s.Text, s.Facts, s.Blocks, s.Files = []string{evil}, []Fact{{Name: evil, Value: evil, Link: evil}}, []Block{{evil, evil}}, []File{{evil, evil, evil}}
	s.Figures = []*Figure{figure}
	s.Tables = []*Table{{ID: "t", Caption: evil, Note: evil, Columns: []Column{{Name: evil, About: evil}}, Rows: [][]string{{evil}, {"x"}}, Start: evil}}
	var page bytes.Buffer
	if err := p.Write(&page, Shell{Tool: "test", Trail: []Fact{{Name: evil}}}); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	if text != plain.Text(text) {
		for line := range strings.Lines(text) {
			if line != plain.Text(line) {
				t.Errorf("a browser would act on %q", line)
			}
		}
	}
	if !strings.Contains(text, `a\u202eb\u2066c\u200bd\U000e0041`) {
		t.Error("the page does not name what is hidden")
	}
	data, err := s.Tables[0].Data()
	if err != nil {
		t.Fatal(err)
	}
	var table struct{ Columns []struct{ Values []string } }
	if err := json.Unmarshal([]byte(data), &table); err != nil || !strings.HasPrefix(table.Columns[0].Values[0], `a\u202eb\u2066c\u200bd`) {
		t.Errorf("the script gets %q, %v", table, err)
	}
}
