package image

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// describe prints what can be seen of every file below "$1": kind, mode, owner, size, time,
// link, attributes and content.
const describe = `cd "$1"
find . -type d -printf '%p %y %m %U %G\n' -o -printf '%p %y %m %U %G %s %T@ %l\n' | sort
getcap -r . | sort
find . -type f -print0 | sort -z | xargs -0 sha256sum`

// replacing is the beginning of a recipe whose layer has what packing is hard at: a removed file, and a folder that takes the
// place of another.
const replacing = `
from: base
packages: [iputils-ping]
files:
  - {path: /etc/x, text: x, owner: games:mail, mode: 04750}
run: |
  rm -r /usr/share/stress-ng
  mkdir /usr/share/stress-ng
  echo >/usr/share/stress-ng/other
`

func TestPackedImageIsTheSame(t *testing.T) {
	dir := newStore(t)
	folder := withBase(t, map[string]string{"x": replacing + "remove: [/etc/profile]\n"})
	s := open(t, dir, folder, nil)
	image := ensure(t, s, "x")
	files, err := s.Pack(t.Context(), image)
	if err != nil {
		t.Fatal(err)
	}
	want := mounted(t, `mount -t overlay overlay -o "ro,lowerdir=$1" "$m"`, describe, image.LowerDir())
	got := mounted(t, `mkdir -p "$m/top" "$m/base" "$m/all"
mount -t erofs -o loop,ro "$1" "$m/top"
mount -t erofs -o loop,ro "$2" "$m/base"
mount -t overlay overlay -o "ro,lowerdir=$m/top:$m/base" "$m/all"
m=$m/all`, describe, files...)
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	if len(wantLines) < 5000 || !strings.Contains(want, "/usr/bin/ping cap_net_raw=ep") {
		t.Errorf("the description has %d lines, or ping's capability is missing", len(wantLines))
	}
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("packed: %s\nlayers: %s", gotLines[i], wantLines[i])
		}
	}
	if len(gotLines) != len(wantLines) {
		t.Errorf("packed: %d lines, layers: %d lines", len(gotLines), len(wantLines))
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() != PackedSize {
			t.Errorf("%s has %d bytes, not %d", file, info.Size(), int64(PackedSize))
		}
	}
}

// Two builds of the same recipe from the same packages must be the same file. Base is built anew
// too: it has most of what could differ.
func TestTwoBuildsPackToTheSameBytes(t *testing.T) {
	folder := withBase(t, map[string]string{"x": "from: base\npackages: [openssh-server]\n"})
	build := func(anew bool) (image Image, sums []string) {
		s := open(t, newStore(t), folder, nil)
		if anew {
			if err := os.RemoveAll(s.path(s.recipes.digests["base"])); err != nil {
				t.Fatal(err)
			}
		}
		image = ensure(t, s, "x")
		files, err := s.Pack(t.Context(), image)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			sums = append(sums, sumOf(t, file))
		}
		return image, sums
	}
	first, firstSums := build(false)
	second, secondSums := build(true)
	if !maps.Equal(first.Packages, second.Packages) {
		// Debian has published packages since the base that was there was built.
		first, firstSums = build(true)
	}
	if !maps.Equal(first.Packages, second.Packages) {
		t.Fatalf("packages of the first build: %v, of the second: %v", first.Packages, second.Packages)
	}
	for i := range firstSums {
		if firstSums[i] != secondSums[i] {
			t.Errorf("layer %d from the top: first %s, then %s\n%s", i, firstSums[i], secondSums[i],
				differences(mounted(t, "m=$1", describe, first.Layers[i]), mounted(t, "m=$1", describe, second.Layers[i])))
		}
	}
}

func sumOf(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// differences gives the first lines that only one of two descriptions has.
func differences(a, b string) string {
	count := map[string]int{}
	for line := range strings.Lines(a) {
		count[line]++
	}
	for line := range strings.Lines(b) {
		count[line]--
	}
	var lines []string
	for line, n := range count {
		switch {
		case n > 0:
			lines = append(lines, "first: "+line)
		case n < 0:
			lines = append(lines, "then:  "+line)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines[:min(20, len(lines))], "")
}
