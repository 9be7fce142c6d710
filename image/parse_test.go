package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// load reads recipes given as text, by name.
func load(t *testing.T, recipes map[string]string) (*Recipes, error) {
	t.Helper()
	fs := fstest.MapFS{}
	for name, text := range recipes {
		fs["images/"+name+"/image.yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	return Load(Folder{FS: fs, Name: "cat"})
}

const baseRecipe = "bootstrap: bookworm\n"

func TestRecipeErrorsNameFileAndLine(t *testing.T) {
	tests := []struct{ name, recipe, want string }{
		{"unknown field", "from: base\npackage: [curl]\n", `x/image.yaml:2: package: no such field: did you mean "packages"?`},
		{"field twice", "from: base\nabout: a\nabout: b\n", "x/image.yaml:3: about: given twice (first on line 2)"},
		{"not a mapping", "- curl\n", "x/image.yaml:1: must be a mapping (name: value), not a list"},
		{"empty", "", "x/image.yaml: the file is empty"},
		{"syntax", "from: base\nrun: \"open\n", "x/image.yaml:2: "},
		{"list expected", "from: base\npackages: curl\n", `x/image.yaml:2: packages: "curl": must be a list`},
		{"text expected", "from: [base]\n", "x/image.yaml:1: from: must be text, a number, or true/false, not a list"},
		{"no start", "packages: [curl]\n", "x/image.yaml:1: an image starts with exactly one of from, bootstrap and oci; this one has 0"},
		{"two starts", "from: base\nbootstrap: bookworm\n", "this one has 2"},
		{"unknown parent", "about: x\nfrom: bse\n", `x/image.yaml:2: from: unknown image "bse"; the catalogue has base, x`},
		{"itself as parent", "from: x\n", `x/image.yaml:1: from: image "x" stands on itself`},
		{"unknown suite", "bootstrap: sid\n", `x/image.yaml:1: bootstrap: unknown Debian suite "sid"; known: bookworm`},
		{"bad package name", "from: base\npackages:\n  - curl\n  - Wget\n", `x/image.yaml:4: packages: "Wget" is not a Debian package name`},
		{"option as package", "from: base\npackages: [--purge]\n", `packages: "--purge" is not a Debian package name`},
		{"bad name in backports", "from: base\nbackports:\n  - Wget\n", `x/image.yaml:3: backports: "Wget" is not a Debian package name`},
		{"package in two lists", "from: base\npackages: [curl]\nbackports: [curl]\n", `"curl" is listed twice`},
		{"backports on an OCI image", "oci: example.org/x\nbackports:\n  - curl\n", "packages: they need a Debian root"},
		{"package twice", "from: base\npackages:\n  - curl\n  - curl\n", `packages: "curl" is listed twice`},
		{"relative path", "from: base\nfiles:\n  - path: /a\n  - path: etc/x\n", `x/image.yaml:4: files: path: "etc/x" is not an absolute path`},
		{"path with dots", "from: base\nfiles:\n  - path: /etc/../x\n", `is not an absolute path without ".."`},
		{"two contents", "from: base\nfiles:\n  - {path: /a, text: x, symlink: b}\n", "x/image.yaml:3: files: /a: only one of text, source, symlink and directory can be set"},
		{"mode not octal", "from: base\nfiles:\n  - path: /a\n    mode: 0888\n", `x/image.yaml:4: mode: "0888": must be an octal number such as 0644`},
		{"missing source", "from: base\nfiles:\n  - {path: /a, source: a.conf}\n", `files: source: no file "a.conf" beside image.yaml`},
		{"source outside", "from: base\nfiles:\n  - {path: /a, source: ../base/image.yaml}\n", `files: source: no file "../base/image.yaml" beside image.yaml`},
		{"bad owner", "from: base\nfiles:\n  - {path: /a, owner: \"a b\"}\n", `files: /a: owner: "a b" is not "user" or "user:group"`},
		{"relative remove", "from: base\nremove:\n  - /a\n  - b\n", `x/image.yaml:4: remove: "b" is not an absolute path`},
		{"bad reference", "oci: \"Not A Reference\"\n", `x/image.yaml:1: oci: "Not A Reference" is neither a registry reference nor a path`},
		{"missing archive", "oci: ./a.tar\n", "x/image.yaml:1: oci: "},
		{"packages on an OCI image", "oci: example.org/x\npackages:\n  - curl\n", "x/image.yaml:2: packages: they need a Debian root"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := load(t, map[string]string{"base": baseRecipe, "x": test.recipe})
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), "cat/images/") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %q, want it to contain %q", err, test.want)
			}
		})
	}
}

func TestRecipeCircle(t *testing.T) {
	_, err := load(t, map[string]string{"a": "from: b\n", "b": "from: c\n", "c": "from: a\n"})
	if err == nil || !strings.Contains(err.Error(), "stands on itself") {
		t.Errorf("error is %v", err)
	}
}

func TestImageDefinedTwice(t *testing.T) {
	fs := fstest.MapFS{"images/x/image.yaml": {Data: []byte(baseRecipe)}}
	_, err := Load(Folder{FS: fs, Name: "one"}, Folder{FS: fs, Name: "two"})
	want := `two/images/x/image.yaml:1: image "x" is already defined in one/images/x/image.yaml`
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestEveryErrorIsTold(t *testing.T) {
	_, err := load(t, map[string]string{"a": "x: 1\n", "b": "y: 1\n"})
	if err == nil || !strings.Contains(err.Error(), "a/image.yaml:1") || !strings.Contains(err.Error(), "b/image.yaml:1") {
		t.Errorf("error is %v, want both files in it", err)
	}
}

func TestUnknownImage(t *testing.T) {
	recipes, err := load(t, map[string]string{"base": baseRecipe, "x": "from: base\n"})
	if err != nil {
		t.Fatal(err)
	}
	want := `unknown image "y"; the catalogue has base, x`
	if _, err := recipes.Digest("y"); err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// Symbolic links in a user's catalogue do not lead out of it.
func TestLinksOutOfACatalogue(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	inside := filepath.Join(dir, "images", "x")
	for _, err := range []error{
		os.MkdirAll(inside, 0o755),
		os.WriteFile(outside, []byte("secret"), 0o600),
		os.WriteFile(filepath.Join(inside, "image.yaml"), []byte("bootstrap: bookworm\nfiles:\n  - {path: /a, source: a.conf}\n"), 0o600),
		os.Symlink(outside, filepath.Join(inside, "a.conf")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load(DirFolder(dir)); err == nil || !strings.Contains(err.Error(), `image.yaml:3: files: source: no file "a.conf" beside image.yaml`) {
		t.Errorf("%v", err)
	}
}
