package image

import (
	"testing"
	"testing/fstest"
)

// digests gives the digest of each image of a catalogue.
func digests(t *testing.T, fs fstest.MapFS) map[string]string {
	t.Helper()
	recipes, err := Load(Folder{FS: fs, Name: "cat"})
	if err != nil {
		t.Fatal(err)
	}
	return recipes.digests
}

func TestDigestChangesWithContentOnly(t *testing.T) {
	const x = "about: one\nfrom: base\npackages: [curl, wget]\nfiles: [{path: /a, source: a}]\n"
	catalogue := func(base, x, a string) fstest.MapFS {
		return fstest.MapFS{
			"images/base/image.yaml": {Data: []byte(base)},
			"images/x/image.yaml":    {Data: []byte(x)},
			"images/x/a":             {Data: []byte(a)},
		}
	}
	before := digests(t, catalogue(baseRecipe, x, "content"))["x"]
	tests := []struct {
		name    string
		fs      fstest.MapFS
		changes bool
	}{
		{"nothing", catalogue(baseRecipe, x, "content"), false},
		{"description", catalogue(baseRecipe, "about: two\nfrom: base\npackages: [curl, wget]\nfiles: [{path: /a, source: a}]\n", "content"), false},
		{"order of packages", catalogue(baseRecipe, "from: base\npackages: [wget, curl]\nfiles: [{path: /a, source: a}]\n", "content"), false},
		{"mode that is the default", catalogue(baseRecipe, "from: base\npackages: [wget, curl]\nfiles: [{path: /a, mode: 0644, source: a}]\n", "content"), false},
		{"packages", catalogue(baseRecipe, "from: base\npackages: [curl]\nfiles: [{path: /a, source: a}]\n", "content"), true},
		{"content of a file", catalogue(baseRecipe, x, "other"), true},
		{"mode of a file", catalogue(baseRecipe, "from: base\npackages: [curl, wget]\nfiles: [{path: /a, mode: 0600, source: a}]\n", "content"), true},
		{"script", catalogue(baseRecipe, x+"run: \"true\"\n", "content"), true},
		{"removal", catalogue(baseRecipe, x+"remove: [/a]\n", "content"), true},
		{"debconf", catalogue(baseRecipe, x+"debconf: [a b string c]\n", "content"), true},
		{"parent", catalogue(baseRecipe+"run: \"true\"\n", x, "content"), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if after := digests(t, test.fs)["x"]; (after != before) != test.changes {
				t.Errorf("digest was %s, is %s", before, after)
			}
		})
	}
}
