package inside

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// starter is a thread that starts programs. Capabilities belong to threads.
type starter chan func()

// newStarter makes the thread. The init has a capability that its programs do not get: it starts scripts in the views of
// their activities by chroot(2). What the thread starts has the capabilities that the init can hand on (its inheritable
// set, capabilities(7)), also where it is root's. An init that may do everything is that of a virtual machine, and so may its
// programs.
func newStarter() (starter, error) {
	s := make(starter)
	limited := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := limitPrograms()
		limited <- err
		if err != nil {
			return
		}
		for f := range s {
			f()
		}
	}()
	return s, <-limited
}

// do calls f on the thread.
func (s starter) do(f func()) {
	done := make(chan struct{})
	s <- func() { f(); close(done) }
	<-done
}

// limitPrograms keeps the init's own capabilities from what this thread starts.
func limitPrograms() error {
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
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil {
				return fmt.Errorf("keep a capability from the host's programs: %w", err)
			}
		}
	}
	return nil
}
