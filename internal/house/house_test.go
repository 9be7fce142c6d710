// Package house holds the rules of the house (docs/map.md): which package may import which, where the names of
// engines may stand, and how large the command line may grow. They are tests, so that they outlive everyone here.
package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// Rooms in the order in which data goes through each half: a room imports only those before it.
var (
	makingHalf  = []string{"catalogue", "scenario", "image", "lab", "emulator", "engine"}
	readingHalf = []string{"packet", "flow", "truth", "similarity", "twin", "model", "plot", "report"}
	joining     = []string{"runner", "dataset", "experiment", "probe", "serve", "cmd"}
	leaves      = []string{"seed", "table", "internal"}
)

// mayUseRunner are the rooms that may make runs.
var mayUseRunner = []string{"cmd", "dataset", "probe", "experiment", "serve"}

// moduleName is how import paths of this module begin.
const moduleName = "detgen/"

// listed is a package as "go list -json" shows it.
type listed struct {
	ImportPath string
	Imports    []string
}

// TestImports holds the rules of imports: one border (record), two halves that do not know each other, one way.
func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			if rule := broken(p.ImportPath, imported); rule != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, rule)
			}
		}
	}
}

// TestRules makes sure that the rules refuse what they are for.
func TestRules(t *testing.T) {
	tests := []struct {
		from, to string
		allowed  bool
	}{
		{"detgen/lab", "detgen/record", true},
		{"detgen/truth", "detgen/record", true},
		{"detgen/truth", "detgen/lab", false},
		{"detgen/lab/link", "detgen/packet", false},
		{"detgen/scenario", "detgen/lab", false},
		{"detgen/lab", "detgen/scenario", true},
		{"detgen/flow", "detgen/truth", false},
		{"detgen/record", "detgen/truth", false},
		{"detgen/record", "detgen/seed", true},
		{"detgen/table", "detgen/record", false},
		{"detgen/experiment", "detgen/runner", true},
		{"detgen/twin", "detgen/runner", false},
		{"detgen/report", "detgen/runner", false},
		{"detgen/engine/live", "detgen/lab", true},
		{"detgen/lab", "detgen/cmd/detgen", false},
		{"detgen/lab", "fmt", true},
		{"detgen/internal/resolved", "detgen/scenario", true}, // a command, which nothing imports
		{"detgen/flow", "detgen/internal/resolved", false},
		{"detgen/runner", "detgen/internal/labtest", false}, // only tests import it
		{"detgen/runner", "detgen/internal/oracle", false},  // the same
		{"detgen/attic", "detgen/record", false},
	}
	for _, test := range tests {
		if rule := broken(test.from, test.to); (rule == "") != test.allowed {
			t.Errorf("%s imports %s: got %q, want allowed %v", test.from, test.to, rule, test.allowed)
		}
	}
}

// broken gives the rule that an import breaks, "" for none.
func broken(from, to string) string {
	if !strings.HasPrefix(to, moduleName) {
		return ""
	}
	a, b := room(from), room(to)
	switch {
	case a == b:
		return ""
	case !known(a):
		return "there is no room " + a + " in this test: say where it stands"
	case !known(b):
		return "there is no room " + b + " in this test: say where it stands"
	case commands(to):
		return "a command, or what only tests import, is not for others"
	case commands(from):
		return ""
	case slices.Contains(leaves, b) || b == "record" && !slices.Contains(leaves, a):
		return ""
	case slices.Contains(leaves, a):
		return "a leaf imports no room but other leaves"
	case a == "record":
		return "the border knows neither half"
	case b == "runner" && !slices.Contains(mayUseRunner, a):
		return "only " + strings.Join(mayUseRunner, ", ") + " make runs"
	case slices.Contains(joining, a):
		return inOrder(joining, a, b)
	case slices.Contains(joining, b):
		return "what joins the halves is above both"
	case slices.Contains(makingHalf, a) && slices.Contains(makingHalf, b):
		return inOrder(makingHalf, a, b)
	case slices.Contains(readingHalf, a) && slices.Contains(readingHalf, b):
		return inOrder(readingHalf, a, b)
	}
	return "the half that makes runs and the half that reads them meet in record only"
}

// inOrder gives the rule that is broken when b does not stand before a.
func inOrder(line []string, a, b string) string {
	if slices.Contains(line, b) && slices.Index(line, b) > slices.Index(line, a) {
		return "data goes one way: " + strings.Join(line, ", ")
	}
	return ""
}

func known(name string) bool {
	return name == "record" || slices.Contains(slices.Concat(makingHalf, readingHalf, joining, leaves), name)
}

// room gives the room of a package: the first part of its path in the module.
func room(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, moduleName), "/")
	return name
}

// commands tells the programs below internal/, which measure and compare, generators of documents, and what only tests
// import.
func commands(path string) bool {
	for _, name := range []string{"internal/resolved", "internal/speedtable", "internal/mixgen", "internal/cputime", "internal/house", "internal/labtest", "internal/oracle", "internal/ordinary", "scenario/generate"} {
		if path == moduleName+name {
			return true
		}
	}
	return false
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = moduleDir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// moduleDir is the module's folder, seen from here.
const moduleDir = "../.."

// engineNames are the names of engines, which stand as values below engine/ and in this test only.
var engineNames = []string{"live", "exact", "vm"}

// TestEngineNames makes sure that nothing outside engine/ compares the name of an engine: what differs from engine to
// engine, the engine says.
func TestEngineNames(t *testing.T) {
	eachFile(t, func(path string, file *ast.File, at func(ast.Node) string) {
		if room(path) == "engine" {
			return
		}
		isName := func(e ast.Expr) bool {
			switch e := e.(type) {
			case *ast.BasicLit:
				value, err := strconv.Unquote(e.Value)
				return err == nil && e.Kind == token.STRING && slices.Contains(engineNames, value)
			case *ast.SelectorExpr:
				of, ok := e.X.(*ast.Ident)
				return ok && e.Sel.Name == "Name" && slices.Contains(engineNames, of.Name)
			}
			return false
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if (n.Op == token.EQL || n.Op == token.NEQ) && (isName(n.X) || isName(n.Y)) {
					t.Errorf("%s: the name of an engine is compared outside engine/", at(n))
				}
			case *ast.CaseClause:
				if slices.ContainsFunc(n.List, isName) {
					t.Errorf("%s: the name of an engine is compared outside engine/", at(n))
				}
			}
			return true
		})
	})
}

// linesOfCommandLine is how many lines the command line may have, without its tests: what each command is called, what it
// says of itself, its flags, one call and what is printed.
const linesOfCommandLine = 2000

// TestCommandLineIsSmall keeps product logic out of the command line.
func TestCommandLineIsSmall(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(moduleDir, "cmd/detgen/*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("files of cmd/detgen: %v, %v", files, err)
	}
	lines := 0
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines += bytes.Count(content, []byte("\n"))
	}
	if lines > linesOfCommandLine {
		t.Errorf("cmd/detgen has %d lines without tests, more than %d: what is not flags, calls and printing belongs into a room", lines, linesOfCommandLine)
	}
}

// TestProgramIsStatic keeps what links dynamically out of detgen, which runs in hosts that have no C library.
func TestProgramIsStatic(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "./cmd/detgen")
	cmd.Dir = moduleDir
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "ebitengine/purego") {
		t.Error("cmd/detgen imports purego, which links dynamically: only cmd/detgen-onnx may")
	}
}

// eachFile calls f for each Go file of the module that is not a test.
func eachFile(t *testing.T, f func(path string, file *ast.File, at func(ast.Node) string)) {
	t.Helper()
	files := token.NewFileSet()
	err := filepath.WalkDir(moduleDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(moduleDir, path)
		if err != nil {
			return err
		}
		f(relative, parsed, func(n ast.Node) string { return files.Position(n.Pos()).String() })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// lineWidth is how many characters a line of Markdown may have, so that changes can be read.
const lineWidth = 120

// TestMarkdownLines makes sure that the lines of documents are short, those of tables and of code too.
func TestMarkdownLines(t *testing.T) {
	documents := 0
	err := filepath.WalkDir(moduleDir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != moduleDir && strings.HasPrefix(entry.Name(), "."), entry.IsDir() && entry.Name() == "runs":
			return fs.SkipDir // the repository, and what "make demo" leaves
		case entry.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		documents++
		number := 0
		for line := range strings.Lines(string(content)) {
			number++
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > lineWidth {
				t.Errorf("%s:%d: %d characters, more than %d: break the line, or make the table a list", path, number, n, lineWidth)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if documents == 0 {
		t.Error("there are no documents")
	}
}
