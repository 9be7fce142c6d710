package confined

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"detgen/catalogue"
	"detgen/image"
)

// layers gives the root of the smallest image.
func layers(t *testing.T) []string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs root and an image")
	}
	recipes, err := image.Load(image.Folder{FS: catalogue.FS, Name: "catalogue"})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := image.CacheDir("")
	if err != nil {
		t.Fatal(err)
	}
	store, err := image.Open(dir, recipes, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	images, err := store.Ensure(t.Context(), "base")
	if err != nil {
		t.Fatal(err)
	}
	return images[0].Layers
}

// shell runs a script of the image's shell on a file with "hello" in it.
func shell(t *testing.T, script string) (string, error) {
	t.Helper()
	input := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(input, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := Run(t.Context(), Program{
		Layers: layers(t), Args: []string{"/bin/sh", "-euc", script},
		Files: map[string]string{"/etc/given/file": "given\n"}, Result: "/tmp/result",
	}, input, &out)
	return out.String(), err
}

func TestProgramReadsItsFileAndLeavesAResult(t *testing.T) {
	got, err := shell(t, "{ cat "+Input+" /etc/given/file; id -u; id -G; } >/tmp/result")
	if want := "hellogiven\n65534\n65534\n"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// TestProgramCanDoNothing tries what a program must not be able to do. Each attempt is a command that must fail.
func TestProgramCanDoNothing(t *testing.T) {
	for name, attempt := range map[string]string{
		"see processes":          "ls /proc/1",
		"read what is root's":    "cat /etc/shadow",
		"write into the image":   "touch /etc/new",
		"run what it wrote":      "cp /bin/true /tmp/true && /tmp/true",
		"mount":                  "mount -t tmpfs tmpfs /tmp",
		"make a user namespace":  "unshare -U mount -t tmpfs tmpfs /tmp",
		"make a device":          "mknod /tmp/zero c 1 5",
		"see the machine's disk": "ls " + os.TempDir() + "/detgen-confined-*",
		"have an interface":      "ip -o link show up | grep -q UP",
		"become root":            "setpriv --reuid=0 true",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := shell(t, "if "+attempt+"; then echo done; else echo refused; fi >/tmp/result")
			if err != nil || got != "refused\n" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestFailureTellsWhatTheProgramSaid(t *testing.T) {
	_, err := shell(t, "echo this is wrong; exit 3")
	if err == nil || !strings.Contains(err.Error(), "exit status 3: this is wrong") {
		t.Errorf("got %v", err)
	}
}

func TestProgramEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var out bytes.Buffer
	begin := time.Now()
	err := Run(ctx, Program{Layers: layers(t), Args: []string{"/bin/sh", "-c", "while :; do :; done"}, Result: "/tmp/result"}, "/dev/null", &out)
	if err != context.DeadlineExceeded || time.Since(begin) > 30*time.Second {
		t.Errorf("got %v after %v", err, time.Since(begin))
	}
}
