package inside

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrNoLab says that this process does not run in a host of a lab.
var ErrNoLab = errors.New("not in a host of a lab")

// Within gives ErrNoLab unless this process runs in a host of a lab. The sign is the host's init:
// it listens on the socket of the helpers, and it is process 1 where this process is.
func Within() error {
	conn, err := net.Dial("unix", reportSocket)
	if err != nil {
		return ErrNoLab
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred // who listens (unix(7), SO_PEERCRED)
	var peerErr error
	if err := raw.Control(func(fd uintptr) { peer, peerErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return err
	}
	if peerErr != nil || peer.Pid != 1 {
		return ErrNoLab
	}
	return nil
}

// LabHost gives an error unless name is a name or an address of a host of the lab, by /etc/hosts,
// which the lab writes.
func LabHost(name string) error {
	content, err := os.ReadFile("/etc/hosts")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(content)) {
		if slices.Contains(strings.Fields(line), name) {
			return nil
		}
	}
	return fmt.Errorf("%q is no host of this lab", name)
}

// LabAddress gives the host of an address HOST:PORT, and an error unless it is of the lab.
func LabAddress(address string) (host string, err error) {
	if host, _, err = net.SplitHostPort(address); err != nil {
		return "", err
	}
	return host, LabHost(host)
}

// Phase starts a phase of the task whose script started this process; elsewhere, as in a
// service, it does nothing.
func Phase(name string) error {
	if os.Getenv(ActivityVariable) == "" {
		return nil
	}
	return Helper([]string{"phase", name})
}
