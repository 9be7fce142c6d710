package link

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// waitEvents is epoll_pwait2(2), whose patience has the precision that epoll_wait(2) lacks.
// Patience is in ns; a signal may cut it short.
func waitEvents(epoll int, events []unix.EpollEvent, patience int64) (int, error) {
	var timeout *unix.Timespec
	if patience != never {
		t := unix.NsecToTimespec(patience)
		timeout = &t
	}
	for {
		n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(epoll),
			uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(unsafe.Pointer(timeout)), 0, 0)
		switch {
		case errno == 0:
			return int(n), nil
		case errno != unix.EINTR:
			return 0, fmt.Errorf("wait for frames: %w", errno)
		case patience != never && patience > 0:
			return 0, nil // part of the time is over
		}
	}
}

// probeWait gives the error of epoll_pwait2(2) on no descriptor: ENOSYS when the kernel does
// not have it.
func probeWait() unix.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, ^uintptr(0), 0, 1, 0, 0, 0)
	return errno
}
