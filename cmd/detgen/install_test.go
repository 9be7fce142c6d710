package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestInstall: what a machine without anything gets installed, by its release, and that what its archive does not have
// is named and keeps nothing else from being installed. The machine's apt is a stand-in that writes down its arguments.
func TestInstall(t *testing.T) {
	needsLab(t) // mounts another release's name over the machine's
	script, err := filepath.Abs("../../scripts/install")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		release, what, lacks string
		code                 int
		installs, says       string
	}{
		"Debian 12": {"VERSION_CODENAME=bookworm", "demo", "-", 0,
			"crun mmdebstrap uidmap qemu-system-x86 erofs-utils xz-utils golang-1.24-go/bookworm-backports\n", ""},
		"Debian 13": {"VERSION_CODENAME=trixie", "demo", "-", 0, "crun mmdebstrap uidmap qemu-system-x86 erofs-utils xz-utils golang-go\n", ""},
		"no crun": {"PRETTY_NAME='Ubuntu 24.04 LTS'", "demo", "crun", 0, "install -y --no-install-recommends mmdebstrap uidmap qemu-system-x86 erofs-utils",
			"missing: the archive of Ubuntu 24.04 LTS has no package crun\n"},
		"no chromium, for tests": {"PRETTY_NAME='Ubuntu 24.04 LTS'", "", "chromium", 1, " gcc npm git ", "missing: the archive of Ubuntu 24.04 LTS has no package chromium\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			bin := filepath.Join(dir, "bin")
			if err := os.MkdirAll(filepath.Join(dir, "sources"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(bin, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, program := range []string{"bash", "cat", "dirname", "id", "mktemp", "rm"} {
				path, err := exec.LookPath(program)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(path, filepath.Join(bin, program)); err != nil {
					t.Fatal(err)
				}
			}
			for file, text := range map[string]string{
				"os-release":    c.release + "\n",
				"bin/apt-get":   "#!/bin/bash\necho \"$@\" >>" + dir + "/asked\n",
				"bin/apt-cache": "#!/bin/bash\n[ \"$2\" != " + c.lacks + " ]\n",
			} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-euc",
				`mount --bind "$1/os-release" /etc/os-release; mount --bind "$1/sources" /etc/apt/sources.list.d; PATH=$1/bin; shift; exec "$@"`, "sh", dir, script, c.what)
			code, _, stderr := outcome(t, cmd)
			asked, _ := os.ReadFile(filepath.Join(dir, "asked"))
			if code != c.code || stderr != c.says || !strings.HasPrefix(string(asked), "update\ninstall ") || !strings.Contains(string(asked), c.installs) {
				t.Errorf("exit code %d, want %d; apt was asked for\n%swant %q; it says %q, want %q", code, c.code, asked, c.installs, stderr, c.says)
			}
			sources, _ := os.ReadDir(filepath.Join(dir, "sources"))
			if want := strings.Contains(c.installs, "backports"); (len(sources) > 0) != want {
				t.Errorf("sources were added: %v", sources)
			}
		})
	}
}
