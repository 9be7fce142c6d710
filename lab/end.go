package lab

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"detgen/lab/inside"

	"golang.org/x/sys/unix"
)

// captures gives all captures, in the order of the result's.
func (l *lab) captures() []*capture {
	var captures []*capture
	for _, h := range l.hosts {
		captures = append(captures, h.captures...)
	}
	return append(captures, l.taps...)
}

// finishCaptures ends the captures: reads what is left, and the kernel's drop counters.
func (l *lab) finishCaptures() error {
	var wait sync.WaitGroup
	captures := l.captures()
	errs := make([]error, len(captures))
	for i, c := range captures {
		wait.Go(func() { errs[i] = c.finish() })
	}
	wait.Wait()
	for i, c := range captures {
		out := &l.result.Captures[i]
		out.Frames, out.Dropped, out.Bytes = c.frames, c.dropped, c.bytes
		if errs[i] != nil {
			errs[i] = fmt.Errorf("capture %s: %w", out.File, errs[i])
		} else if c.dropped > 0 {
			errs[i] = fmt.Errorf("capture %s: the kernel dropped %d frames, so it is not whole", out.File, c.dropped)
		}
	}
	l.result.Finished = time.Now()
	return errors.Join(errs...)
}

// checkMemory makes sure that the kernel killed nothing for want of memory. A server's worker
// may be made anew and nobody else notice, but the traffic is then not the task's.
func (l *lab) checkMemory() error {
	for _, h := range l.hosts {
		if how, ok := strings.CutPrefix(h.outOfMemory(), "; "); ok {
			return fmt.Errorf("host %q: %s", h.Name, how)
		}
	}
	return nil
}

// readOwners writes down which program owns which connection.
func (l *lab) readOwners(ctx context.Context) error {
	for _, h := range l.hosts {
		list, err := h.owners(ctx)
		if err != nil {
			return fmt.Errorf("host %q: owners of connections: %w", h.Name, err)
		}
		l.result.Owners = append(l.result.Owners, list...)
	}
	return nil
}

// closeOutputs ends the logs of the hosts' programs, which have what was printed until now.
func (l *lab) closeOutputs() {
	ctx, cancel := context.WithTimeout(context.Background(), drainLimit)
	defer cancel()
	var wait sync.WaitGroup
	for _, h := range l.hosts {
		wait.Go(func() {
			if h.calls != nil {
				h.request(ctx, inside.Request{Operation: inside.Flush}) // fails when the host has ended
			}
			if err := h.closeOutputs(); err != nil {
				l.Log.Error("end the logs of a host", "host", h.Name, "error", err)
			}
		})
	}
	wait.Wait()
}

// readLinks notes the links' settings and counters.
func (l *lab) readLinks() {
	if l.links == nil {
		return
	}
	results, err := l.links.Results()
	if err != nil {
		l.Log.Error("read the links' counters", "error", err)
	}
	l.result.Links = results
}

// close takes the lab down, everything at once: most of it is waiting for the kernel.
func (l *lab) close() {
	var wait sync.WaitGroup
	for _, c := range l.captures() {
		wait.Go(c.release)
	}
	if l.links != nil {
		wait.Go(func() { l.links.Close() })
	}
	for _, h := range l.hosts {
		wait.Go(func() {
			if err := h.stop(); err != nil {
				l.Log.Error("take down a host", "host", h.Name, "error", err)
			}
		})
	}
	wait.Wait()
	for _, h := range l.hosts {
		if h.net != nil {
			h.net.Close()
		}
	}
	if l.net != nil {
		l.net.Close()
	}
	if l.groups != nil {
		l.groups.Close()
	}
	unix.Unmount(l.Scratch, unix.MNT_DETACH)
}
