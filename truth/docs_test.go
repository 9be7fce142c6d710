package truth

import (
	"flag"
	"os"
	"strings"
	"testing"

	"detgen/flow"
	"detgen/table"
)

var update = flag.Bool("update", false, "write the columns into docs/truth.md")

// generated compares the part of a document between two marks with what it must be.
func generated(t *testing.T, path, mark, want string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), "<!-- "+mark+" -->\n")
	_, after, ok2 := strings.Cut(rest, "<!-- end of "+mark+" -->")
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the %s", path, mark)
	}
	whole := before + "<!-- " + mark + " -->\n" + want + "<!-- end of " + mark + " -->" + after
	if whole == string(content) {
		return
	}
	if !*update {
		t.Fatalf("the %s in %s are not those of the code; go test ./truth -run Documented -update writes them", mark, path)
	}
	if err := os.WriteFile(path, []byte(whole), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestColumnsAreDocumented(t *testing.T) {
	generated(t, "../docs/truth.md", "packet columns", table.Document(PacketColumns()))
	columns := ConnectionColumns()
	generated(t, "../docs/truth.md", "connection columns", table.Document(columns[:len(columns)-flow.Statistics]))
}
