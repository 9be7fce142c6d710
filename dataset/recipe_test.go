package dataset

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"detgen/image"
	"detgen/record"
	"detgen/runner"
)

// forgeImage writes what makes an image of these packages count as built in a cache.
func forgeImage(t *testing.T, cache, digest string, packages map[string]string, debs []image.Deb) {
	t.Helper()
	dir := filepath.Join(cache, "images", strings.TrimPrefix(digest, "sha256:"))
	if err := os.MkdirAll(filepath.Join(dir, "layer"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(cache, "locks"), 0o755); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"format": 1, "name": "base", "digest": digest, "packages": packages, "debs": debs})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "image.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// fixture is a cache whose base image has these packages.
func fixture(t *testing.T, packages map[string]string, debs []image.Deb) (cache, digest string, d *Dataset, here map[string]*record.Run) {
	t.Helper()
	cache = t.TempDir()
	store, recipes, err := runner.OpenImages("", cache, nil)
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	if digest, err = recipes.Digest("base"); err != nil {
		t.Fatal(err)
	}
	if packages != nil {
		forgeImage(t, cache, digest, packages, debs)
	}
	r, err := runner.Open(runner.Config{Engine: "live", Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	run := &record.Run{Hosts: []record.Host{{Name: "h", Image: "base", Digest: digest}}}
	return cache, digest, &Dataset{runner: r}, map[string]*record.Run{digest: run}
}

// TestRecipePackages: images with the recipe's packages are taken as they are. Where they have others, images of the
// recipe's package files are used, which are fetched before anything is made; without them, what differs is named.
func TestRecipePackages(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches with apt")
	}
	const content = "what is in the file"
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
	file := image.Deb{Package: "hello", Version: "1:1.0-2", Architecture: "amd64", SHA256: sum, Bytes: int64(len(content)), Path: "pool/main/h/hello/hello_1.0-2_amd64.deb"}
	old, now := map[string]string{"hello": "1:1.0-2"}, map[string]string{"hello": "1:2.0-1"}

	id := fmt.Sprintf("%x", sha1.Sum([]byte(content)))
	var has atomic.Bool
	archive := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case has.Load() && r.URL.Path == "/mr/binary/hello/1:1.0-2/binfiles":
			fmt.Fprintf(w, `{"result": [{"architecture": "amd64", "hash": %q}]}`, id)
		case has.Load() && r.URL.Path == "/file/"+id:
			fmt.Fprint(w, content)
		default:
			http.NotFound(w, r)
		}
	}))
	defer archive.Close()
	t.Setenv("no_proxy", "127.0.0.1")
	// The machine's apt has a mirror that has newer packages only, which is to say nothing of what is asked for.
	mirror := httptest.NewServer(http.NotFoundHandler())
	defer mirror.Close()
	apt := t.TempDir()
	for name, text := range map[string]string{
		"sources.list": "deb " + mirror.URL + " bookworm main\n",
		"apt.conf":     fmt.Sprintf("Dir::Etc::sourcelist %q;\nDir::Etc::sourceparts \"/dev/null\";\n", filepath.Join(apt, "sources.list")),
	} {
		if err := os.WriteFile(filepath.Join(apt, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("APT_CONFIG", filepath.Join(apt, "apt.conf"))

	recipe := func(digest string, debs ...image.Deb) *Recipe {
		r := &Recipe{Format: RecipeFormat, Images: []record.ImageResult{{Name: "base", Digest: digest, Packages: old}}}
		if len(debs) > 0 {
			r.Debs = map[string][]image.Deb{digest: debs}
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		read := &Recipe{}
		if err := record.ParseJSON(text, read); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return read
	}
	prepare := func(r *Recipe, d *Dataset, here map[string]*record.Run) string {
		if err := r.prepare(t.Context(), d, here, archive.URL); err != nil {
			return err.Error()
		}
		return ""
	}

	_, digest, d, here := fixture(t, old, nil)
	if said := prepare(recipe(digest, file), d, here); said != "" {
		t.Errorf("the same packages: %s", said)
	}

	_, digest, d, here = fixture(t, now, nil)
	want := "the images have other packages than those of the recipe, so the bytes would differ:\nimage base: hello 1:2.0-1, the recipe has 1:1.0-2\n" +
		"the recipe does not name the package files of base, so they are not fetched"
	if said := prepare(recipe(digest), d, here); said != want {
		t.Errorf("no files: %s", said)
	}

	cache, digest, d, here := fixture(t, now, nil)
	want = "1 packages of the recipe could not be had:\nhello 1:1.0-2 (amd64), SHA-256 " + sum + ": " + mirror.URL + "/" + file.Path + " has none; " +
		archive.URL + "/mr/binary/hello/1:1.0-2/binfiles does not answer, or has none"
	if said := prepare(recipe(digest, file), d, here); said != want {
		t.Errorf("files that nobody has: %s", said)
	}

	// Now the archive has it. The image of it is there already, below the folder that the list of files names.
	has.Store(true)
	list, err := json.Marshal(map[string][]image.Deb{digest: {file}})
	if err != nil {
		t.Fatal(err)
	}
	pinned := filepath.Join(cache, "pinned", fmt.Sprintf("%x", sha256.Sum256(list))[:16])
	forgeImage(t, pinned, digest, old, []image.Deb{file})
	if said := prepare(recipe(digest, file), d, here); said != "" {
		t.Errorf("files that the archive has: %s", said)
	}
	if text, err := os.ReadFile(filepath.Join(cache, "pinned", "packages", sum+".deb")); err != nil || string(text) != content {
		t.Errorf("the file was not kept: %q, %v", text, err)
	}
	images, err := d.runner.Images(context.Background(), here[digest])
	if err != nil || !maps.Equal(images[digest].Packages, old) || !strings.HasPrefix(images[digest].Layers[0], pinned) {
		t.Errorf("runs are made of %v: %v", images, err)
	}
	debs, err := d.runner.Debs(record.ImageResult{Name: "base", Digest: digest, Packages: old})
	if err != nil || len(debs[digest]) != 1 || debs[digest][0] != file {
		t.Errorf("the dataset names %v: %v", debs, err)
	}
	if debs, err = d.runner.Debs(record.ImageResult{Name: "base", Digest: digest, Packages: now}); err != nil || debs != nil {
		t.Errorf("of other packages, %v: %v", debs, err)
	}
}
