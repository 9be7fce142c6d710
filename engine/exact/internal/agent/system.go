package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"detgen/engine/exact/internal/qemu"
)

func ioctl(f *os.File, request uint, argument []byte) error {
	_, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), uintptr(request), uintptr(unsafe.Pointer(unsafe.SliceData(argument))))
	runtime.KeepAlive(argument)
	if e != 0 {
		return e
	}
	return nil
}

// mount makes the mount point and mounts on it.
func mount(kind, source, target string, flags uintptr, options string) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(source, target, kind, flags, options); err != nil {
		return fmt.Errorf("mount %s on %s: %w", kind, target, err)
	}
	return nil
}

// leaveRootfs makes the root a mount of its own. The first root file system, which the kernel
// unpacked the initramfs into, cannot be exchanged for another (pivot_root(2)), which is how
// OCI runtimes give a container its root.
func leaveRootfs() error {
	const dir = "/root"
	if err := mount("", "/", dir, unix.MS_BIND, ""); err != nil {
		return err
	}
	if err := os.Chdir(dir); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move the root: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	return os.Chdir("/")
}

// mountSystem mounts what programs expect of a system.
func mountSystem() error {
	const hard = unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV
	return errors.Join(
		mount("proc", "proc", "/proc", hard, ""),
		mount("sysfs", "sysfs", "/sys", hard, ""),
		mount("devtmpfs", "devtmpfs", "/dev", unix.MS_NOSUID, ""),
		mount("devpts", "devpts", "/dev/pts", unix.MS_NOSUID|unix.MS_NOEXEC, "mode=620,gid=5,ptmxmode=666"),
		mount("tmpfs", "shm", "/dev/shm", unix.MS_NOSUID|unix.MS_NODEV, ""),
		mount("cgroup2", "cgroup2", "/sys/fs/cgroup", hard, ""),
		mount("tmpfs", "run", "/run", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"),
		mount("tmpfs", "tmp", "/tmp", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"),
		mount("tmpfs", "lab", "/lab", 0, "mode=755,size=90%"),
	)
}

// loadModules loads the kernel modules of /modules in the order of their names and removes
// them, which frees their memory.
func loadModules() error {
	files, err := filepath.Glob("/modules/*.ko")
	if err != nil {
		return err
	}
	slices.Sort(files)
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		f.Close()
		if err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("load %s: %w", path, err)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// limitMemory lets a machine whose memory is used up crash, instead of losing a program of the lab
// that the kernel picks. (What one host's limit allows is the host's affair.) Without a time for which
// pages must stay, the kernel would take programs' pages and read them again for half a minute first
// (Documentation/admin-guide/mm/multigen_lru.rst, sysctl/vm.rst).
func limitMemory() error {
	for _, setting := range []struct{ path, value string }{
		{"/proc/sys/vm/panic_on_oom", "1"},
		{"/sys/kernel/mm/lru_gen/enabled", "y"},
		{"/sys/kernel/mm/lru_gen/min_ttl_ms", "1000"},
	} {
		if err := os.WriteFile(setting.path, []byte(setting.value), 0); err != nil {
			return err
		}
	}
	return nil
}

// findDevices gives the block devices of the machine's memory devices by their guest-physical
// addresses.
func findDevices() (map[uint64]string, error) {
	// Reading this waits until all devices are probed.
	if _, err := os.ReadFile("/sys/class/nd/ndctl0/device/wait_probe"); err != nil {
		return nil, fmt.Errorf("wait for the memory devices: %w", err)
	}
	regions, err := filepath.Glob("/sys/bus/nd/devices/region*")
	if err != nil {
		return nil, err
	}
	found := map[uint64]string{}
	for _, region := range regions {
		text, err := os.ReadFile(filepath.Join(region, "resource"))
		if err != nil {
			return nil, err
		}
		address, err := strconv.ParseUint(strings.TrimSpace(string(text)), 0, 64)
		if err != nil {
			return nil, fmt.Errorf("%s/resource: %w", region, err)
		}
		blocks, err := filepath.Glob(filepath.Join(region, "namespace*/block/*"))
		if err != nil {
			return nil, err
		}
		if len(blocks) != 1 {
			return nil, fmt.Errorf("%s has %d block devices, not 1", region, len(blocks))
		}
		found[address] = "/dev/" + filepath.Base(blocks[0])
	}
	if want := qemu.Slots + 1; len(found) != want {
		return nil, fmt.Errorf("%d memory devices, not %d", len(found), want)
	}
	return found, nil
}

// aligned gives a buffer that the page device accepts.
func aligned(size int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("mmap: %w", err)
	}
	return b, nil
}

// setClock sets the wall clock.
func setClock(to time.Time) error {
	t := unix.NsecToTimespec(to.UnixNano())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &t); err != nil {
		return fmt.Errorf("set the clock: %w", err)
	}
	return nil
}
