package scenario

import (
	"slices"
	"testing"
)

// Values that an alias puts in two places have one position; their names still have one order.
func TestOrderOfAliases(t *testing.T) {
	const text = "last: &a one\nmiddle: two\nfirst: *a\nonce: *a\n"
	for range 100 {
		var m map[string]Text
		var ps problems
		decodeYAML("x.yaml", []byte(text), &m, &ps)
		if err := ps.err(); err != nil {
			t.Fatal(err)
		}
		if got, want := inOrder(m), []string{"first", "last", "once", "middle"}; !slices.Equal(got, want) {
			t.Fatalf("order %v, want %v", got, want)
		}
	}
}
