package main

import (
	"os"
	"runtime"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// rawClone3 makes a process that ends at once.
func rawClone3(args *[11]uint64) error {
	pid, _, e := unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(args)), unsafe.Sizeof(*args), 0)
	if e != 0 {
		return e
	}
	if pid == 0 {
		for {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	runtime.KeepAlive(args)
	_, err := unix.Wait4(int(pid), nil, 0, nil)
	return err
}

// moveLink gives the host's first card to a network namespace outside, which has no number here.
func moveLink() error {
	link, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	f, err := os.Open("/proc/1/ns/net")
	if err != nil {
		return err
	}
	defer f.Close()
	return netlink.LinkSetNsFd(link, int(f.Fd()))
}
