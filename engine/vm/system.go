package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"
)

// Image is the name of the catalogue's image that machines start from.
const Image = "machine"

// diskSize is the size of a machine's disk, in MiB. What is not written takes no space.
const diskSize = 8192

// system is what every machine of an engine is made of.
type system struct {
	QEMU        string // program
	Version     string
	Accelerator string // "kvm" or "tcg"
	Digest      string // of the system's image
	Kernel      string // files
	Initrd      string
	Disk        string
}

// find gives the system of an image, whose disk is made when the cache does not have it.
func find(ctx context.Context, cache, digest string, layers []string) (system, error) {
	s := system{Digest: digest, Accelerator: accelerator()}
	var err error
	if s.QEMU, err = exec.LookPath("qemu-system-x86_64"); err != nil {
		return s, errors.New("qemu-system-x86_64 is missing; install the package qemu-system-x86")
	}
	out, err := exec.CommandContext(ctx, s.QEMU, "--version").Output()
	if err != nil {
		return s, fmt.Errorf("%s --version: %w", s.QEMU, err)
	}
	s.Version, _, _ = strings.Cut(strings.TrimPrefix(string(out), "QEMU emulator version "), "\n")
	if s.Kernel, err = only(layers, "boot/vmlinuz-*"); err != nil {
		return s, err
	}
	if s.Initrd, err = only(layers, "boot/initrd.img-*"); err != nil {
		return s, err
	}
	s.Disk, err = disk(ctx, cache, digest, layers)
	return s, err
}

// only finds the one file of a layer's tree that fits the pattern.
func only(layers []string, pattern string) (string, error) {
	for _, layer := range layers {
		if found, _ := filepath.Glob(filepath.Join(layer, pattern)); len(found) == 1 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("the image %q has no %s", Image, pattern)
}

// hardware is the CPU flags of virtualisation: Intel's and AMD's (proc_cpuinfo(5)).
var hardware = regexp.MustCompile(`(?m)^flags\s*:.*\b(vmx|svm)\b`)

// accelerator is what runs the machines' instructions: the CPU, through KVM, or QEMU's translator. A KVM device
// without a CPU that virtualises (PVM) does not run Debian's kernel.
func accelerator() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil || !hardware.Match(info) {
		return "tcg"
	}
	device, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return "tcg"
	}
	device.Close()
	return "kvm"
}

// disk gives the file with the system's root file system. It is made without a name, and gets it when it is
// complete.
func disk(ctx context.Context, cache, digest string, layers []string) (string, error) {
	dir := filepath.Join(cache, "vm")
	path := filepath.Join(dir, strings.TrimPrefix(digest, "sha256:")+".ext4")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	mke2fs, err := exec.LookPath("mke2fs")
	if err != nil {
		return "", errors.New("mke2fs is missing; install the package e2fsprogs")
	}
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return "", fmt.Errorf("make the machines' disk: %w", err)
	}
	file := os.NewFile(uintptr(fd), path)
	defer file.Close()
	if err := file.Truncate(diskSize << 20); err != nil {
		return "", fmt.Errorf("make the machines' disk: %w", err)
	}
	// unshare's mount namespace takes the overlay away.
	script := `mount -t overlay overlay -o "lowerdir=$1" /mnt && exec "$2" -q -F -t ext4 -d /mnt /proc/self/fd/3`
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "sh", "-euc", script, "sh", strings.Join(layers, ":"), mke2fs)
	cmd.ExtraFiles = []*os.File{file}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make the machines' disk: mke2fs: %w: %s", err, strings.TrimSpace(string(out)))
	}
	if err := file.Sync(); err != nil {
		return "", fmt.Errorf("make the machines' disk: %w", err)
	}
	err = unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	if err != nil && !errors.Is(err, unix.EEXIST) { // by another process
		return "", fmt.Errorf("make the machines' disk: %w", err)
	}
	return path, nil
}
