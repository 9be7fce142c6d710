package image

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"

	"detgen/catalogue"

	"golang.org/x/sys/unix"
)

// TestMain lets the test binary be the other process that tests of several processes need (see startBuild), and the worker
// of an ordinary user.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == WorkerRole {
		if err := Worker(catalogue.FS); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv("DETGEN_TEST_STORE"); dir != "" {
		os.Exit(buildProcess(dir, os.Getenv("DETGEN_TEST_CATALOGUE")))
	}
	os.Exit(m.Run())
}

// buildProcess builds the image "x" and prints its steps. With DETGEN_TEST_PACK it packs it too; with DETGEN_TEST_PRUNE
// it removes all images instead. With DETGEN_TEST_TIGHT builds may take little.
func buildProcess(dir, catalogueDir string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	recipes, err := Load(DirFolder(catalogueDir))
	if err == nil {
		var s *Store
		s, err = Open(dir, recipes, Options{Progress: func(p Progress) { os.Stdout.WriteString(p.Step + "\n") }})
		if err == nil && os.Getenv("DETGEN_TEST_TIGHT") != "" {
			s.limits = tight
		}
		var images []Image
		switch {
		case err != nil:
		case os.Getenv("DETGEN_TEST_PRUNE") != "":
			var removed []string
			removed, err = s.Prune(ctx, true)
			os.Stdout.WriteString(strings.Join(append(removed, ""), "\n"))
		default:
			if images, err = s.Ensure(ctx, "x"); err == nil && os.Getenv("DETGEN_TEST_PACK") != "" {
				_, err = s.Pack(ctx, images[0])
			}
		}
	}
	if err != nil {
		os.Stdout.WriteString("error: " + err.Error() + "\n")
		return 1
	}
	return 0
}

// needsRoot ends a test that cannot run in the quick loop or without root.
func needsRoot(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds images: needs root")
	}
	if os.Geteuid() != 0 {
		t.Fatal("building images needs root: run the tests as root, or with -short")
	}
}

// builtinBase gives the catalogue's base image, built in this machine's own cache: all tests
// share it, and it is there for use afterwards.
var builtinBase = sync.OnceValues(func() (Image, error) {
	recipes, err := Load(Folder{FS: catalogue.FS, Name: "catalogue"})
	if err != nil {
		return Image{}, err
	}
	dir, err := CacheDir("")
	if err != nil {
		return Image{}, err
	}
	s, err := Open(dir, recipes, Options{})
	if err != nil {
		return Image{}, err
	}
	images, err := s.Ensure(context.Background(), "base")
	if err != nil {
		return Image{}, err
	}
	work, err := os.MkdirTemp(dir, "test-")
	if err != nil {
		return Image{}, err
	}
	defer os.RemoveAll(work)
	// Fresh package lists here spare each test's store from fetching its own.
	if _, err := s.openApt(context.Background(), "bookworm", false, work, func(string) {}); err != nil {
		return Image{}, err
	}
	return images[0], nil // held until the tests end
})

// newStore gives an empty cache directory that has the catalogue's base image and downloaded
// packages, as links.
func newStore(t *testing.T) string {
	t.Helper()
	needsRoot(t)
	base, err := builtinBase()
	if err != nil {
		t.Fatal(err)
	}
	entry := filepath.Dir(base.Layers[0])
	cache := filepath.Dir(filepath.Dir(entry))
	dir, err := os.MkdirTemp(cache, "test-") // links need the same file system
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "mkdir", dir+"/images", dir+"/locks")
	run(t, "cp", "-al", entry, filepath.Join(dir, "images"))
	run(t, "cp", "-al", filepath.Join(cache, "apt"), dir)
	return dir
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// withBase gives a catalogue with the built-in base image and the given recipes, as a folder.
func withBase(t *testing.T, recipes map[string]string) Folder {
	t.Helper()
	base, err := catalogue.FS.ReadFile("images/base/image.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // other users read it too
		t.Fatal(err)
	}
	files := fstest.MapFS{"images/base/image.yaml": {Data: base}}
	for name, text := range recipes {
		files["images/"+name+"/image.yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	return DirFolder(dir)
}

// open gives a store; steps collects the progress it tells.
func open(t *testing.T, dir string, folder Folder, steps *[]string) *Store {
	t.Helper()
	recipes, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir, recipes, Options{Progress: func(p Progress) {
		if steps != nil {
			*steps = append(*steps, p.Image+": "+p.Step)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func ensure(t *testing.T, s *Store, name string) Image {
	t.Helper()
	images, err := s.Ensure(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return images[0]
}

// mounted runs a shell script with a mount in a mount namespace of its own; "$1" is the mount
// point. It returns what the script prints.
func mounted(t *testing.T, mount, script string, args ...string) string {
	t.Helper()
	args = append([]string{"--mount", "sh", "-euc", "m=$1; shift; " + mount + "\nset -- \"$m\"\n" + script, "sh", t.TempDir()}, args...)
	return run(t, "unshare", args...)
}

// inside runs a shell script in the root of an image.
func inside(t *testing.T, image Image, script string) string {
	t.Helper()
	return mounted(t, "mount -t overlay overlay -o \"ro,lowerdir=$1:$m\" \"$m\"",
		`chroot "$1" /bin/sh -euc '`+script+`'`, image.LowerDir())
}

// process is another process that builds.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
	steps []string
}

// startBuild starts another process that builds the image "x".
func startBuild(t *testing.T, dir string, folder Folder, credential *syscall.Credential) *process {
	t.Helper()
	cmd := exec.Command("/proc/self/exe") // other users may not reach the test binary by its name
	cmd.Env = append(os.Environ(), "DETGEN_TEST_STORE="+dir, "DETGEN_TEST_CATALOGUE="+folder.Dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	return startProcess(t, cmd)
}

func startProcess(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd, lines: bufio.NewScanner(out)}
	t.Cleanup(func() { cmd.Process.Kill() })
	return p
}

// until reads steps up to the given one.
func (p *process) until(step string) {
	p.t.Helper()
	for p.lines.Scan() {
		p.steps = append(p.steps, p.lines.Text())
		if p.lines.Text() == step {
			return
		}
	}
	p.t.Fatalf("no step %q; steps: %s", step, strings.Join(p.steps, ", "))
}

// end reads the steps that are left and waits for the end.
func (p *process) end() error {
	for p.lines.Scan() {
		p.steps = append(p.steps, p.lines.Text())
	}
	return p.cmd.Wait()
}

// waitForText returns when a file has a text in it. It waits for the kernel to tell of changes
// to the file.
func waitForText(t *testing.T, file, text string) {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	events := os.NewFile(uintptr(fd), "inotify")
	defer events.Close()
	if _, err := unix.InotifyAddWatch(fd, file, unix.IN_MODIFY|unix.IN_MOVE_SELF|unix.IN_DELETE_SELF); err != nil {
		t.Fatalf("watch %s: %v", file, err)
	}
	buffer := make([]byte, 64<<10)
	for {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("wait for %q: %v", text, err)
		}
		if strings.Contains(string(content), text) {
			return
		}
		if _, err := events.Read(buffer); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
}

// nothingLeft checks that a build that did not end well left nothing but what the next one
// cleans: no process (they would hold the lock), no mount.
func nothingLeft(t *testing.T, s *Store, digest string) {
	t.Helper()
	l, err := acquire(t.Context(), s.lockFile(digest), unix.LOCK_EX, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.release()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), s.dir) {
		t.Errorf("a mount is left below %s", s.dir)
	}
	if s.exists(digest) {
		t.Error("the store has the image")
	}
}
