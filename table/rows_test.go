package table

import (
	"io"
	"strings"
	"testing"
)

// endless gives a text again and again.
type endless struct{ text string }

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], e.text)
	}
	return n, nil
}

// A row without an end is an error, however it goes on; as many as there are of a fit size are read.
func TestRowsAreBounded(t *testing.T) {
	for name, text := range map[string]string{"wide": "abc", "columns": ",", "quoted": "\"a", "lines": "\"a\n"} {
		rows := ReadRows(io.MultiReader(strings.NewReader("a,b\n1,\"2\n3\"\n"+text), endless{strings.TrimLeft(text, "\"")}))
		for i, want := range []string{"b", "2\n3"} {
			if row, err := rows.Read(); err != nil || row[1] != want {
				t.Fatalf("%s: row %d is %q, %v", name, i, row, err)
			}
		}
		if row, err := rows.Read(); err == nil || !strings.Contains(err.Error(), "a row has more than 4 MiB") {
			t.Errorf("%s: got %d columns, %v", name, len(row), err)
		}
	}
	if row, err := ReadRows(strings.NewReader(strings.Repeat(",", MaxColumns))).Read(); err == nil || !strings.Contains(err.Error(), "10001 columns") {
		t.Errorf("got %d columns, %v", len(row), err)
	}
	long := strings.Repeat(strings.Repeat("x", MaxRow/2)+",y\n", 9)
	if rows, err := ReadRows(strings.NewReader(long)).ReadAll(); err != nil || len(rows) != 9 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
