package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

const (
	lowDigest  = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	highDigest = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
	kitFolder  = "exact/kit-0"
)

func isKit(folder string) bool { return folder == kitFolder }

// packedStore makes a store with two packed images, one on the other, and a folder, without building anything.
func packedStore(t *testing.T) *Store {
	t.Helper()
	s := emptyStore(t)
	s.recipes.byName = map[string]*Recipe{"low": {Name: "low"}, "high": {Name: "high", From: "low"}}
	s.recipes.digests = map[string]string{"low": lowDigest, "high": highDigest}
	for digest, e := range map[string]entry{
		lowDigest:  {Format: 1, Name: "low", Digest: lowDigest, Packages: map[string]string{"dash": "1"}},
		highDigest: {Format: 1, Name: "high", Digest: highDigest, Ancestors: []string{lowDigest}},
	} {
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(s.path(digest), "image.json"), string(text))
		file := filepath.Join(s.path(digest), packed)
		put(t, file, "layer of "+e.Name+strings.Repeat("\x00", 200_000)+"its end")
		if err := os.Truncate(file, PackedSize); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(s.dir, kitFolder, "vmlinux"), "kernel")
	put(t, filepath.Join(s.dir, kitFolder, "kit.json"), "{}")
	return s
}

func emptyStore(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.TempDir(), &Recipes{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.TakePacked()
	for _, dir := range []string{"images", "locks"} {
		if err := os.Mkdir(filepath.Join(s.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func saved(t *testing.T, s *Store) []byte {
	t.Helper()
	var archive bytes.Buffer
	if err := s.Save(t.Context(), &archive, []string{"high", "low"}, []string{kitFolder}); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

func TestLoadGivesWhatWasSaved(t *testing.T) {
	from, to := packedStore(t), emptyStore(t)
	archive := saved(t, from)
	if len(archive) > 4<<10 {
		t.Errorf("the archive has %d bytes: holes are in it", len(archive))
	}
	names, err := to.Load(t.Context(), bytes.NewReader(archive), isKit)
	if err != nil || !slices.Equal(names, []string{"low", "high"}) {
		t.Fatalf("loaded %v, %v", names, err)
	}
	for _, digest := range []string{lowDigest, highDigest} {
		a, errA := from.Lookup(digest)
		b, errB := to.Lookup(digest)
		if errA != nil || errB != nil || a.Name != b.Name || len(a.Layers) != len(b.Layers) || !maps.Equal(a.Packages, b.Packages) {
			t.Errorf("%s: saved %+v, %v, loaded %+v, %v", digest, a, errA, b, errB)
		}
		files, err := to.Pack(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		for i, file := range files {
			was, here := archivedFile{Name: "layer.erofs"}, archivedFile{Name: "layer.erofs"}
			if err := was.measure(filepath.Dir(a.Layers[i])); err != nil {
				t.Fatal(err)
			}
			if err := here.measure(filepath.Dir(file)); err != nil || here.SHA256 != was.SHA256 {
				t.Errorf("%s: digest %s, saved %s, %v", file, here.SHA256, was.SHA256, err)
			}
			if !isPacked(file) {
				t.Errorf("%s is not packed", file)
			}
		}
	}
	if text, err := os.ReadFile(filepath.Join(to.dir, kitFolder, "vmlinux")); err != nil || string(text) != "kernel" {
		t.Errorf("the folder's file has %q, %v", text, err)
	}
	if names, err := to.Load(t.Context(), bytes.NewReader(archive), isKit); err != nil || len(names) > 0 {
		t.Errorf("loaded again: %v, %v", names, err)
	}
}

// rewrite gives the archive with its contents and files changed.
func rewrite(t *testing.T, archive []byte, change func(c *contents, file *tar.Header, text []byte) []byte) []byte {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	in, to := tar.NewReader(z), tar.NewWriter(w)
	for {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if h.Name == archiveContents {
			var c contents
			if err := json.Unmarshal(text, &c); err != nil {
				t.Fatal(err)
			}
			change(&c, nil, nil)
			if text, err = json.Marshal(c); err != nil {
				t.Fatal(err)
			}
		} else {
			text = change(nil, h, text)
		}
		h.Size = int64(len(text))
		if err := to.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if to.Close() != nil || w.Close() != nil {
		t.Fatal("the archive was not written")
	}
	return out.Bytes()
}

// TestLoadRefusesHostileArchives loads archives that lie or lead elsewhere. None leaves anything but images that were whole.
func TestLoadRefusesHostileArchives(t *testing.T) {
	good := saved(t, packedStore(t))
	inContents := func(f func(c *contents)) []byte {
		return rewrite(t, good, func(c *contents, _ *tar.Header, text []byte) []byte {
			if c != nil {
				f(c)
			}
			return text
		})
	}
	inFiles := func(f func(h *tar.Header, text []byte) []byte) []byte {
		return rewrite(t, good, func(_ *contents, h *tar.Header, text []byte) []byte {
			if h != nil {
				return f(h, text)
			}
			return text
		})
	}
	for name, test := range map[string]struct {
		archive []byte
		want    string
	}{
		"not an archive":   {[]byte("something else"), "this is no archive of images that is whole"},
		"cut":              {good[:len(good)-40], ""},
		"another format":   {inContents(func(c *contents) { c.Format = 2 }), "format 2; this program reads 1"},
		"a digest leads":   {inContents(func(c *contents) { c.Images[0].Digest = "sha256:../../x" }), "digest"},
		"an ancestor":      {inContents(func(c *contents) { c.Images[1].Ancestors[0] = "sha256:../x" }), "ancestors"},
		"nothing below":    {inContents(func(c *contents) { c.Images = c.Images[1:] }), "stands on " + lowDigest},
		"twice":            {inContents(func(c *contents) { c.Images[1] = c.Images[0] }), "comes twice"},
		"layer elsewhere":  {inContents(func(c *contents) { c.Images[0].Layer.Name = "../evil" }), `its layer is called "../evil"`},
		"a huge layer":     {inContents(func(c *contents) { c.Images[0].Layer.Bytes = 1 << 50 }), "at most"},
		"a negative layer": {inContents(func(c *contents) { c.Images[0].Layer.Bytes = -1 }), "at most"},
		"another folder":   {inContents(func(c *contents) { c.Folders[0].Path = "apt" }), `folder "apt" is none`},
		"file elsewhere":   {inContents(func(c *contents) { c.Folders[0].Files[0].Name = kitFolder + "/../x" }), "is not in it"},
		"another size":     {inContents(func(c *contents) { c.Images[0].Layer.Bytes++ }), "where its contents have"},
		"damaged":          {inFiles(func(_ *tar.Header, text []byte) []byte { text[0] ^= 1; return text }), "is damaged: its SHA-256 is"},
		"a link": {inFiles(func(h *tar.Header, text []byte) []byte {
			h.Typeflag, h.Linkname = tar.TypeSymlink, "/etc/passwd"
			return nil
		}), "where its contents have"},
		"more files": {inContents(func(c *contents) { c.Folders = nil }), "which its contents do not name"},
	} {
		t.Run(name, func(t *testing.T) {
			s := emptyStore(t)
			names, err := s.Load(t.Context(), bytes.NewReader(test.archive), isKit)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("loaded %v, error %v, want %q", names, err, test.want)
			}
			left, _ := filepath.Glob(filepath.Join(s.dir, "images/*"))
			if len(left) != len(names) {
				t.Errorf("of %v there is %v", names, left)
			}
			if left, _ := filepath.Glob(filepath.Join(s.dir, "exact/*")); len(left) > 0 && name != "more files" && name != "cut" {
				t.Errorf("%v is left", left)
			}
		})
	}
}
