package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"detgen/internal/helper"
	"detgen/lab/internal/owners"
	"detgen/lab/internal/rootfs"
	"detgen/record"

	"golang.org/x/sys/unix"
)

// container is a host that is a container of this kernel.
type container struct {
	*host
	user        *os.File       // its user namespace
	attribution *owners.Owners // nil where programs have no control groups
	runtime     *helper.Process

	entering sync.Mutex
	mounts   *os.File // its mount namespace, once it is needed
}

func (c *container) prepare(l *lab) (err error) {
	if l.groups == nil {
		return nil
	}
	c.attribution, err = owners.New(c.Name, l.groups, c.id, c.first, owners.Programs(l.run, c.Host))
	return err
}

func (c *container) isolate(l *lab) (err error) {
	if c.net, c.user, err = newHostNamespace(l.Program, c.first); err != nil {
		return err
	}
	if c.attribution != nil {
		if err := c.attribution.Watch(c.net); err != nil {
			return err
		}
	}
	return c.net.Isolate(c.Host)
}

func (c *container) join() error { return c.net.Configure(c.Host) }

func (c *container) start(_ context.Context, l *lab, log io.Writer) (io.ReadWriteCloser, error) {
	if err := c.bundle(l.Options); err != nil {
		return nil, fmt.Errorf("host %q: %w", c.Name, err)
	}
	if err := rootfs.Furnish(c.root(), c.first, l.run, c.Host); err != nil {
		return nil, err
	}
	if err := c.launch(l.Options, log); err != nil {
		return nil, fmt.Errorf("host %q: %w", c.Name, err)
	}
	return c.runtime.Conn, nil
}

// failed implements system: the runtime tells why before it ends.
func (c *container) failed() <-chan struct{} { return c.runtime.Ended() }

func (c *container) when(t time.Time) time.Time { return t }

func (c *container) table(_ context.Context, name string) ([]byte, error) {
	return os.ReadFile(c.net.Proc("net/" + name))
}

func (c *container) exists(_ context.Context, path string) (bool, error) {
	f, err := rootfs.Open(c.root(), path, unix.O_PATH|unix.O_NOFOLLOW)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, f.Close()
}

func (c *container) owners(context.Context) ([]record.Owner, error) {
	if c.attribution == nil {
		return nil, nil
	}
	return c.attribution.Results()
}

func (c *container) stop() error {
	if c.runtime != nil {
		// The init ends when its connection does, and with it the kernel ends every process of the host.
		c.runtime.Conn.Close()
		<-c.runtime.Ended()
	}
	err := unix.Unmount(c.root(), unix.MNT_DETACH)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) { // it was not mounted yet
		err = nil
	}
	if c.user != nil {
		c.user.Close()
	}
	if c.mounts != nil {
		c.mounts.Close()
	}
	if c.attribution != nil {
		c.attribution.Close()
	}
	return err
}
