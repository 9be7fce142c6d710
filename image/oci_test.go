package image

import (
	"archive/tar"
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// layerOf makes a layer; content is the content of every regular file.
func layerOf(t *testing.T, content string, headers ...tar.Header) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(content))
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		h.ModTime = epoch.AddDate(-1, 0, 0)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, content); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

func ociImage(t *testing.T, layers ...v1.Layer) v1.Image {
	t.Helper()
	image, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	if image, err = mutate.ConfigFile(image, withPlatform(t, image)); err != nil {
		t.Fatal(err)
	}
	return image
}

func withPlatform(t *testing.T, image v1.Image) *v1.ConfigFile {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = platform.OS, platform.Architecture
	return config
}

func simpleImage(t *testing.T, content string) v1.Image {
	t.Helper()
	return ociImage(t, layerOf(t, content, tar.Header{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755}, tar.Header{Name: "etc/x", Typeflag: tar.TypeReg}))
}

func digestOf(t *testing.T, image v1.Image) string {
	t.Helper()
	d, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// catalogueWith gives a folder with one image "x" that has the given recipe.
func catalogueWith(t *testing.T, recipe string) Folder {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, fstest.MapFS{"images/x/image.yaml": {Data: []byte(recipe)}}); err != nil {
		t.Fatal(err)
	}
	return DirFolder(dir)
}

// checkX builds image "x" of a folder and checks the content of its /etc/x.
func checkX(t *testing.T, folder Folder, want string) Image {
	t.Helper()
	s := open(t, t.TempDir(), folder, nil)
	image := ensure(t, s, "x")
	if len(image.Layers) != 1 {
		t.Fatalf("layers are %v, want one", image.Layers)
	}
	got, err := os.ReadFile(filepath.Join(image.Layers[0], "etc/x"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("/etc/x has %q, want %q", got, want)
	}
	return image
}

func TestOCIRegistry(t *testing.T) {
	needsRoot(t)
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	reference := strings.TrimPrefix(server.URL, "http://") + "/some/image:1"
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	image := simpleImage(t, "from a registry")
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	folder := catalogueWith(t, "oci: "+reference+"\n")
	built := checkX(t, folder, "from a registry")
	s := open(t, filepath.Dir(filepath.Dir(filepath.Dir(built.Layers[0]))), folder, nil)
	entry, err := s.entry(built.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if entry.OCI != digestOf(t, image) {
		t.Errorf("recorded manifest is %s, want %s", entry.OCI, digestOf(t, image))
	}
}

func TestOCIRegistryErrors(t *testing.T) {
	needsRoot(t)
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	reference := strings.TrimPrefix(server.URL, "http://") + "/missing:1"
	s := open(t, t.TempDir(), catalogueWith(t, "about: x\noci: "+reference+"\n"), nil)
	_, err := s.Ensure(t.Context(), "x")
	if want := "x/image.yaml:2: oci: fetch " + reference; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestOCIArchiveAndLayout(t *testing.T) {
	needsRoot(t)
	forms := map[string]func(dir string, image v1.Image) error{
		"archive": func(dir string, image v1.Image) error {
			return tarball.WriteToFile(filepath.Join(dir, "image"), name.MustParseReference("some/image:1"), image)
		},
		"layout": func(dir string, image v1.Image) error {
			path, err := layout.Write(filepath.Join(dir, "image"), empty.Index)
			if err != nil {
				return err
			}
			other := platform
			other.Architecture = "arm64"
			if err := path.AppendImage(simpleImage(t, "for another machine"), layout.WithPlatform(other)); err != nil {
				return err
			}
			return path.AppendImage(image, layout.WithPlatform(platform))
		},
	}
	for form, write := range forms {
		t.Run(form, func(t *testing.T) {
			folder := catalogueWith(t, "oci: ./image\n")
			dir := filepath.Join(folder.Dir, "images/x")
			if err := write(dir, simpleImage(t, "one")); err != nil {
				t.Fatal(err)
			}
			first := checkX(t, folder, "one")
			if err := os.RemoveAll(filepath.Join(dir, "image")); err != nil {
				t.Fatal(err)
			}
			if err := write(dir, simpleImage(t, "two")); err != nil {
				t.Fatal(err)
			}
			if second := checkX(t, folder, "two"); second.Digest == first.Digest {
				t.Error("another content has the same digest")
			}
		})
	}
}

func TestOCIEmbeddedArchive(t *testing.T) {
	needsRoot(t)
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := tarball.WriteToFile(file, name.MustParseReference("some/image:1"), simpleImage(t, "embedded")); err != nil {
		t.Fatal(err)
	}
	archive, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	checkX(t, Folder{Name: "cat", FS: fstest.MapFS{
		"images/x/image.yaml": {Data: []byte("oci: ./image.tar\n")},
		"images/x/image.tar":  {Data: archive},
	}}, "embedded")
}

func TestOCILocalErrors(t *testing.T) {
	folder := catalogueWith(t, "about: x\noci: ./image\n")
	dir := filepath.Join(folder.Dir, "images/x")
	if err := os.WriteFile(filepath.Join(dir, "image"), []byte("no archive"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Load(folder)
	if want := `x/image.yaml:2: oci: ./image is not an image archive`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// tree extracts layers and lists "path kind mode uid:gid link-or-content" of every file.
func tree(t *testing.T, layers ...v1.Layer) (string, error) {
	t.Helper()
	needsRoot(t)
	dir := t.TempDir()
	if err := extract(t.Context(), ociImage(t, layers...), dir); err != nil {
		return "", err
	}
	return run(t, "sh", "-euc", `cd "$1"; find . -mindepth 1 -type d -printf '%P d %m %U:%G\n' -o -mindepth 1 -printf '%P %y %m %U:%G ' \
	\( -type l -printf '%l\n' -o -type f -exec cat {} \; -printf '\n' -o -printf '\n' \) | sort`, "sh", dir), nil
}

func TestExtractAppliesLayers(t *testing.T) {
	dir := func(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755} }
	reg := func(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg} }
	tests := []struct {
		name   string
		layers []v1.Layer
		want   string
	}{
		{"owners and modes", []v1.Layer{layerOf(t, "1", tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755},
			tar.Header{Name: "./a", Typeflag: tar.TypeReg, Mode: 0o4750, Uid: 7, Gid: 8})}, "a f 4750 7:8 1\n"},
		{"file replaced", []v1.Layer{layerOf(t, "1", reg("a")), layerOf(t, "2", reg("a"))}, "a f 644 0:0 2\n"},
		{"file removed", []v1.Layer{layerOf(t, "1", reg("a"), reg("b")), layerOf(t, "2", reg(".wh.a"))}, "b f 644 0:0 1\n"},
		{"folder removed", []v1.Layer{layerOf(t, "1", dir("d"), reg("d/a"), reg("b")), layerOf(t, "2", reg(".wh.d"))}, "b f 644 0:0 1\n"},
		{"folder made opaque", []v1.Layer{layerOf(t, "1", dir("d"), dir("d/e"), reg("d/e/a"), reg("d/b")),
			layerOf(t, "2", dir("d"), dir("d/e"), reg("d/e/c"), reg("d/.wh..wh..opq"))}, "d d 755 0:0\nd/e d 755 0:0\nd/e/c f 644 0:0 2\n"},
		{"folder in the place of a file", []v1.Layer{layerOf(t, "1", reg("a")), layerOf(t, "2", dir("a"), reg("a/b"))}, "a d 755 0:0\na/b f 644 0:0 2\n"},
		{"folder kept", []v1.Layer{layerOf(t, "1", dir("d"), reg("d/a")), layerOf(t, "2", tar.Header{Name: "d", Typeflag: tar.TypeDir, Mode: 0o700})}, "d d 700 0:0\nd/a f 644 0:0 1\n"},
		{"hard link", []v1.Layer{layerOf(t, "1", reg("a")), layerOf(t, "2", tar.Header{Name: "b", Typeflag: tar.TypeLink, Linkname: "a"})}, "a f 644 0:0 1\nb f 644 0:0 1\n"},
		{"device", []v1.Layer{layerOf(t, "", tar.Header{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3, Mode: 0o666})}, "null c 666 0:0 \n"},
		{"absolute link inside", []v1.Layer{layerOf(t, "1", dir("run"), dir("var"), tar.Header{Name: "var/run", Typeflag: tar.TypeSymlink, Linkname: "/run"}),
			layerOf(t, "2", reg("var/run/a"))}, "run d 755 0:0\nrun/a f 644 0:0 2\nvar d 755 0:0\nvar/run l 777 0:0 /run\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := tree(t, test.layers...)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got\n%swant\n%s", got, test.want)
			}
		})
	}
}

func TestExtractStaysInside(t *testing.T) {
	needsRoot(t)
	outside := t.TempDir()
	link := tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: outside}
	up := tar.Header{Name: "u", Typeflag: tar.TypeSymlink, Linkname: "../../../../../../../../" + outside}
	tests := map[string][]v1.Layer{
		"absolute name":       {layerOf(t, "evil", tar.Header{Name: outside + "/a", Typeflag: tar.TypeReg})},
		"name with dots":      {layerOf(t, "evil", tar.Header{Name: strings.Repeat("../", 20) + outside + "/a", Typeflag: tar.TypeReg})},
		"through a link":      {layerOf(t, "evil", link, tar.Header{Name: "l/a", Typeflag: tar.TypeReg})},
		"through a link up":   {layerOf(t, "evil", up, tar.Header{Name: "u/a", Typeflag: tar.TypeReg})},
		"in an earlier layer": {layerOf(t, "", link), layerOf(t, "evil", tar.Header{Name: "l/a", Typeflag: tar.TypeReg})},
	}
	for name, layers := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := tree(t, layers...); err != nil {
				t.Logf("refused: %v", err)
			}
			if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
				t.Errorf("the folder outside has %v (%v)", entries, err)
			}
		})
	}
	t.Run("removal", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(outside, "victim"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := tree(t, layerOf(t, "", link), layerOf(t, "", tar.Header{Name: "l/.wh.victim", Typeflag: tar.TypeReg})); err != nil {
			t.Logf("refused: %v", err)
		}
		if _, err := os.Stat(filepath.Join(outside, "victim")); err != nil {
			t.Error("a file outside was removed")
		}
	})
}
