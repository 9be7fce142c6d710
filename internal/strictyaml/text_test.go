package strictyaml

import (
	"slices"
	"testing"

	"detgen/internal/problem"
)

// Values that an alias puts in two places have one position; their names still have one order.
func TestOrderOfAliases(t *testing.T) {
	const text = "last: &a one\nmiddle: two\nfirst: *a\nonce: *a\n"
	for range 100 {
		var m map[string]Text
		var ps problem.List
		Read("x.yaml", []byte(text), &m, &ps)
		if err := ps.Err(); err != nil {
			t.Fatal(err)
		}
		if got, want := InOrder(m), []string{"first", "last", "once", "middle"}; !slices.Equal(got, want) {
			t.Fatalf("order %v, want %v", got, want)
		}
	}
}
