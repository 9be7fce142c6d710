package image

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An image that was loaded packed has the same folders, for an engine that takes them, as the one that was saved.
func TestLoadedImageIsUnpacked(t *testing.T) {
	folder := withBase(t, map[string]string{"x": replacing + `  ln /usr/share/stress-ng/other /etc/another
  ln -s other /usr/share/stress-ng/link
  mkfifo /etc/pipe
remove: [/etc/profile]
`})
	from := open(t, newStore(t), folder, nil)
	image := ensure(t, from, "x")
	var archive bytes.Buffer
	if err := from.Save(t.Context(), &archive, []string{"x"}, nil); err != nil {
		t.Fatal(err)
	}
	var steps []string
	to := open(t, t.TempDir(), folder, &steps)
	if _, err := to.Load(t.Context(), &archive, nil); err != nil {
		t.Fatal(err)
	}
	unpacked := ensure(t, to, "x")
	if strings.Contains(strings.Join(steps, " "), "bootstrap") {
		t.Errorf("it was built: %q", steps)
	}
	const stack = `mount -t overlay overlay -o "ro,lowerdir=$1" "$m"`
	want, got := mounted(t, stack, describe, image.LowerDir()), mounted(t, stack, describe, unpacked.LowerDir())
	if n := strings.Count(want, "\n"); n < 5000 || !strings.Contains(want, "/usr/bin/ping cap_net_raw=ep") {
		t.Errorf("the description has %d lines, or ping's capability is missing", n)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	if len(gotLines) != len(wantLines) {
		t.Errorf("unpacked: %d lines, built: %d lines", len(gotLines), len(wantLines))
	}
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("unpacked: %s\nbuilt: %s", gotLines[i], wantLines[i])
		}
	}
	packedFile, err := os.ReadFile(filepath.Join(to.path(image.Digest), packed))
	if err != nil {
		t.Fatal(err)
	}
	damage(t, packedFile[:1<<20])
}

// damage reads a packed layer again and again with bytes that are not its own: there is an error or none, at once.
func damage(t *testing.T, layer []byte) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(t.TempDir(), packed)
	for range 300 {
		bad := bytes.Clone(layer)
		for range 1 + random.IntN(20) {
			bad[erofsSuper+random.IntN(len(bad)-erofsSuper)] = byte(random.Uint32())
		}
		if err := os.WriteFile(path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		_ = writeTar(io.Discard, f, rootsAttributes)
		f.Close()
	}
}
