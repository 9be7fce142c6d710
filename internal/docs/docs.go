// Package docs keeps the parts of documents that are made from code the same as the code. Tests
// use it; with the flag -update they write what is not current.
package docs

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what is made from code into the documents")

// Compare compares a part of a document with what the code gives now: the text between the lines
// <!-- MARK --> and <!-- end of MARK -->. What differs fails the test, or is written with -update.
func Compare(t testing.TB, path, mark, want string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	start, end := "<!-- "+mark+" -->\n", "<!-- end of "+mark+" -->"
	before, rest, ok := strings.Cut(string(content), start)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no lines %q and %q", path, strings.TrimSpace(start), end)
	}
	whole := before + start + want + end + after
	if whole == string(content) {
		return
	}
	if !*update {
		t.Fatalf("the %s in %s are not those of the code; this test with -update writes them", mark, path)
	}
	if err := os.WriteFile(path, []byte(whole), 0o666); err != nil {
		t.Fatal(err)
	}
}
