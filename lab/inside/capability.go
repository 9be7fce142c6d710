package inside

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// keepChroot leaves the init the one capability that it needs itself: it starts scripts in the views of their activities
// by chroot(2). Its programs have those that it can hand on (its inheritable set, capabilities(7)), root's among them. An
// init that may do everything is that of a machine, and so may its programs.
func keepChroot() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var has [2]unix.CapUserData
	if err := unix.Capget(&header, &has[0]); err != nil {
		return fmt.Errorf("read the init's capabilities: %w", err)
	}
	bit := func(c int) uint32 { return 1 << c } // all are among the first 32
	if has[0].Effective&bit(unix.CAP_SYS_ADMIN) != 0 {
		return nil
	}
	for _, c := range []int{unix.CAP_SYS_CHROOT, unix.CAP_SETPCAP} {
		if has[0].Inheritable&bit(c) == 0 {
			if err := everyThread(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, uintptr(c)); err != nil {
				return fmt.Errorf("keep a capability from the host's programs: %w", err)
			}
		}
	}
	if has[0].Inheritable&bit(unix.CAP_SETPCAP) == 0 {
		has[0].Effective &^= bit(unix.CAP_SETPCAP)
		has[0].Permitted &^= bit(unix.CAP_SETPCAP)
	}
	if err := setCapabilities(&header, &has); err != nil {
		return fmt.Errorf("give up a capability: %w", err)
	}
	return nil
}
