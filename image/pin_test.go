package image

import (
	"context"
	"crypto/sha1"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"detgen/record"
)

// TestDebText: a package file is read as it is written, and what could lead elsewhere is refused.
func TestDebText(t *testing.T) {
	d := Deb{"libstdc++6", "2:12.2.0-14+deb12u1~x", "amd64", strings.Repeat("0f", 32), 613, "pool/main/g/gcc-12/libstdc++6_12.2.0-14+deb12u1~x_amd64.deb"}
	var read Deb
	if err := read.UnmarshalText([]byte(d.String())); err != nil || read != d {
		t.Errorf("%q is read as %q: %v", d, read, err)
	}
	if d.file() != "libstdc++6_2%3a12.2.0-14+deb12u1~x_amd64.deb" {
		t.Errorf("apt's name is %s", d.file())
	}
	good := strings.Fields(d.String())
	for i, bad := range [][2]string{{"../x", "name"}, {"1/../2", "version"}, {"a/b", "architecture"}, {strings.Repeat("0", 63), "SHA-256"}, {"-1", "number of bytes"}, {"pool/../../etc/x.deb", "elsewhere"}} {
		parts := slices.Clone(good)
		parts[i] = bad[0]
		if err := read.UnmarshalText([]byte(strings.Join(parts, " "))); err == nil || !strings.Contains(err.Error(), bad[1]) {
			t.Errorf("%s: %v", bad[0], err)
		}
	}
	if err := read.UnmarshalText([]byte("a 1 all")); err == nil {
		t.Error("three fields are taken")
	}
}

// tinyDeb makes a package whose one file holds its version, in the pool of an archive's folder.
func tinyDeb(t *testing.T, archive, name, version, depends string) Deb {
	t.Helper()
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	control := "Package: " + name + "\nVersion: " + version + "\nArchitecture: all\nMaintainer: detgen <detgen@example.com>\nDescription: for a test\n"
	if depends != "" {
		control += "Depends: " + depends + "\n"
	}
	for file, text := range map[string]string{"DEBIAN/control": control, "usr/share/" + name + "/version": version + "\n"} {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := Deb{Package: name, Version: version, Architecture: "all"}
	_, plain, epoch := strings.Cut(version, ":")
	if !epoch {
		plain = version
	}
	d.Path = "pool/main/d/" + name + "/" + name + "_" + plain + "_all.deb"
	file := filepath.Join(archive, d.Path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "dpkg-deb", "--root-owner-group", "-Znone", "--build", root, file)
	var err error
	if d.SHA256, d.Bytes, err = record.Digest(file); err != nil {
		t.Fatal(err)
	}
	return d
}

// index writes the list of an archive's packages and gives the line of sources.list for it.
func index(t *testing.T, archive string, debs ...Deb) string {
	t.Helper()
	var list strings.Builder
	for _, d := range debs {
		fmt.Fprintf(&list, "%sFilename: ./%s\nSize: %d\nSHA256: %s\n\n", run(t, "dpkg-deb", "-f", filepath.Join(archive, d.Path)), d.Path, d.Bytes, d.SHA256)
	}
	text := list.String()
	release := fmt.Sprintf("Suite: bookworm\nCodename: bookworm\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n %s %d Packages\n", hexSum([]byte(text)), len(text))
	for name, content := range map[string]string{"Packages": text, "Release": release} {
		if err := os.WriteFile(filepath.Join(archive, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return "deb [trusted=yes] copy:" + archive + " ./"
}

// useMirrors lets the store take these sources in place of the machine's.
func useMirrors(t *testing.T, lines ...string) {
	t.Helper()
	before := mirrorsOf
	t.Cleanup(func() { mirrorsOf = before })
	mirrorsOf = func(context.Context, string) ([]string, error) { return lines, nil }
}

// loopback serves a handler to apt, whatever proxies the machine has, and counts requests.
func loopback(t *testing.T, h http.Handler) (address string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	t.Setenv("no_proxy", "127.0.0.1")
	return s.URL, requests
}

// snapshotOf serves packages of an archive's folder as snapshot.debian.org does.
func snapshotOf(t *testing.T, archive string, debs ...Deb) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	for _, d := range debs {
		content, err := os.ReadFile(filepath.Join(archive, d.Path))
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprintf("%x", sha1.Sum(content))
		mux.HandleFunc("GET /mr/binary/"+d.Package+"/"+d.Version+"/binfiles", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"_comment": "x", "binary": %q, "binary_version": %q, "result": [{"architecture": "i386", "hash": "%040d"}, {"architecture": %q, "hash": %q}]}`,
				d.Package, d.Version, 1, d.Architecture, id)
		})
		mux.HandleFunc("GET /file/"+id, func(w http.ResponseWriter, _ *http.Request) { w.Write(content) })
	}
	return mux
}

// pinnable gives a store whose image x stands on an image of Debian 12, and x's digest. Neither is built.
func pinnable(t *testing.T, dir string) (*Store, string) {
	t.Helper()
	s := open(t, dir, withBase(t, map[string]string{"x": "from: base\npackages: [detgen-tiny]\n"}), nil)
	return s, s.recipes.digests["x"]
}

// TestPinFetches: package files come from the mirror while it has them, else from the snapshot archive, each only with
// its SHA-256; what cannot be had is named with all places, and nothing else is made.
func TestPinFetches(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches with apt")
	}
	old, now, snapshot := t.TempDir(), t.TempDir(), t.TempDir()
	there := tinyDeb(t, old, "detgen-lib", "1:1.0", "")
	gone := tinyDeb(t, old, "detgen-tiny", "1.0+b1~x", "detgen-lib")
	changed := tinyDeb(t, old, "detgen-changed", "1.0", "")
	lost := tinyDeb(t, old, "detgen-lost", "3.0-1", "")
	// The mirror of today has newer versions, one of the old ones, and another file under the name of an old one.
	run(t, "cp", "-r", filepath.Join(old, "pool"), now)
	for _, d := range []Deb{gone, changed, lost} {
		if err := os.Remove(filepath.Join(now, d.Path)); err != nil {
			t.Fatal(err)
		}
	}
	tinyDeb(t, now, "detgen-lib", "2.0", "")
	tinyDeb(t, now, "detgen-tiny", "2.0", "detgen-lib")
	if other := tinyDeb(t, now, "detgen-changed", "1.0", "detgen-lib"); other.Path != changed.Path || other.SHA256 == changed.SHA256 {
		t.Fatalf("%v is not another file of %v", other, changed)
	}
	mirror, asked := loopback(t, http.FileServer(http.Dir(now)))
	run(t, "cp", "-r", filepath.Join(old, "pool"), snapshot)
	archive, askedArchive := loopback(t, snapshotOf(t, snapshot, gone, changed))
	useMirrors(t, "deb [signed-by=/x] "+mirror+" bookworm main", "deb "+mirror+" bookworm-updates main")

	dir := t.TempDir()
	s, x := pinnable(t, dir)
	all := map[string][]Deb{x: {there, gone, changed, lost}}
	err := s.Pin(t.Context(), all, archive+"/")
	if err == nil {
		t.Fatal("a package that nobody has was had")
	}
	want := "1 packages of the recipe could not be had:\ndetgen-lost 3.0-1 (all), SHA-256 " + lost.SHA256 + ": " +
		mirror + "/" + lost.Path + " has none; " + archive + "/mr/binary/detgen-lost/3.0-1/binfiles does not answer, or has none"
	if err.Error() != want {
		t.Errorf("said:\n%v\nwant:\n%s", err, want)
	}
	if made, _ := filepath.Glob(filepath.Join(dir, "*")); len(made) != 1 || s.pins != nil {
		t.Errorf("%v is there, pins %v", made, s.pins)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "pinned", "*")); len(left) != 1 {
		t.Errorf("%v is left", left)
	}

	// A snapshot archive that gives other files than asked for is not believed.
	liar, _ := loopback(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/mr/") {
			fmt.Fprintf(w, `{"result": [{"architecture": "all", "hash": "%040d"}]}`, 7)
			return
		}
		w.Write([]byte("something else"))
	}))
	if err := s.Pin(t.Context(), all, liar); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%s/file/%040d has another file, SHA-256 %s", liar, 7, hexSum([]byte("something else")))) {
		t.Errorf("another file: %v", err)
	}

	before := asked.Load() + askedArchive.Load()
	pins := map[string][]Deb{x: {there, gone, changed}}
	if err := s.Pin(t.Context(), pins, archive); err != nil {
		t.Fatal(err)
	}
	if asked.Load()+askedArchive.Load() != before {
		t.Error("what is there was fetched again")
	}
	for _, d := range pins[x] {
		if !hasSum(pinFile(filepath.Join(dir, "pinned", "packages"), d), d.SHA256) {
			t.Errorf("%s is not there", d)
		}
	}
	if s.dir == dir || filepath.Dir(s.dir) != filepath.Join(dir, "pinned") {
		t.Errorf("images go to %s", s.dir)
	}
	other, _ := pinnable(t, dir)
	if err := other.Pin(t.Context(), map[string][]Deb{"sha256:" + lost.SHA256: {there}}, archive); err == nil || !strings.Contains(err.Error(), "no recipe of layer") {
		t.Errorf("a layer of nobody: %v", err)
	}
}

// TestPinnedBuild: an image names the package files it was made of; on a day when the mirror has others, an image of the
// very same files is made of them, with the same content, and the ordinary one stays as it is.
func TestPinnedBuild(t *testing.T) {
	first, second := newStore(t), newStore(t)
	old, now := t.TempDir(), t.TempDir()
	lib, tiny := tinyDeb(t, old, "detgen-lib", "1:1.0", ""), tinyDeb(t, old, "detgen-tiny", "1.0", "detgen-lib")
	useMirrors(t, index(t, old, lib, tiny))
	run(t, "sh", "-c", `rm -r "$0"/apt/lists-*`, first) // those of the machine's mirror take long to read
	s, x := pinnable(t, first)
	made, err := s.Ensure(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	debs, err := s.Debs(x)
	if err != nil || !slices.Equal(debs[x], []Deb{lib, tiny}) {
		t.Fatalf("the image names %v, %v: %v", debs[x], lib, err)
	}
	newLib, newTiny := tinyDeb(t, now, "detgen-lib", "1:2.0", ""), tinyDeb(t, now, "detgen-tiny", "2.0", "detgen-lib")
	run(t, "cp", filepath.Join(old, lib.Path), filepath.Dir(filepath.Join(now, lib.Path)))
	useMirrors(t, index(t, now, lib, newLib, newTiny))
	archive, asked := loopback(t, snapshotOf(t, old, tiny))
	s, _ = pinnable(t, second)
	ordinary, err := s.Ensure(t.Context(), "x")
	if err != nil || ordinary[0].Packages["detgen-tiny"] != "2.0" {
		t.Fatalf("today's image has %s: %v", ordinary[0].Packages["detgen-tiny"], err)
	}
	if err := s.Pin(t.Context(), map[string][]Deb{x: debs[x]}, archive); err != nil {
		t.Fatal(err)
	}
	if asked.Load() != 2 {
		t.Errorf("the snapshot archive was asked %d times", asked.Load())
	}
	run(t, "mkdir", "-p", filepath.Join(s.dir, "images"), filepath.Join(s.dir, "locks"))
	run(t, "cp", "-al", filepath.Dir(made[0].Layers[1]), filepath.Join(s.dir, "images")) // the base
	pinned, err := s.Ensure(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if p := pinned[0].Packages; p["detgen-tiny"] != "1.0" || p["detgen-lib"] != "1:1.0" {
		t.Errorf("detgen-tiny %s, detgen-lib %s", p["detgen-tiny"], p["detgen-lib"])
	}
	content := func(i Image) string { // of every file: its kind, mode, owner, time, link and digest
		return run(t, "sh", "-euc", `cd "$0"; find . -printf '%p %y %m %U:%G %T@ %l\n' | sort; find . -type f -print0 | sort -z | xargs -0 sha256sum`, i.Layers[0])
	}
	if got, want := content(pinned[0]), content(made[0]); got != want {
		t.Errorf("the pinned image has\n%s\nthe first had\n%s", got, want)
	}
	if content(ordinary[0]) == content(made[0]) {
		t.Error("images of other packages have the same content")
	}
	if again, err := s.Debs(x); err != nil || !slices.Equal(again[x], debs[x]) {
		t.Errorf("the pinned image names %v: %v", again[x], err)
	}
	text, err := os.ReadFile(filepath.Join(ordinary[0].Layers[0], "usr/share/detgen-tiny/version"))
	if err != nil || string(text) != "2.0\n" {
		t.Errorf("the ordinary image has %q: %v", text, err)
	}
}
