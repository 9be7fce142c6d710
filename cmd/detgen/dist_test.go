package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"detgen/internal/labtest"
	"detgen/record"
)

// installedScript runs detgen in a root file system as a user without any capability, whose only images are those of an
// archive. Arguments: the root, the archive, what detgen is to do.
const installedScript = `
mount --make-rprivate /
touch "$1/images"
mount --bind "$2" "$1/images"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/dev"
for device in null zero urandom random; do
	touch "$1/dev/$device"
	mount --bind /dev/$device "$1/dev/$device"
done
mkdir -m 1777 "$1/dev/shm"
root=$1
shift 2
exec chroot "$root" setpriv --reuid=1000 --regid=1000 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs env -i PATH=/usr/bin:/bin HOME=/home/detgen \
	sh -euc 'detgen image load /images >/dev/null; exec detgen "$@"' sh "$@"
`

// TestDist makes what detgen is handed out as. The Debian package is installed, with what it depends on, in the image's
// root, where an ordinary user loads the images that root saved here and makes a run of the exact engine with the bytes that
// root makes here.
func TestDist(t *testing.T) {
	needsLab(t)
	path := labtest.Program(t)
	out := t.TempDir()
	if text, err := exec.CommandContext(t.Context(), "../../scripts/dist", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = out
	if text, err := check.CombinedOutput(); err != nil || strings.Count(string(text), ": OK") != 3 {
		t.Errorf("checksums: %v: %s", err, text)
	}
	archive := one(t, filepath.Join(out, "detgen_*_linux_amd64.tar.gz"))
	list, err := exec.CommandContext(t.Context(), "tar", "-tzf", archive).Output()
	for _, file := range []string{"bin/detgen\n", "share/man/man1/detgen-dataset-build.1.gz\n", "share/bash-completion/completions/detgen\n"} {
		if err != nil || !strings.Contains(string(list), file) {
			t.Errorf("the archive lacks %q: %v", file, err)
		}
	}

	layout, root := t.TempDir(), filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	unpack := func(file, to string) {
		t.Helper()
		if text, err := exec.CommandContext(t.Context(), "tar", "-C", to, "--numeric-owner", "-xf", file).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	unpack(one(t, filepath.Join(out, "detgen_*_oci.tar")), layout)
	var index, manifest struct {
		Manifests, Layers []struct{ Digest string }
	}
	blob := func(digest string) string {
		return filepath.Join(layout, "blobs/sha256", strings.TrimPrefix(digest, "sha256:"))
	}
	read := func(file string, v any) {
		t.Helper()
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, v)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	read(filepath.Join(layout, "index.json"), &index)
	read(blob(index.Manifests[0].Digest), &manifest)
	unpack(blob(manifest.Layers[0].Digest), root)

	images := filepath.Join(t.TempDir(), "images")
	save := exec.CommandContext(t.Context(), path, "image", "save", "ping-client", "-o", images)
	if code, stdout, stderr := outcome(t, save); code != exitDone {
		t.Fatalf("save: exit code %d: %s%s", code, stdout, stderr)
	}
	arguments := []string{"run", "ping/echo", "--engine", "exact", "--seed", "4", "-s", "params.count=2", "-s", "params.interval=10ms", "-o"}
	here := filepath.Join(t.TempDir(), "here")
	if code, _, stderr := outcome(t, exec.CommandContext(t.Context(), path, append(arguments, here)...)); code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	inside := exec.CommandContext(t.Context(), "unshare", append([]string{"--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child",
		"sh", "-euc", installedScript, "sh", root, images}, append(arguments, "/home/detgen/there")...)...)
	if code, _, stderr := outcome(t, inside); code != exitDone {
		t.Fatalf("as a user in the image: exit code %d: %s", code, stderr)
	}
	a, errA := record.Read(here)
	b, errB := record.Read(filepath.Join(root, "home/detgen/there"))
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	for i, c := range a.Result.Captures {
		if c.SHA256 != b.Result.Captures[i].SHA256 {
			t.Errorf("%s: root's run here has other bytes than a user's in the image", c.File)
		}
	}
}

// one gives the file that a pattern stands for.
func one(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	return files[0]
}
