package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// mayMiss are the tests' files that skip for another reason than -short, and what is missing then. No program that
// scripts/install installs is among it: a test that lacks one fails. Tests whose public data are missing, which are not in
// the repository, skip by oracle.Data; scripts/test tells of them.
var mayMiss = map[string]string{
	"model/suricata/attacks_test.go": "the flag -full, which writes docs/attacks.md",
	"lab/link/netem_test.go":         "a kernel with NetEm; the exact engine's tests run these in its guest, where they must run",
	"cmd/detgen/command_test.go":     "root, without which make test does not start",
}

// TestOnlyTheQuickLoopSkips reads all tests: a skip anywhere else than below "if testing.Short()" could hide from
// make test that something was not installed.
func TestOnlyTheQuickLoopSkips(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := 0
	missed := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		quick := map[ast.Node]bool{} // calls below "if testing.Short()"
		ast.Inspect(file, func(n ast.Node) bool {
			if branch, ok := n.(*ast.IfStmt); ok && isCall(branch.Cond, "Short") {
				ast.Inspect(branch.Body, func(n ast.Node) bool {
					quick[n] = true
					return true
				})
			}
			if !isCall(n, "Skip") && !isCall(n, "Skipf") && !isCall(n, "SkipNow") {
				return true
			}
			seen++
			if quick[n] {
				return true
			}
			missed[filepath.ToSlash(name)] = true
			if mayMiss[filepath.ToSlash(name)] == "" {
				t.Errorf("%s: a test is skipped for another reason than -short: let it fail when something is missing", files.Position(n.Pos()))
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 20 {
		t.Errorf("%d skips found: this test says nothing", seen)
	}
	for name := range mayMiss {
		if !missed[name] {
			t.Errorf("%s skips nothing any more: take it off the list", name)
		}
	}
}

// isCall says whether a node calls a method or function of that name.
func isCall(n ast.Node, name string) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	return ok && selector.Sel.Name == name
}
