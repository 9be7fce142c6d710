// Package network makes the network namespaces of a lab and gives them addresses, routes and the transport factors of
// their hosts.
package network

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"detgen/internal/thread"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Namespace is a network namespace without a name: it lives as long as the thread that is in
// it, which is this one's until close, or a process or descriptor of others.
type Namespace struct {
	FD     netns.NsHandle
	Handle *netlink.Handle
	thread int           // that is in the namespace and does nothing
	leave  chan struct{} // closed to end it
}

// New makes an empty network namespace that belongs to this process's user namespace.
func New() (*Namespace, error) {
	n, err := open(func() error { return unix.Unshare(unix.CLONE_NEWNET) })
	if err != nil {
		return nil, fmt.Errorf("make network namespace: %w", err)
	}
	return n, nil
}

// Open gives the network namespace of a file, which the caller closes.
func Open(file *os.File) (*Namespace, error) {
	return open(func() error { return unix.Setns(int(file.Fd()), unix.CLONE_NEWNET) })
}

// open gives the network namespace that enter brings the calling thread into.
func open(enter func() error) (*Namespace, error) {
	n := &Namespace{leave: make(chan struct{})}
	made := make(chan error)
	thread.Go(func() {
		err := enter()
		if err == nil {
			n.FD, err = netns.Get()
		}
		n.thread = unix.Gettid()
		made <- err
		if err == nil {
			<-n.leave
		}
	})
	if err := <-made; err != nil {
		return nil, err
	}
	var err error
	if n.Handle, err = netlink.NewHandleAt(n.FD, unix.NETLINK_ROUTE); err != nil {
		n.FD.Close()
		close(n.leave)
		return nil, fmt.Errorf("open netlink in a network namespace: %w", err)
	}
	return n, nil
}

// Proc is the path of a file that the kernel shows about the namespace.
func (n *Namespace) Proc(file string) string {
	return fmt.Sprintf("/proc/self/task/%d/%s", n.thread, file)
}

// Do calls f on a thread that is in the namespace.
func (n *Namespace) Do(f func() error) error {
	result := make(chan error)
	thread.Go(func() {
		if err := netns.Set(n.FD); err != nil {
			result <- fmt.Errorf("enter network namespace: %w", err)
			return
		}
		result <- f()
	})
	return <-result
}

// sysctl sets values below /proc/sys of this namespace and reads them back.
func (n *Namespace) sysctl(settings []setting) error {
	return n.Do(func() error {
		for _, s := range settings {
			path := filepath.Join("/proc/sys", strings.ReplaceAll(s.key, ".", "/"))
			if err := os.WriteFile(path, []byte(s.value), 0); err != nil {
				return fmt.Errorf("set %s=%s: %w", s.key, s.value, err)
			}
			got, err := os.ReadFile(path)
			if err != nil {
				return fmt.Errorf("read back %s: %w", s.key, err)
			}
			if strings.Join(strings.Fields(string(got)), " ") != s.value {
				return fmt.Errorf("set %s=%s: it reads back as %q", s.key, s.value, strings.TrimSpace(string(got)))
			}
		}
		return nil
	})
}

type setting struct{ key, value string }

// Close gives the namespace up.
func (n *Namespace) Close() {
	n.Handle.Close()
	n.FD.Close()
	close(n.leave)
}
