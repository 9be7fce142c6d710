package confined

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"detgen/catalogue"
	"detgen/image"
	"detgen/internal/boundary"
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
		"have an interface":      "ip -o link | grep -v \": lo:\" | grep .",
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

// TestSystemCallsAreFiltered makes system calls that the kernel gives to anybody, and that only the filter refuses.
func TestSystemCallsAreFiltered(t *testing.T) {
	const script = `
sub try { my ($name, $want, $call, @args) = @_; $! = 0; my $r = syscall($call, @args); print "$name: $r, ", $!+0, "\n" unless $r == -1 && $! == $want }
my ($EPERM, $ENOSYS) = (1, 38);
my $zeros = "\0" x 4096;
try("keyctl: session keyring", $EPERM, 250, 0, -3, 1);
try("ptrace: be traced", $EPERM, 101, 0, 0, 0, 0);
try("io_uring_setup", $EPERM, 425, 1, $zeros);
try("userfaultfd", $EPERM, 323, 1);
try("unshare: users", $EPERM, 272, 0x10000000);
try("process_vm_readv", $EPERM, 310, 1, 0, 0, 0, 0, 0);
try("perf_event_open", $EPERM, 298, $zeros, 0, -1, -1, 0);
try("bpf", $EPERM, 321, 0, $zeros, 72);
try("add_key", $EPERM, 248, "user", "x", "x", 1, -3);
try("socket: AF_VSOCK", $ENOSYS, 41, 40, 1, 0);
try("socket: AF_ALG", $ENOSYS, 41, 38, 5, 0);
try("a call of no kernel", $ENOSYS, 1000);
`
	got, err := shell(t, "perl -e '"+script+"' >/tmp/result")
	if err != nil || got != "" {
		t.Errorf("not refused: %s %v", got, err)
	}
}

// A program that takes too much ends, with an error that says what.
func TestAGreedyProgramEnds(t *testing.T) {
	defer func(before boundary.Amounts) { amounts = before }(amounts)
	amounts = boundary.Amounts{Memory: 128 << 20, Processes: 64}
	for name, c := range map[string]struct{ attempt, want string }{
		"memory":    {`for i in 1 2 3; do perl -e '$x = "x" x 50000000; sleep 1000' & done; wait`, "it takes more than 128 MiB of memory, its limit"},
		"processes": {"for i in $(seq 100); do sleep 1000 & done", "it starts more than 64 processes, its limit"},
		"space":     {"cat /dev/zero >/tmp/result", "/bin/sh"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := shell(t, c.attempt); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if left, _ := filepath.Glob("/sys/fs/cgroup/*/detgen-amounts-*"); len(left) > 0 {
		t.Errorf("control groups are left: %q", left)
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
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 30*time.Second {
		t.Errorf("got %v after %v", err, time.Since(begin))
	}
}
