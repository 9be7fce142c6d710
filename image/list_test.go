package image

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestListTellsWhatIsBuilt(t *testing.T) {
	dir := newStore(t)
	s := open(t, dir, withBase(t, map[string]string{"x": "about: it\nfrom: base\nrun: echo >/x\n", "y": "from: base\n"}), nil)
	image := ensure(t, s, "x")
	list, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 3 || list[0].Name != "base" || !list[0].Built || list[0].Packages < 50 || list[0].Bytes < 50e6 {
		t.Errorf("list is %+v", list)
	}
	want := Status{Name: "x", About: "it", From: "base", Digest: image.Digest, Built: true, Bytes: image.Bytes, Packages: list[0].Packages}
	if !reflect.DeepEqual(list[1], want) {
		t.Errorf("x is %+v, want %+v", list[1], want)
	}
	if list[2].Built || list[2].Digest == "" {
		t.Errorf("y is %+v, want it not built", list[2])
	}
}

func TestPruneRemovesWhatNoRecipeNames(t *testing.T) {
	dir := newStore(t)
	old := withBase(t, map[string]string{"x": "from: base\nrun: echo one >/x\n", "y": "from: base\nrun: echo >/y\n"})
	first := open(t, dir, old, nil)
	image, kept := ensure(t, first, "x"), ensure(t, first, "y")
	second := open(t, dir, withBase(t, map[string]string{"x": "from: base\nrun: echo two >/x\n", "y": "from: base\nrun: echo >/y\n"}), nil)

	removed, err := second.Prune(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if len(removed) > 0 {
		t.Errorf("removed although it is in use: %v", removed)
	}

	first.Close()
	killed := second.path("killed") + ".tmp"
	if err := os.MkdirAll(filepath.Join(killed, "entry"), 0o755); err != nil {
		t.Fatal(err)
	}
	removed, err = second.Prune(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if len(removed) != 2 || !strings.Contains(strings.Join(removed, "\n"), "removed image x "+hexOf(image.Digest)) {
		t.Errorf("removed %q, want image x and a killed build", removed)
	}
	if second.exists(image.Digest) {
		t.Error("the image is there still")
	}
	if _, err := os.Stat(killed); err == nil {
		t.Error("the killed build is there still")
	}
	if !second.exists(kept.Digest) || !second.exists(second.recipes.digests["base"]) {
		t.Error("an image was removed that a recipe names")
	}
}
