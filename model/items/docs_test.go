package items

import (
	"fmt"
	"strings"
	"testing"

	"detgen/internal/docs"
)

// TestRecipesAreDocumented compares docs/models.md with the code.
func TestRecipesAreDocumented(t *testing.T) {
	var b strings.Builder
	b.WriteString("| recipe | kind | what |\n|---|---|---|\n")
	for _, r := range Recipes() {
		var columns []string
		for _, c := range r.Columns {
			if len(r.Columns) < HeaderBytes {
				columns = append(columns, fmt.Sprintf("`%s` (%s)", c.Name, c.Doc))
			}
		}
		doc := r.Doc
		if len(columns) > 0 {
			doc += " Columns: " + strings.Join(columns, "; ") + "."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Name, r.Kind, doc)
	}
	docs.Compare(t, "../../docs/models.md", "recipes", b.String())
}
