package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detgen/internal/boundary"
	"detgen/internal/ordinary"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/sys/unix"
)

// userStore gives an ordinary user whose store has the catalogue's base image, as if the user had built it.
func userStore(t *testing.T, subordinate int) (u *ordinary.User, dir string) {
	t.Helper()
	needsRoot(t)
	base, err := builtinBase()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	u = ordinary.New(t, subordinate, self)
	dir = filepath.Join(u.Home, "cache")
	images := filepath.Join(dir, "images")
	run(t, "mkdir", "-p", images, dir+"/locks")
	run(t, "cp", "-a", filepath.Dir(base.Layers[0]), images)
	os.Remove(filepath.Join(images, hexOf(base.Digest), packed)) // there is none unless somebody packed it
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if rest, ok := strings.CutPrefix(name, filepath.Join(images, hexOf(base.Digest), "layer")); !ok || rest != "" && rest[0] != '/' {
			return os.Lchown(name, ordinary.UID, ordinary.GID)
		}
		var stat unix.Stat_t
		if err := unix.Lstat(name, &stat); err != nil || stat.Uid >= ordinary.FirstUser { // another name of a file
			return err
		}
		if err := os.Lchown(name, ordinary.FirstUser+int(stat.Uid), ordinary.FirstGroup+int(stat.Gid)); err != nil || d.Type() == fs.ModeSymlink {
			return err
		}
		return unix.Chmod(name, stat.Mode&0o7777) // the new owner has taken set-user bits away
	})
	if err != nil {
		t.Fatal(err)
	}
	return u, dir
}

// environment is what lets the test binary build image "x" of a folder in a store.
func environment(dir string, folder Folder, more ...string) []string {
	return append(more, "DETGEN_TEST_STORE="+dir, "DETGEN_TEST_CATALOGUE="+folder.Dir)
}

// hard is what layers of an ordinary user are hard at: owners, modes, a folder in the place of another, removed files,
// links, pipes, times; and an attribute of the user's.
const hard = `
from: base
files:
  - {path: /etc/x, text: x, owner: games:mail, mode: 04750}
  - {path: /srv/a/b/c, text: deep}
  - {path: /srv/nobody, directory: true, owner: nobody:nogroup, mode: 01777}
run: |
  chown 65533:65532 /srv/a
  rm -r /usr/share/stress-ng
  mkdir /usr/share/stress-ng
  echo >/usr/share/stress-ng/other
  ln /etc/x /etc/same
  mkfifo /srv/pipe
  chmod g+s /usr/share/stress-ng
  for i in $(seq 300); do mkdir /srv/a/folder-with-a-long-name-$i; done
remove: [/etc/profile]
`

// A user's image has the bytes of root's, packed. Its files are the user's subordinates' on disk, and the user can
// remove them.
func TestAUsersImageIsRoots(t *testing.T) {
	u, dir := userStore(t, boundary.IDRange)
	folder := withBase(t, map[string]string{"x": hard})
	p := startProcess(t, u.Command(t.Context(), environment(dir, folder, "DETGEN_TEST_PACK=1"), "build"))
	if err := p.end(); err != nil {
		t.Fatalf("%v: %q", err, p.steps)
	}
	if !slices.Contains(p.steps, "install") || !slices.Contains(p.steps, "pack") || !slices.Contains(p.steps, Built) {
		t.Errorf("steps are %q", p.steps)
	}
	s := open(t, newStore(t), folder, nil)
	roots := ensure(t, s, "x")
	files, err := s.Pack(t.Context(), roots)
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		entry := filepath.Join(dir, "images", filepath.Base(filepath.Dir(file)))
		if sumOf(t, file) != sumOf(t, filepath.Join(entry, packed)) {
			t.Errorf("layer %d from the top has other bytes than root's", i)
		}
		var stat unix.Stat_t
		if err := unix.Stat(filepath.Join(entry, "layer"), &stat); err != nil || stat.Uid != ordinary.FirstUser || stat.Gid != ordinary.FirstGroup {
			t.Errorf("the layer's owner is %d:%d (%v)", stat.Uid, stat.Gid, err)
		}
	}

	// Root must not run programs on files of other owners.
	there := open(t, dir, folder, nil)
	if _, err := there.Ensure(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "was built by another user") {
		t.Errorf("root takes a user's layers: %v", err)
	}
	there.Close()
	p = startProcess(t, u.Command(t.Context(), environment(dir, folder, "DETGEN_TEST_PRUNE=1"), "prune"))
	if err := p.end(); err != nil || len(p.steps) != 2 {
		t.Errorf("removed %q: %v", p.steps, err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "images")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// An OCI image of a user has root's bytes too: owners, capabilities, and devices where a layer keeps none. What only root
// can make is refused.
func TestAUsersOCIImageIsRoots(t *testing.T) {
	needsRoot(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	u := ordinary.New(t, boundary.IDRange, self)
	netRaw := string([]byte{1, 0, 0, 2, 0, 1 << 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}) // struct vfs_cap_data, version 2: effective CAP_NET_RAW
	device := func(name string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}
	}
	build := func(entries ...tar.Header) (folder Folder, dir string, p *process) {
		t.Helper()
		folder = catalogueWith(t, "oci: ./image\n")
		if err := os.Chmod(filepath.Dir(folder.Dir), 0o755); err != nil {
			t.Fatal(err)
		}
		image := ociImage(t, layerOf(t, "text", append(entries, tar.Header{Name: "etc/x", Typeflag: tar.TypeReg, Uid: 5, Gid: 65535, Mode: 0o4755})...))
		if err := tarball.WriteToFile(filepath.Join(folder.Dir, "images/x/image"), name.MustParseReference("some/image:1"), image); err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(u.Home, "oci")
		return folder, dir, startProcess(t, u.Command(t.Context(), environment(dir, folder, "DETGEN_TEST_PACK=1"), "build"))
	}
	folder, dir, p := build(device("dev/null"), tar.Header{Name: "bin/ping", Typeflag: tar.TypeReg, Mode: 0o755,
		PAXRecords: map[string]string{"SCHILY.xattr.security.capability": netRaw}})
	if err := p.end(); err != nil {
		t.Fatalf("%v: %q", err, p.steps)
	}
	s := open(t, t.TempDir(), folder, nil)
	image := ensure(t, s, "x")
	files, err := s.Pack(t.Context(), image)
	if err != nil {
		t.Fatal(err)
	}
	if got := run(t, "getcap", "-r", image.Layers[0]); !strings.HasSuffix(got, "/bin/ping cap_net_raw=ep\n") {
		t.Errorf("capabilities are %q", got)
	}
	if sumOf(t, files[0]) != sumOf(t, filepath.Join(dir, "images", hexOf(image.Digest), packed)) {
		t.Error("the layer has other bytes than root's")
	}
	for want, entry := range map[string]tar.Header{
		"srv/device: only root can make a device":                                   device("srv/device"),
		"etc/y: its owner is 65536:0; without root an image has owners up to 65535": {Name: "etc/y", Typeflag: tar.TypeReg, Uid: 65536},
	} {
		_, _, p := build(entry)
		if err := p.end(); err == nil || !strings.Contains(strings.Join(p.steps, "\n"), want) {
			t.Errorf("it says %q (%v), want %q", p.steps, err, want)
		}
	}
}

// Nothing gets out of a user's build either, an interrupted one leaves nothing, and a killed one what the user can remove.
func TestAUsersBuildIsTight(t *testing.T) {
	u, dir := userStore(t, boundary.IDRange)
	folder := escaping(t, "echo tried", "sleep 1000")
	s := open(t, dir, folder, nil)
	digest := s.recipes.digests["x"]
	work := s.path(digest) + ".tmp"
	end := func(signal os.Signal) {
		t.Helper()
		p := startProcess(t, u.Command(t.Context(), environment(dir, folder), "build"))
		p.until("install")
		waitForText(t, filepath.Join(work, "entry/build.log"), "tried")
		if err := p.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := p.end(); err == nil {
			t.Errorf("it ends well by %v", signal)
		}
		nothingLeft(t, s, digest)
	}
	end(os.Interrupt)
	if _, err := os.Stat(work); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what the interrupted build left is there: %v", err)
	}
	end(os.Kill)
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(work, "own/layer", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	refused(t, read("escape.log"))
	if got := read("ids.log"); !slices.Equal(strings.Fields(got), []string{"0", "0", fmt.Sprint(boundary.IDRange)}) {
		t.Errorf("the build's IDs are %q", got)
	}
	status := read("status.log")
	for _, want := range []string{"NoNewPrivs:\t1\n", "Seccomp:\t2\n", "CapBnd:\t00000000800400fb\n"} {
		if !strings.Contains(status, want) {
			t.Errorf("the build's status has no %q:\n%s", want, status)
		}
	}
	p := startProcess(t, u.Command(t.Context(), environment(dir, folder, "DETGEN_TEST_PRUNE=1"), "prune"))
	if err := p.end(); err != nil || !slices.ContainsFunc(p.steps, func(s string) bool { return strings.HasPrefix(s, "removed killed build") }) {
		t.Errorf("removed %q: %v", p.steps, err)
	}
	if _, err := os.Stat(work); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what the killed build left is there: %v", err)
	}
}

// Who cannot build is told why, and what to do instead.
func TestUsersWhoCannotBuild(t *testing.T) {
	folder := withBase(t, map[string]string{"x": "from: base\nrun: echo >/x\n"})
	without, dir := userStore(t, 0)
	for name, c := range map[string]struct {
		cmd  *exec.Cmd
		want string
	}{
		"no subordinate IDs": {without.Command(t.Context(), environment(dir, folder), "build"), "has 0 subordinate IDs, and 65536 are needed"},
		"forbidden":          {without.Forbidden(t.Context(), environment(dir, folder), "build"), "this machine forbids them"},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProcess(t, c.cmd)
			if err := p.end(); err == nil {
				t.Error("the user could build")
			}
			if got := strings.Join(p.steps, "\n"); len(p.steps) != 1 || !strings.HasPrefix(got, `error: image "x": it is not in `+dir+": building and packing images takes root, or ") ||
				!strings.Contains(got, c.want) || !strings.Contains(got, `"detgen image load"`) {
				t.Errorf("it says %q", p.steps)
			}
			if left, err := filepath.Glob(filepath.Join(dir, "images", "*.tmp")); err != nil || left != nil {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// The attributes that a user may set become root's, wherever mkfs.erofs put them.
func TestTrustOpaque(t *testing.T) {
	needsRoot(t)
	const more = "a value that is shared by some folders"
	make := func(prefix string) string {
		dir := t.TempDir()
		set := func(path, name, value string) {
			t.Helper()
			path = filepath.Join(dir, path)
			err := os.MkdirAll(path, 0o755)
			if err == nil {
				err = unix.Setxattr(path, name, []byte(value), 0)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		set("", prefix+"opaque", "y")
		for i := range 400 { // shared, and more entries than a block has
			set(fmt.Sprintf("many/folder-%d", i), prefix+"opaque", "y")
		}
		set("alone/below/deep", prefix+"opaque", "x") // an inode's own
		set("alone/below/deep", "user.overlay.opaquely", "y")
		set("alone", "user.other", more)
		if err := os.WriteFile(filepath.Join(dir, "alone/file"), []byte("user.overlay.opaque"), 0o644); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "erofs")
		cmd := exec.Command("mkfs.erofs", "--quiet", "-T0", "-U00000000-0000-0000-0000-000000000000", file, dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return file
	}
	want, got := make(rootsAttributes), make(usersAttributes)
	before := sumOf(t, got)
	if err := trustOpaque(got); err != nil {
		t.Fatal(err)
	}
	if sumOf(t, got) != sumOf(t, want) || before == sumOf(t, want) {
		t.Error("the image is not the one whose attributes root set")
	}
	noise := filepath.Join(t.TempDir(), "noise")
	if err := os.WriteFile(noise, []byte(strings.Repeat("noise", 10000)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := trustOpaque(noise); err == nil {
		t.Error("noise is taken for an image")
	}
}
