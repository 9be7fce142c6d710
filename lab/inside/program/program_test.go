package program

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPut wants what the Makefile built: static, as hosts have no libraries for it, and of no use to a user.
func TestPut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inside")
	there, err := Put(path)
	if err != nil {
		t.Fatal(err)
	}
	if !there {
		if testing.Short() {
			t.Skip("the quick loop does without the program: make build builds it")
		}
		t.Fatal("the hosts' program is not there: make build builds it")
	}
	// go test remembers a result until a file that the test has read is another one.
	for _, dir := range []string{"cmd/detgen-inside", "engine/parts", "emulator", "internal/helper", "lab/inside"} {
		if err := os.CopyFS(t.TempDir(), os.DirFS(filepath.Join("../../..", dir))); err != nil {
			t.Fatal(err)
		}
	}
	// What the Makefile does: an old one would be in the hosts of all tests that follow.
	fresh := filepath.Join(t.TempDir(), "fresh")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", fresh, "detgen/cmd/detgen-inside")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the hosts' program: %v: %s", err, out)
	}
	content, err1 := os.ReadFile(path)
	if now, err := os.ReadFile(fresh); err != nil || err1 != nil || !bytes.Equal(now, content) {
		t.Errorf("the hosts' program is not what its source makes now (%v, %v): make build builds it", err, err1)
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("it is linked dynamically")
		}
	}
	out, err := exec.Command(path).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "only a lab starts this program") {
		t.Errorf("by hand: %v: %s", err, out)
	}
	link := filepath.Join(filepath.Dir(path), "phase")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	out, err = exec.Command(link, "one").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "only a task's script can call this") {
		t.Errorf("as a helper command by hand: %v: %s", err, out)
	}
}
